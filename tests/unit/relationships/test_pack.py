"""Relationship packs: those that ship are whole, and what is wrong with one is named with its field and limit."""

from typing import Any

import pytest
import yaml

from kit.packs import PackError
from relationships.pack import PACKS, named_pack, read_pack, shipped

FAMILIES = {"exchange", "partnership", "power", "affection", "distance"}
PROTECTIVE = {"enslavement", "dependence", "secret_affair", "enmity", "abusive"}


@pytest.fixture
def core() -> dict[str, Any]:
    return yaml.safe_load((PACKS / "core4.yaml").read_text(encoding="utf-8"))


def refusal_of(content: dict[str, Any], folder) -> str:
    path = folder / "pack.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(PackError) as refused:
        read_pack(path)
    return str(refused.value)


class TestShipped:
    def test_the_packs_are_these(self):
        assert shipped() == ("core4", "fritz4_de", "relations29")

    @pytest.mark.parametrize("name", shipped())
    def test_every_pack_can_be_read(self, name):
        assert named_pack(name).types

    def test_the_long_one_has_29_types_in_all_families(self):
        types = named_pack("relations29").types
        assert len(types) == 29
        assert {each.family for each in types.values()} == FAMILIES

    def test_whoever_needs_protection_has_it(self):
        types = named_pack("relations29").types
        assert {name for name, each in types.items() if each.protective} == PROTECTIVE

    def test_nobody_is_contacted_less_than_the_protected(self):
        for pack in map(named_pack, shipped()):
            protected = [pack.treatment_of(name) for name, each in pack.types.items() if each.protective]
            least = min(each.contacts for each in pack.treatments.values())
            assert all(each.contacts == least for each in protected)

    def test_another_pack_is_refused_by_name(self):
        with pytest.raises(PackError, match=r"core5.*core4, fritz4_de, relations29"):
            named_pack("core5")


class TestRefusals:
    def test_a_field_that_is_missing(self, core, tmp_path):
        del core["types"]["fan"]["family"]
        assert "missing required field `family` - at `$.types" in refusal_of(core, tmp_path)

    def test_a_field_that_is_misspelt(self, core, tmp_path):
        core["types"]["fan"]["colour"] = "red"
        assert "unknown field `colour`" in refusal_of(core, tmp_path)

    def test_a_number_beyond_its_limit(self, core, tmp_path):
        core["types"]["fan"]["coordinates"]["valence"] = 2
        assert "<= 1.0 - at `$.types" in refusal_of(core, tmp_path)

    def test_a_protective_type_that_is_contacted_more(self, core, tmp_path):
        core["types"]["adversary"]["treatment"] = "warm"
        said = refusal_of(core, tmp_path)
        assert "types.adversary.treatment: contacts is 6, a protective type may have at most" in said

    def test_a_protective_type_that_is_contacted_sooner(self, core, tmp_path):
        core["treatments"]["apart"]["least_gap_hours"] = 24
        assert "types.adversary.treatment: least_gap_hours is 24" in refusal_of(core, tmp_path)

    def test_a_protective_type_with_less_quiet(self, core, tmp_path):
        core["treatments"]["apart"]["quiet_hours"] = [3, 4]
        assert "types.adversary.treatment: quiet_hours" in refusal_of(core, tmp_path)

    def test_a_pattern_that_is_no_expression(self, core, tmp_path):
        core["types"]["fan"]["patterns"][1]["match"] = "("
        assert "types.fan.patterns[1].match" in refusal_of(core, tmp_path)

    def test_a_transition_into_nowhere(self, core, tmp_path):
        core["types"]["fan"]["becomes"] = ["king"]
        assert "types.fan.becomes: 'king'" in refusal_of(core, tmp_path)

    def test_a_language_without_prototypes(self, core, tmp_path):
        del core["types"]["fan"]["prototypes"]["de"]
        assert "types.fan.prototypes: de is missing" in refusal_of(core, tmp_path)

    def test_shares_of_more_than_all(self, core, tmp_path):
        core["types"]["fan"]["prior"]["share"] = 0.9
        assert "at most 1 is possible" in refusal_of(core, tmp_path)

    def test_somebody_unknown_who_named_it(self, core, tmp_path):
        core["types"]["fan"]["provenance"] = "Q"
        assert "types.fan.provenance: 'Q'" in refusal_of(core, tmp_path)
