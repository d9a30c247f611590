import json

import pytest

from contracts.profile.v1 import profile_pb2 as contract
from kit.errors import RemoteError
from services.profile.domain import AGGREGATE, COLLECT, REMEMBER, Kind, Statement
from services.profile.use_cases import choose
from tests.integration.profile.door import BRAND, SHOP, subject

FAN, RULER, PARTNER = (-8, -8, -8, 8, -8), (-8, -8, 8, -8, -8), (-8, 8, -8, -8, -8)
PATIENT_S = 30


@pytest.fixture
def people(room):
    """So many who allow being counted and said so often what they want."""

    async def people(count, stances, *, purposes=(COLLECT, REMEMBER, AGGREGATE)):
        names = [f"{stances}-{purposes}-{number}" for number in range(count)]
        for name in names:
            await room.grant(name, *purposes)
        said = (room.door.event(name, Kind.PRAISED, stances=stances) for name in names for _ in range(4))
        await room.fold(room.door.message(*said))
        return names

    return people


@pytest.fixture
def told(profile):
    async def told(audience="", **assumed):
        request = contract.ReportRelationshipsRequest(brand=BRAND, audience=audience, assumed=assumed)
        return json.loads((await profile.ReportRelationships(request, timeout=PATIENT_S)).document)

    return told


@pytest.fixture
def mined(profile):
    async def mined(audience=""):
        request = contract.ReportMiningRequest(brand=BRAND, audience=audience)
        return json.loads((await profile.ReportMining(request, timeout=PATIENT_S)).document)

    return mined


def shares(report):
    return {each["type"]: each["measured"]["share"] for each in report["types"] if "measured" in each}


class TestReport:
    async def test_those_are_measured_who_allow_it_and_do_not_object(self, room, people, told, stores):
        await people(25, FAN)
        await people(25, RULER)
        await people(5, FAN, purposes=(COLLECT, REMEMBER))
        for name in await people(5, PARTNER):
            await choose.object_to(stores, subject(name), ("relationship",), Statement(room.clock(), "rest"))
        report = await told(SHOP)
        assert report["personas"] == 50
        assert {name: round(share, 1) for name, share in shares(report).items()} == {"fan": 0.5, "ruler": 0.5}

    async def test_of_one_day_there_is_one_answer_whatever_is_assumed(self, people, told, clock):
        await people(25, FAN)
        first = await told()
        await people(25, RULER)
        again = await told(fan=0.5, ruler=0.5)
        assert shares(first) == shares(again)
        assert next(each for each in again["types"] if each["type"] == "fan")["assumed"] == 0.5
        clock.ms += 86_400_000
        assert set(shares(await told())) == {"fan", "ruler"}

    async def test_of_few_nothing_is_told(self, people, told):
        await people(19, FAN)
        report = await told()
        assert (report["personas"], shares(report), report["distance"]) == (0, {}, None)

    @pytest.mark.parametrize(
        "assumed", [{"king": 1.0}, {"fan": 0.5}, {"fan": -1.0, "ruler": 2.0}, {"fan": float("nan")}]
    )
    async def test_what_cannot_be_assumed_is_refused_by_name(self, told, assumed):
        with pytest.raises(RemoteError) as refused:
            await told(**assumed)
        assert (refused.value.reason, refused.value.field) == ("ASSUMPTION_REFUSED", "assumed")


class TestMining:
    async def test_it_tells_what_goes_with_a_type_once_a_day(self, room, people, mined, clock):
        fans, rulers = await people(60, FAN), await people(60, RULER)
        first = await mined(SHOP)
        assert (first["pack"], first["findings"]["personas"], first["findings"]["found"]) == ("core4/1", 120, [])
        wishing = [*fans[:40], *rulers[:20]]
        await room.fold(room.door.message(*(room.door.event(name, Kind.WISHED, topics=("jazz",)) for name in wishing)))
        assert await mined(SHOP) == first
        clock.ms += 86_400_000
        found = (await mined(SHOP))["findings"]["found"]
        (jazz,) = (each for each in found if (each["type"], each["trait"]) == ("fan", "likes.jazz"))
        assert (jazz["of_type"], jazz["of_others"]) == (0.67, 0.33)
        assert jazz["effects"]["odds_ratio"]["least"] > 1
