"""What is kept of decisions: shown, forgotten, erased, and there after a restart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.recommendation.v1 import recommendation_pb2 as messages
from kit.errors import RemoteError
from kit.sealing import UnsealableError
from kit.tenancy import acting_for_every_brand
from services.recommendation import tables
from services.recommendation.deciding.promising import FIRST_CELL
from services.recommendation.judging import GAINS
from services.recommendation.sealed import open_record
from services.recommendation.use_cases.keep import forget
from tests.integration.recommendation.asking import (
    DAY_MS,
    MET,
    SUBJECT,
    about,
    explained,
    feedback,
    listed,
    offered,
    rows,
)
from tests.integration.recommendation.deciders import keyed, persona
from tests.integration.recommendation.test_process import fit, teach


class TestListing:
    async def test_people_are_shown_what_was_decided_about_them_the_newest_first(self, stub, clock, monkeypatch):
        monkeypatch.setattr("services.recommendation.use_cases.listing._MOST", 2)
        ids = []
        for number in (1, 2, 1, 1):
            ids.append((number, (await offered(stub, persona(number))).decision_id.hex()))
            clock.at_ms += 1_000
        await stub.GiveFeedback(feedback(bytes.fromhex(ids[-1][1]), "accepted"))
        documents, [habits] = await listed(stub, persona(1))
        assert [each["decision"] for each in documents] == [told for number, told in reversed(ids) if number == 1]
        assert [each["outcome"] for each in documents] == ["accepted", "none", "none"]
        assert habits["presence"]["channel web"] == 3.0
        assert len((await listed(stub, persona(1), persona(2)))[0]) == 4
        clock.at_ms += 31 * DAY_MS
        assert (await listed(stub, persona(1)))[0] == []

    async def test_what_is_no_place_is_refused(self, stub):
        for wrong in (b"nonsense", b"\x7f" * 24):
            with pytest.raises(RemoteError) as refused:
                await stub.ListDecisions(messages.ListDecisionsRequest(personas=[persona(1)], after=wrong))
            assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "after")


class TestForgetting:
    async def test_by_time_decisions_go_first_then_states_and_never_what_has_to_be_taken_back(
        self, stub, personas, opened, clock
    ):
        await offered(stub, persona(1), initiative="brand")
        personas.know(persona(2))
        await stub.GiveFeedback(feedback((await offered(stub, persona(2))).decision_id, "accepted"))

        async def left(days):
            with acting_for_every_brand():
                await forget(opened, datetime.fromtimestamp(clock.at_ms / 1000, UTC) + timedelta(days=days))
            states = {row.pid: bool(row.body) for row in await rows(opened, tables.decision_states)}
            return len(await rows(opened, tables.decisions)), states

        one, two = persona(1).persona.pid, persona(2).persona.pid
        assert await left(30) == (2, {one: True, two: True})
        assert await left(30.01) == (0, {one: True, two: True})
        assert await left(90) == (0, {one: True, two: True})
        assert await left(90.01) == (0, {two: False})
        await stub.ErasePersonas(messages.ErasePersonasRequest(personas=[persona(2).persona]))
        assert {(row.seen, row.accepted) for row in await rows(opened, tables.answers)} == {(0, 0)}


class TestErasing:
    async def test_nothing_stays_of_the_erased_and_what_they_taught_is_taken_back(self, stub, opened, personas):
        for number in (1, 2):
            personas.know(persona(number))
            decision_id = (await offered(stub, persona(number))).decision_id
            await stub.GiveFeedback(feedback(decision_id, "accepted"))
        request = messages.ErasePersonasRequest(personas=[persona(1).persona])
        assert (await stub.ErasePersonas(request)).decisions >= 1
        assert (await stub.ErasePersonas(request)).decisions == 0
        for table in (tables.decisions, tables.decision_states):
            assert {row.pid for row in await rows(opened, table)} == {persona(2).persona.pid}
        kept = await rows(opened, tables.answers)
        assert sum(row.seen for row in kept if row.bucket < FIRST_CELL) == 1
        assert sum(row.seen for row in kept if row.bucket == GAINS) == 1
        customs = await rows(opened, tables.customs)
        assert sum(row.for_yes + row.for_no for row in customs if row.name.startswith("activity")) == 1_024

    async def test_what_is_kept_opens_under_the_key_of_the_persona_alone(self, stub, opened):
        await offered(stub, persona(1))
        [kept] = await rows(opened, tables.decisions)
        assert open_record(keyed(1), kept.decision_id, kept.body)["act"] == "offer"
        assert b"propensity" not in kept.body
        with pytest.raises(UnsealableError):
            open_record(replace(keyed(1), decision_key=keyed(2).decision_key), kept.decision_id, kept.body)


class TestRestart:
    async def test_another_process_remembers(self, running, announce, personas, opened):
        personas.know(persona(1))
        personas.allow(*MET)
        personas.answer.circle.append(persona(1))
        request = about(acts=["offer", "hello"])
        request.subject.CopyFrom(SUBJECT)
        async with running() as stub:
            await teach(announce, stub)
            await fit(stub)
            first = await stub.Decide(request)
            document = await explained(stub, first.decision_id)
            await stub.GiveFeedback(feedback(first.decision_id, "complained"))
        async with running() as stub:
            request.initiative = "brand"
            assert (await stub.Decide(request)).silence == "COMPLAINED"
            assert await explained(stub, first.decision_id) == {**document, "outcome": "complained"}
