import pytest

from services.profile.mending import Left, Misfit, Rule, ValueField, decode_rule, encode_rule, mend

LEFT = Left(1_000, "web", {"sku": "s-1", "product_id": "p-1"}, ("drinks",), {"total": 9.5, "rating": 4.0})


def mended(rule, left=LEFT):
    return mend(rule, left, "app:shop", b"e" * 16, b"m" * 16)


class TestMend:
    def test_parts_stand_where_the_rule_says(self):
        event = mended(Rule(8, ("product_id", "sku"), (ValueField("revenue"), ValueField("total"))))
        assert (event.kind, event.item, event.topics, event.value) == (8, "p-1", ("drinks",), 9.5)
        assert (event.source, event.at_ms, event.channel) == ("app:shop", 1_000, "web")

    def test_a_rule_without_parts_takes_none(self):
        event = mended(Rule(1))
        assert (event.item, event.value) == (None, None)

    def test_a_scale_brings_the_value_to_one(self):
        assert mended(Rule(10, (), (ValueField("rating", (1, 5)),))).value == 0.75

    @pytest.mark.parametrize(
        "rule",
        [
            Rule(10, (), (ValueField("rating", (5, 10)),)),
            Rule(10, (), (ValueField("stars", (1, 5)),), needs_value=True),
            Rule(10, needs_value=True),
        ],
    )
    def test_what_does_not_fit_is_not_mended(self, rule):
        assert mended(rule) is Misfit.UNFIT

    def test_a_rule_is_kept_as_it_was(self):
        rule = Rule(10, ("sku",), (ValueField("rating", (1.0, 5.0)), ValueField("x")), needs_value=True)
        assert decode_rule(encode_rule(rule)) == rule
