import json

import pytest

from kit.errors import RemoteError
from services.profile.domain import COLLECT, Kind
from tests.integration.profile.door import SHOP
from tests.integration.profile.rights import WORLD

FAN = (-8, -4, -8, 8, -8)


class TestRelationship:
    async def test_what_was_said_is_told_shown_and_taken_away_as_numbers(self, rights):
        await rights.grant()
        await rights.did(*(rights.event(kind=Kind.PRAISED, stances=FAN) for _ in range(6)))
        told, view, shown = (await rights.signals()).relationship, await rights.view(), await rights.see()
        assert (told.pack, told.type, told.family, told.is_declared) == ("core4", "fan", "affection", False)
        assert view.relationship == "affection"
        assert (shown["relationship"]["type"], shown["relationship"]["texts"]) == ("fan", 6)
        assert (shown["journey"]["switching_risk"], shown["journey"]["model"]) == (0.05, "journey/1")
        standing = (await rights.signals()).bearing
        assert standing.switching_risk == pytest.approx(0.05, abs=0.005)
        assert (await rights.persona()).bearing == standing
        files, _ = await rights.archive()
        assert [each["stances"] for each in json.loads(files["traits.json"])["heard"]] == [list(FAN)] * 6

    async def test_a_declaration_outranks_it_from_the_next_read_on_until_it_is_taken_back(self, rights):
        await rights.grant()
        await rights.did(*(rights.event(kind=Kind.PRAISED, stances=FAN) for _ in range(6)))
        assert (await rights.persona()).relationship.type == "fan"
        declared = await rights.declare("ruler")
        assert (declared.type, declared.family) == ("ruler", "power")
        told = (await rights.persona()).relationship
        assert (told.type, told.confidence, told.is_declared) == ("ruler", 1.0, True)
        assert (await rights.see())["relationship"]["source"] == "declared"
        await rights.declare("")
        assert (await rights.persona()).relationship.type == "fan"

    async def test_it_holds_wherever_the_persona_is_linked(self, rights):
        await rights.grant()
        await rights.grant(audience=WORLD)
        await rights.declare("fan")
        await rights.link(("ada", SHOP), ("ada", WORLD))
        assert (await rights.signals(audience=WORLD)).relationship.type == "fan"

    async def test_who_objects_is_met_with_reserve(self, rights):
        await rights.grant()
        await rights.did(*(rights.event(kind=Kind.PRAISED, stances=FAN) for _ in range(6)))
        await rights.object("relationship")
        assert (await rights.signals()).relationship.family == "unknown"
        assert (await rights.see())["relationship"]["is_objected"]

    async def test_a_type_nobody_has_is_refused_by_name(self, rights):
        with pytest.raises(RemoteError) as refused:
            await rights.declare("king")
        assert (refused.value.reason, refused.value.field) == ("RELATIONSHIP_UNKNOWN", "type")

    async def test_nothing_is_told_without_the_purpose(self, rights, room):
        await rights.grant("ada", COLLECT)
        await rights.declare("fan")
        assert not (await rights.signals()).HasField("relationship")
