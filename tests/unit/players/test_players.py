"""How a persona plays: packs that are whole, scores that are never one label."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kit.packs import PackError
from players.pack import BEHAVIOURS, PACKS, named_pack, read_pack, shipped
from players.scores import Played, scores

SHIPPED = {name: named_pack(name) for name in shipped()}
hours = st.floats(0, 1_000)
counts = st.dictionaries(st.sampled_from(BEHAVIOURS), st.integers(0, 10_000).map(float))


def refusal_of(content, folder):
    path = folder / "pack.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(PackError) as refused:
        read_pack(path)
    return str(refused.value)


@pytest.fixture
def bartle():
    return yaml.safe_load((PACKS / "bartle4.yaml").read_text(encoding="utf-8"))


class TestPacks:
    def test_those_that_ship_have_as_many_dimensions_as_they_say(self):
        assert {name: len(pack.dimensions) for name, pack in SHIPPED.items()} == {"bartle4": 4, "hexad6": 6, "yee3": 3}

    def test_another_pack_is_refused_by_name(self):
        with pytest.raises(PackError, match=r"bartle5.*bartle4, hexad6, yee3"):
            named_pack("bartle5")

    def test_a_behaviour_nobody_counts_is_refused(self, bartle, tmp_path):
        bartle["dimensions"]["killer"]["evidence"]["gaze"] = 1.0
        assert "gaze" in refusal_of(bartle, tmp_path)

    def test_a_weight_beyond_its_limit_is_refused(self, bartle, tmp_path):
        bartle["dimensions"]["killer"]["evidence"]["trades"] = 3.0
        assert "<= 2.0" in refusal_of(bartle, tmp_path)

    def test_a_dimension_that_nothing_speaks_for_is_refused(self, bartle, tmp_path):
        bartle["dimensions"]["killer"]["evidence"] = {"help_given": -1.0}
        assert "dimensions.killer.evidence: at least one weight above 0" in refusal_of(bartle, tmp_path)

    def test_what_is_typical_must_be_known(self, bartle, tmp_path):
        del bartle["typical_an_hour"]["trades"]
        assert "dimensions.achiever.evidence.trades: it is not among typical_an_hour" in refusal_of(bartle, tmp_path)


class TestScores:
    @given(hours, counts)
    def test_every_dimension_has_a_score_within_its_interval(self, played_hours, done):
        for pack in SHIPPED.values():
            found = scores(pack, Played(played_hours, done))
            assert found.keys() == pack.dimensions.keys()
            assert all(0 <= each.low <= each.mean <= each.high <= 1 for each in found.values())

    def test_nothing_seen_says_nothing(self):
        nothing = scores(named_pack("bartle4"), Played(0.0, {}))["explorer"]
        assert nothing == pytest.approx((0.5, 0.05, 0.95))

    @given(st.floats(0.1, 1_000), counts, st.floats(1, 1_000))
    def test_more_help_never_makes_less_of_a_philanthropist(self, played_hours, done, more):
        pack, before = SHIPPED["hexad6"], Played(played_hours, done)
        after = before.plus(Played(0.0, {"help_given": more}))
        assert scores(pack, after)["philanthropist"].mean >= scores(pack, before)["philanthropist"].mean

    def test_more_hours_of_the_same_make_surer(self):
        pack = named_pack("yee3")
        short, long = (scores(pack, Played(each, {"trades": 5 * each}))["achievement"] for each in (2.0, 200.0))
        assert long.high - long.low < short.high - short.low

    @given(hours, counts, hours, counts)
    def test_those_of_two_worlds_add_up_in_any_order(self, some, done, more, beside):
        one, other = Played(some, done), Played(more, beside)
        assert scores(SHIPPED["bartle4"], one.plus(other)) == scores(SHIPPED["bartle4"], other.plus(one))
