import pytest
import sqlalchemy as sa

from contracts.common.v1.subject_pb2 import Subject
from contracts.recommendation.v1 import recommendation_pb2 as messages
from kit.db import Database
from kit.errors import RemoteError
from kit.testing import eventually
from services.recommendation import tables
from tests.unit.recommendation.town import START_MS, lesson, walks

SUBJECT = Subject(brand="oak", audience="app:shop", eid=bytes(16))


@pytest.fixture
async def database(settings):
    opened = Database(settings.database_url)
    yield opened
    await opened.dispose()


async def teach(announce, stub, paths=None):
    for path in walks(people=100) if paths is None else paths:
        sequence = await announce(lesson(*path))
    await learnt(stub, sequence)
    return sequence


async def learnt(stub, sequence):
    async def has_learnt():
        return (await model_of(stub)).sequence >= sequence

    await eventually(has_learnt)


async def model_of(stub):
    return await stub.GetModel(messages.GetModelRequest(brand="oak"))


async def fit(stub):
    return await stub.FitModel(messages.FitModelRequest(brand="oak"))


def asked(*items, **more):
    history = messages.History(items=items, at_ms=range(len(items)))
    return messages.RecommendRequest(**{"brand": "oak", "history": history, "count": 5, "at_ms": START_MS, **more})


async def rows(database, table):
    async with database.reading() as connection:
        return (await connection.execute(sa.select(table))).all()


async def saved(database, sequence):
    async def is_saved():
        found = await rows(database, tables.positions)
        return bool(found) and found[0].sequence >= sequence

    await eventually(is_saved)


class TestLearning:
    async def test_lessons_become_offers_with_reasons(self, running, announce):
        async with running() as stub:
            await teach(announce, stub)
            await fit(stub)
            met = [f"a{place}" for place in range(10)]
            answer = await stub.Recommend(asked(*met))
        assert answer.offers[0].item in {"a10", "a11", "a12"}
        assert {reason.ref for reason in answer.offers[0].reasons} <= {*met, ""}
        assert answer.abstained == ""
        assert not answer.HasField("decision")

    async def test_it_fits_by_itself_while_lessons_come(self, running, announce):
        async with running() as stub:
            await teach(announce, stub)

            async def is_fitted():
                return (await model_of(stub)).model_version

            assert await eventually(is_fitted) >= 1

    async def test_a_batch_announced_twice_is_learnt_once(self, running, announce):
        async with running() as stub:
            await announce(lesson("tea", "cup"), batch_id=b"1" * 16)
            await learnt(stub, await announce(lesson("tea", "cup"), batch_id=b"1" * 16) - 1)
            await learnt(stub, await announce(lesson("tea")))
            assert (await model_of(stub)).interactions == 3

    async def test_brands_learn_apart(self, running, announce):
        async with running() as stub:
            await announce(lesson("theirs"), brand="elm")
            await learnt(stub, await announce(lesson("ours")))
            elm = await stub.GetModel(messages.GetModelRequest(brand="elm"))
            assert ((await model_of(stub)).items, elm.items) == (1, 1)

    async def test_what_cannot_be_opened_is_set_aside_and_the_rest_learnt(self, running, announce, nats, database):
        async with running() as stub:
            await learnt(stub, await announce(lesson("tea")))
            await announce(lesson("tea"), key=b"x" * 32)
            await nats.jetstream().publish("profile.v1.folded.oak", b"no message")
            sequence = await announce(lesson("cup"))
            await learnt(stub, sequence)
            await saved(database, sequence)
            assert (await model_of(stub)).interactions == 2
        reasons = sorted((letter.sequence, letter.reason) for letter in await rows(database, tables.dead_letters))
        assert reasons == [(2, "UNSEALABLE"), (3, "UNREADABLE")]


class TestRestart:
    async def test_it_goes_on_where_it_was(self, running, announce, database):
        async with running() as stub:
            await saved(database, await teach(announce, stub))
            await fit(stub)
            before, model = await stub.Recommend(asked("a3", "a4")), await model_of(stub)
        async with running() as stub:
            after, again = await stub.Recommend(asked("a3", "a4")), await model_of(stub)
            await fit(stub)
        assert before == after
        assert dict(model.weights) == dict(again.weights)
        assert (model.interactions, model.items, model.sequence) == (again.interactions, again.items, again.sequence)
        assert again.model_version == model.model_version

    async def test_batches_are_remembered_over_a_restart(self, running, announce, database):
        async with running() as stub:
            sequence = await announce(lesson("tea"), batch_id=b"2" * 16)
            await saved(database, sequence)
        async with running() as stub:
            await announce(lesson("tea"), batch_id=b"2" * 16)
            await learnt(stub, await announce(lesson("cup")))
            assert (await model_of(stub)).interactions == 2

    async def test_what_is_saved_leaves_the_stream(self, running, announce, nats, database):
        async with running() as stub:
            await teach(announce, stub, [["tea"], ["cup"]])

            async def is_empty():
                return (await nats.jetstream().stream_info("PROFILE")).state.messages == 0

            await eventually(is_empty)

    async def test_no_row_speaks_of_a_persona_but_those_of_decisions(self, running, announce, database):
        async with running() as stub:
            await saved(database, await teach(announce, stub))
        items = await rows(database, tables.items)
        assert len(items) == 40
        speaking = {name for name, table in tables.metadata.tables.items() if "pid" in table.c}
        assert speaking == {"decisions", "decision_states"}
        assert set(tables.metadata.tables) - speaking == {
            "models",
            "items",
            "pair_rows",
            "weight_rows",
            "learnt_batches",
            "positions",
            "dead_letters",
            "answers",
            "offers",
            "offer_revisions",
            "customs",
            "policies",
        }


class TestSubject:
    async def test_a_persona_is_read_each_time_and_what_it_met_is_not_offered(self, running, announce, personas):
        personas.allow("a3", "a4", "a5")
        async with running() as stub:
            await teach(announce, stub)
            for _ in range(2):
                answer = await stub.Recommend(asked(subject=SUBJECT))
        assert len(personas.asked) == 2
        assert answer.decision.is_allowed
        assert not {"a3", "a4", "a5"} & {offer.item for offer in answer.offers}

    async def test_a_withdrawal_silences_the_next_answer(self, running, announce, personas):
        personas.allow("a3")
        async with running() as stub:
            await teach(announce, stub)
            assert (await stub.Recommend(asked(subject=SUBJECT))).offers
            personas.deny()
            answer = await stub.Recommend(asked(subject=SUBJECT))
        assert (answer.abstained, list(answer.offers), answer.decision.reason) == ("DENIED", [], "WITHDRAWN")

    async def test_a_removed_item_is_missing_from_the_next_answer(self, running, announce, personas):
        personas.allow("a3", "a4")
        async with running() as stub:
            await teach(announce, stub)
            offered = (await stub.Recommend(asked(subject=SUBJECT))).offers[0].item
            personas.allow("a3", "a4", removed=[offered])
            answer = await stub.Recommend(asked(subject=SUBJECT))
        assert answer.offers
        assert offered not in {offer.item for offer in answer.offers}

    async def test_nothing_learnt_is_said_so(self, running, personas):
        personas.allow("a3")
        async with running() as stub:
            assert (await stub.Recommend(asked(subject=SUBJECT))).abstained == "NOTHING_LEARNT"


class TestBounds:
    @pytest.mark.parametrize(
        ("request_", "field"),
        [
            (asked(count=0), "count"),
            (asked(count=101), "count"),
            (asked(brand=""), "brand"),
            (asked(exclude=["x"] * 1001), "exclude"),
            (asked(*["x"] * 2001), "history.items"),
            (asked("x" * 65), "history.items"),
            (asked(history=messages.History(items=["x"], at_ms=[])), "history.at_ms"),
            (asked(history=messages.History(items=["x", "y"], at_ms=[2, 1])), "history.at_ms"),
            (asked(history=messages.History(items=["x", "y"], at_ms=[1, 2], weights=[1])), "history.weights"),
            (asked(history=messages.History(items=["x"], at_ms=[1], weights=[1.5])), "history.weights"),
            (asked(history=messages.History(items=["x"], at_ms=[1], weights=[float("nan")])), "history.weights"),
            (asked(history=messages.History(likes=["a", "b", "c", "d"])), "history.likes"),
            (asked(subject=Subject(brand="elm", eid=bytes(16))), "subject.brand"),
            (asked(subject=Subject(brand="oak", eid=b"short")), "subject.eid"),
            (messages.RecommendRequest(brand="oak", count=1), "whom"),
        ],
    )
    async def test_what_is_out_of_bounds_is_refused_by_name(self, running, request_, field):
        async with running() as stub:
            with pytest.raises(RemoteError) as refused:
                await stub.Recommend(request_)
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", field)
