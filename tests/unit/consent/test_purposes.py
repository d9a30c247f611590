import pytest

from kit.packs import PackError
from services.consent.domain import PurposeAlwaysOnError, UnknownPurposeError
from services.consent.purposes import load_purposes

PURPOSES = load_purposes()


class TestPack:
    def test_everything_but_core_is_off_until_granted(self):
        assert {each.id for each in PURPOSES.ordered if each.is_always_on} == {"core.service", "core.security"}
        assert [each.id for each in PURPOSES.ordered if not each.is_always_on] == [
            "collect.behaviour",
            "personalise.world",
            "recommend.offer",
            "remember.conversation",
            "offer.brand",
            "link.cross_world",
            "share.brand_profile",
            "analytics.aggregate",
            "research.model",
        ]

    def test_a_misspelt_key_is_refused(self, tmp_path):
        pack = tmp_path / "purposes.yaml"
        pack.write_text("id: p\nversion: '1'\npurposes: [{id: a, verison: 1}]\n")
        with pytest.raises(PackError, match=r"purposes\.yaml"):
            load_purposes(pack)


class TestKnown:
    def test_names_each_once_in_the_order_asked(self):
        found = PURPOSES.known(["research.model", "core.service", "research.model"])
        assert [each.id for each in found] == ["research.model", "core.service"]

    def test_an_unknown_one_is_refused(self):
        with pytest.raises(UnknownPurposeError) as refused:
            PURPOSES.known(["research.model", "sell.everything"])
        assert refused.value.field == "purposes"


class TestWithdrawable:
    def test_none_means_all_that_can_be(self):
        assert len(PURPOSES.withdrawable(())) == len(PURPOSES.ordered) - 2

    def test_core_is_refused(self):
        with pytest.raises(PurposeAlwaysOnError):
            PURPOSES.withdrawable(("research.model", "core.security"))
