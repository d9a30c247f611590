"""Which relationship a persona wants: read by the pack of its brand, and never finer in a view than the family."""

import pytest

from relationships.pack import UNKNOWN, named_pack, shipped
from services.profile.choices import Choices, Declaration
from services.profile.domain import Kind
from services.profile.domain.errors import RelationshipUnknownError
from services.profile.relations import RelationshipPacks, declaration, load_packs, relationship_of, seen
from services.profile.traits import Heard, Membership, Recent, Traits

CORE, FINE = named_pack("core4"), named_pack("relations29")
NOW = 1_000 * 86_400_000
FAN = (-8, -4, -8, 8, -8)
RULER = Choices(declared=Declaration("ruler", "power", 1))
OBJECTING = Choices(objections=("relationship",))


def speaking(count: int, stances: tuple[int, ...] = FAN) -> Traits:
    return Traits(heard=[Heard(NOW - each, bytes([each]) * 16, stances) for each in range(count, 0, -1)])


class TestRelationship:
    def test_it_follows_from_what_was_said(self):
        found = relationship_of(CORE, speaking(6), Choices(), NOW)
        assert (found.type, found.family, found.declared) == ("fan", "affection", False)
        assert found.confidence >= 0.8

    def test_it_follows_from_what_was_done_and_joined(self):
        shared = [Recent(NOW, bytes([each]) * 16, Kind.SHARED, "", 0, ()) for each in range(3)]
        idle, sharing, joined = (
            relationship_of(CORE, traits, Choices(), NOW).posterior["fan"]
            for traits in (Traits(), Traits(last=shared), Traits(groups=[Membership(NOW, b"g" * 16)]))
        )
        assert idle < joined < sharing

    def test_a_brand_may_switch_packs_without_losing_what_was_said(self):
        found = relationship_of(FINE, speaking(8), Choices(), NOW)
        assert (found.type, found.family) == (UNKNOWN, "affection")

    def test_a_declaration_outranks_it_in_any_pack(self):
        found = [relationship_of(pack, speaking(8), RULER, NOW) for pack in (CORE, FINE)]
        assert [(each.family, each.declared) for each in found] == [("power", True), ("power", True)]

    def test_who_objects_is_known_by_their_own_word_alone(self):
        assert relationship_of(CORE, speaking(8), OBJECTING, NOW).family == UNKNOWN
        both = Choices(objections=("relationship",), declared=RULER.declared)
        assert relationship_of(CORE, speaking(8), both, NOW).type == "ruler"


class TestSeen:
    def test_an_audience_is_told_the_family_at_most(self):
        assert seen(CORE, speaking(8), Choices(), NOW).relationship == "affection"
        assert seen(CORE, speaking(8), OBJECTING, NOW).relationship == ""
        assert seen(CORE, Traits(), Choices(), NOW).relationship == ""


class TestDeclaration:
    def test_a_type_that_the_pack_does_not_have_names_those_it_has(self):
        with pytest.raises(RelationshipUnknownError) as refused:
            declaration(CORE, "king", NOW)
        assert (refused.value.field, refused.value.limit) == ("type", "buyer_seller, partner, ruler, fan, adversary")


class TestPacks:
    def test_each_brand_has_one(self):
        packs = RelationshipPacks(CORE, {"oak": FINE})
        assert (packs.of("oak").id, packs.of("elm").id) == ("relations29", "core4")
        assert load_packs().of("oak").id == "core4"

    @pytest.mark.parametrize("name", shipped())
    def test_behaviours_are_kinds_of_interactions(self, name):
        kinds = {kind.name.lower() for kind in Kind}
        assert all(each.behaviours.keys() <= kinds for each in named_pack(name).types.values())
