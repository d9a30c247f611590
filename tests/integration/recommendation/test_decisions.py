"""Decisions through the service: what is done, what is kept, and what feedback changes."""

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from contracts.common.v1.subject_pb2 import KeyedPersona, Subject
from contracts.recommendation.v1 import recommendation_pb2 as messages
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceStub
from kit.db import Database, raw
from kit.errors import RemoteError
from kit.rpc import connect
from kit.sealing import UnsealableError
from kit.settings import Settings
from kit.tenancy import acting_for, acting_for_every_brand
from services.recommendation import tables
from services.recommendation.__main__ import serve_recommendation
from services.recommendation.clients import Personas
from services.recommendation.deciding import Answers, bin_of
from services.recommendation.deciding.promising import FIRST_CELL
from services.recommendation.judging import GAINS
from services.recommendation.remembered import Remembered
from services.recommendation.repository import decisions
from services.recommendation.repository.decisions import HeldState, Logged, Turned, note_decision
from services.recommendation.rpc import Surroundings
from services.recommendation.sealed import open_habits, open_record, open_state
from services.recommendation.use_cases.keep import forget
from tests.integration.recommendation.deciders import NOON_MS, Clock, deciding, keyed, persona, town
from tests.integration.recommendation.test_process import fit, teach

SUBJECT = Subject(brand="oak", audience="app:shop", eid=bytes(16))
MET = [f"a{place}" for place in range(8)]
DAY_MS = 86_400_000


@pytest.fixture
async def database(settings):
    opened = Database(settings.database_url, pool_size=2)
    yield opened
    await opened.dispose()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def around(database, profile_address, clock):
    """A town that is learnt and fitted already."""
    async with connect(profile_address) as channel:
        made = deciding(database, town(), clock, Personas(channel))
        await made.shelves.look()
        yield made


@pytest.fixture
def shelves(around):
    return around.shelves


@pytest.fixture
async def stub(around, personas, clock):
    """The service alone."""
    personas.know(persona(1))
    async with _serving(around, clock) as own:
        yield own


@pytest.fixture
async def other(around, clock):
    """Another process of it."""
    async with _serving(replace(around, remembered=Remembered(100)), clock) as own:
        yield own


@asynccontextmanager
async def _serving(around, clock):
    surroundings = Surroundings(None, around.personas, None, clock.now_ms, None, around)
    server = serve_recommendation(Settings(grpc_address="127.0.0.1:0"), surroundings)
    await server.start()
    async with connect(server.address) as own:
        yield RecommendationServiceStub(own)
    await server.stop(0)


def about(*circle, removed=(), **more):
    history = messages.History(items=MET, at_ms=range(len(MET)), removed_items=removed)
    return messages.DecideRequest(
        **{
            "brand": "oak",
            "known": messages.Known(circle=circle, history=history),
            "acts": ["offer"],
            "initiative": "persona",
            "channel": "web",
            "count": 3,
            **more,
        }
    )


def feedback(decision_id, outcome, **more):
    return messages.GiveFeedbackRequest(
        **{"brand": "oak", "subject": SUBJECT, "decision_id": decision_id, "outcome": outcome, **more}
    )


async def explained(stub, decision_id):
    request = messages.ExplainDecisionRequest(brand="oak", subject=SUBJECT, decision_id=decision_id)
    return json.loads((await stub.ExplainDecision(request)).document)


async def rows(database, table):
    async with database.reading() as connection:
        return (await connection.execute(sa.select(table))).all()


async def offered(stub, *circle, **more):
    return await stub.Decide(about(*circle, **more))


class TestDecide:
    async def test_an_offer_comes_with_its_chance_and_its_reasons(self, stub):
        answer = await offered(stub, persona(1))
        assert answer.act == "offer"
        assert answer.item not in MET
        assert 0 < answer.p_accept_low < answer.p_accept < 1
        assert 0 < answer.propensity <= 1
        assert answer.reasons
        assert {answer.item}.isdisjoint(answer.also)

    async def test_what_an_explanation_adds_up_to_is_the_score(self, stub):
        answer = await offered(stub, persona(1))
        document = await explained(stub, answer.decision_id)
        total = sum(part["amount"] for part in document["contributions"])
        assert total == pytest.approx(document["score"], abs=1e-6)
        assert document["item"] == answer.item
        assert document["closed"]["met"] >= len(MET)
        assert document["outcome"] == "none"

    async def test_a_denied_persona_is_not_decided_about(self, stub, personas, database):
        personas.deny()
        request = about()
        request.subject.CopyFrom(SUBJECT)
        answer = await stub.Decide(request)
        assert (answer.act, answer.silence, answer.decision_id) == ("silent", "DENIED", b"")
        assert answer.decision.reason == "WITHDRAWN"
        assert not await rows(database, tables.decisions)

    async def test_a_subject_is_read_with_its_circle(self, stub, personas):
        personas.allow(*MET)
        personas.answer.circle.append(persona(1))
        request = about()
        request.subject.CopyFrom(SUBJECT)
        request.initiative, request.relationship = "brand", "fan"
        personas.answer.relationship.pack, personas.answer.relationship.type = "core4", "adversary"
        answer = await stub.Decide(request)
        assert answer.silence == "CONTACTS_SPENT"
        assert (await explained(stub, answer.decision_id))["propensity"] == answer.propensity

    async def test_where_offers_are_needed_nothing_is_decided_before_some_are_put(self, stub, database):
        answer = await stub.Decide(about(persona(1), needs_offers=True))
        assert (answer.act, answer.silence, answer.decision_id) == ("silent", "NO_OFFERS", b"")
        assert not await rows(database, tables.decisions)
        await stub.PutOffers(messages.PutOffersRequest(brand="oak", terms=[messages.Terms(item="new")]))
        assert (await stub.Decide(about(persona(1), needs_offers=True))).act == "offer"

    async def test_terms_close_gates(self, stub):
        first = await offered(stub, persona(1))
        terms = [
            messages.Terms(item=first.item, is_sold_out=True),
            *(messages.Terms(item=item, least_age=18) for item in first.also),
        ]
        assert (await stub.PutOffers(messages.PutOffersRequest(brand="oak", terms=terms))).offers == 3
        second = await offered(stub, persona(1), count=10)
        assert {first.item, *first.also}.isdisjoint({second.item, *second.also})
        closed = (await explained(stub, second.decision_id))["closed"]
        assert (closed["stock"], closed["age"]) == (1, 2)

    async def test_what_is_wrong_is_named(self, stub):
        wrong = {
            "acts": about(persona(1), acts=["sell"]),
            "channel": about(persona(1), channel="über"),
            "interruption": about(persona(1), interruption=1.5),
            "relationship": about(persona(1), relationship="friend"),
            "count": about(persona(1), count=0),
            "known.circle": about(),
            "known.circle.decision_key": about(KeyedPersona(persona=persona(1).persona, decision_key=b"short")),
        }
        for field, request in wrong.items():
            with pytest.raises(RemoteError) as refused:
                await stub.Decide(request)
            assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", field)
            assert refused.value.limit


class TestRecommend:
    async def test_whoever_asks_a_brand_that_has_put_offers_is_decided_for_and_answers_for_it(self, stub, personas):
        personas.allow(*MET)
        personas.answer.circle.append(persona(1))
        asking = messages.RecommendRequest(brand="oak", subject=SUBJECT, count=100, channel="shop")
        terms = [messages.Terms(item="a8", is_sold_out=True), messages.Terms(item="a9", channels=["mail"])]
        await stub.PutOffers(messages.PutOffersRequest(brand="oak", terms=terms))
        answer = await stub.Recommend(asking)
        items = [each.item for each in answer.offers]
        assert 1 < len(items) <= 10
        assert {"a8", "a9", *MET}.isdisjoint(items)
        assert all(each.reasons for each in answer.offers)
        assert (await explained(stub, answer.decision_id))["item"] == items[0]
        await stub.GiveFeedback(feedback(answer.decision_id, "dismissed"))
        assert items[0] not in {each.item for each in (await stub.Recommend(asking)).offers}

    async def test_what_is_denied_is_not_decided_and_says_so(self, stub, personas):
        await stub.PutOffers(messages.PutOffersRequest(brand="oak", terms=[messages.Terms(item="new")]))
        personas.deny()
        answer = await stub.Recommend(messages.RecommendRequest(brand="oak", subject=SUBJECT, count=3))
        assert (answer.abstained, answer.decision.reason, answer.decision_id) == ("DENIED", "WITHDRAWN", b"")

    async def test_where_it_is_asked_must_be_a_channel(self, stub, personas):
        await stub.PutOffers(messages.PutOffersRequest(brand="oak", terms=[messages.Terms(item="new")]))
        with pytest.raises(RemoteError) as refused:
            await stub.Recommend(messages.RecommendRequest(brand="oak", subject=SUBJECT, count=3, channel="über"))
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "channel")


class TestLimits:
    async def test_a_contact_is_spent_for_all_that_is_linked(self, stub):
        first = await offered(stub, persona(1), persona(2), initiative="brand", relationship="fan")
        assert first.act == "offer"
        second = await stub.Decide(about(persona(2), persona(1), initiative="brand", channel="mail"))
        assert second.act == "silent"
        assert second.silence == "CONTACTS_SPENT"
        assert second.quiet_until_ms == NOON_MS + 30 * DAY_MS
        unlinked = await offered(stub, persona(2), initiative="brand")
        assert unlinked.act == "offer"

    async def test_a_persona_that_asks_is_answered_within_any_limit(self, stub):
        for _ in range(3):
            assert (await offered(stub, persona(1), relationship="adversary")).act == "offer"
        unasked = await stub.Decide(about(persona(1), initiative="brand", relationship="adversary"))
        assert unasked.silence == "CONTACTS_SPENT"


class TestManners:
    async def test_silence_is_logged_with_its_reason(self, stub):
        answer = await stub.Decide(about(persona(1), initiative="brand", activity="occupied"))
        assert (answer.act, answer.silence, answer.propensity) == ("silent", "UNWELCOME", 1.0)
        manners = (await explained(stub, answer.decision_id))["manners"]
        assert (manners["activity"], manners["hour"], manners["speaks"]) == ("occupied", 12, False)
        assert manners["value_at_least"] <= 0

    async def test_the_very_next_decision_knows_what_was_answered(self, stub, clock):
        values = []
        begun = {"initiative": "brand", "acts": ["hello"], "relationship": "fan", "activity": "asking"}
        for outcome in ("accepted", "dismissed"):
            first = await offered(stub, persona(1), **begun)
            values.append((await explained(stub, first.decision_id))["manners"]["value"])
            await stub.GiveFeedback(feedback(first.decision_id, outcome))
            clock.at_ms += 8 * DAY_MS
        last = await stub.Decide(about(persona(1), **begun))
        assert values[1] > values[0]
        assert (await explained(stub, last.decision_id))["manners"]["value"] < values[1]

    async def test_turning_up_counts_in_silence_too_and_for_all_that_is_linked(self, stub, database, clock):
        for _ in range(5):
            await stub.Decide(about(persona(1), initiative="brand", activity="occupied"))
        [kept] = await rows(database, tables.decision_states)
        habits = open_habits(keyed(1), kept.habits)
        assert habits.presence.at("channel web", clock.at_ms, 1.0) == 5.0
        assert not open_state(keyed(1), kept.body).contacts

    async def test_an_answer_is_not_lost_to_a_decision_that_was_read_before_it(self, database):
        persona, at = keyed(1).persona, datetime.fromtimestamp(0, UTC)
        with acting_for("oak"):
            logged = [Logged(persona, bytes([number]) * 16, b"") for number in range(3)]
            await note_decision(database, logged[0], Turned(b"", b"one", 1), at, {})
            await note_decision(database, logged[1], Turned(b"", b"late", 1), at, {})
            await note_decision(database, logged[2], Turned(b"one", b"two", 1), at, {})
        assert [row.habits for row in await rows(database, tables.decision_states)] == [b"two"]
        assert len(await rows(database, tables.decisions)) == 3


class TestRemembered:
    """What a process remembers of a persona is decided by as long as the database has nothing else."""

    async def test_what_another_process_was_told_is_known(self, stub, other):
        first = await offered(stub, persona(1))
        await other.GiveFeedback(feedback(first.decision_id, "dismissed"))
        later = await offered(stub, persona(1), count=10)
        assert first.item not in {later.item, *later.also}

    async def test_what_a_linked_persona_was_told_elsewhere_is_known(self, stub, other, personas):
        await offered(stub, persona(1), persona(2))
        personas.know(persona(2))
        first = await offered(other, persona(2))
        await other.GiveFeedback(feedback(first.decision_id, "dismissed"))
        later = await offered(stub, persona(1), persona(2), count=10)
        assert first.item not in {later.item, *later.also}

    async def test_one_that_was_erased_elsewhere_begins_anew(self, stub, other, database):
        first = await offered(stub, persona(1))
        await other.GiveFeedback(feedback(first.decision_id, "dismissed"))
        await offered(stub, persona(1))
        await other.ErasePersonas(messages.ErasePersonasRequest(personas=[persona(1).persona]))
        assert (await offered(stub, persona(1))).item == first.item
        [kept] = await rows(database, tables.decision_states)
        assert open_state(keyed(1), kept.body).heard == ()

    async def test_each_time_a_persona_turns_up_counts_once(self, stub, other, database, clock):
        for place in range(6):
            await offered((stub, other)[place % 2], persona(1))
        [kept] = await rows(database, tables.decision_states)
        assert open_habits(keyed(1), kept.habits).presence.at("channel web", clock.at_ms, 1.0) == 6.0
        assert len(await rows(database, tables.decisions)) == 6

    async def test_nothing_is_noted_by_what_no_longer_stands(self, database):
        own, at = keyed(1), datetime.fromtimestamp(0, UTC)
        with acting_for("oak"):
            logged = [Logged(own.persona, bytes([number]) * 16, b"") for number in range(3)]
            first = await note_decision(database, logged[0], Turned(b"", b"one", 1), at, {own: 0})
            late = await note_decision(database, logged[1], Turned(b"", b"late", 1), at, {own: 0})
            again = await note_decision(database, logged[2], Turned(b"one", b"two", 1), at, {own: first.version})
        assert late.news == {own.persona.pid: HeldState(habits=b"one", version=first.version)}
        assert again.news == {}
        assert again.version not in {0, first.version}
        assert len(await rows(database, tables.decisions)) == 2


class TestFeedback:
    async def test_a_dismissed_offer_does_not_come_back(self, stub):
        first = await offered(stub, persona(1))
        answer = await stub.GiveFeedback(feedback(first.decision_id, "dismissed"))
        assert (answer.is_repeat, answer.reward) == (False, -0.5)
        later = await offered(stub, persona(1), count=10)
        assert first.item not in {later.item, *later.also}
        assert later.p_accept < first.p_accept

    async def test_saying_it_again_or_less_changes_nothing(self, stub):
        decision_id = (await offered(stub, persona(1))).decision_id
        await stub.GiveFeedback(feedback(decision_id, "dismissed"))
        for outcome in ("dismissed", "accepted", "ignored"):
            answer = await stub.GiveFeedback(feedback(decision_id, outcome, visible_ms=5_000))
            assert (answer.is_repeat, answer.reward) == (True, -0.5)

    async def test_what_was_hardly_seen_says_nothing(self, stub):
        decision_id = (await offered(stub, persona(1))).decision_id
        assert (await stub.GiveFeedback(feedback(decision_id, "ignored", visible_ms=1_999))).reward == 0
        assert (await stub.GiveFeedback(feedback(decision_id, "ignored", visible_ms=2_000))).reward == -0.05

    async def test_a_removal_is_told_to_everybody_and_takes_its_like_along(self, stub, personas):
        terms = [messages.Terms(item=f"extra-{n}", topics=["drama", "crime"]) for n in range(2)]
        terms.append(messages.Terms(item="extra-2", topics=["drama"]))
        await stub.PutOffers(messages.PutOffersRequest(brand="oak", terms=terms))
        first = await offered(stub, persona(1))
        assert (await stub.GiveFeedback(feedback(first.decision_id, "removed"))).reward == -1
        assert personas.removed == [first.item]
        personas.know(persona(3))
        before = (await explained(stub, (await offered(stub, persona(3))).decision_id))["closed"]
        after = (await explained(stub, (await offered(stub, persona(3), removed=["extra-0"])).decision_id))["closed"]
        assert (before["removed"], after["removed"]) == (0, 2)

    async def test_after_a_complaint_the_brand_begins_nothing(self, stub):
        first = await offered(stub, persona(1), initiative="brand")
        assert (await stub.GiveFeedback(feedback(first.decision_id, "complained"))).reward == -3
        later = await stub.Decide(about(persona(1), initiative="brand", relationship="fan"))
        assert later.silence == "COMPLAINED"

    async def test_nobody_answers_for_somebody_else(self, stub, personas):
        decision_id = (await offered(stub, persona(1))).decision_id
        personas.know(persona(2))
        for call in (
            stub.GiveFeedback(feedback(decision_id, "accepted")),
            stub.ExplainDecision(
                messages.ExplainDecisionRequest(brand="oak", subject=SUBJECT, decision_id=decision_id)
            ),
        ):
            with pytest.raises(RemoteError) as refused:
                await call
            assert refused.value.reason == "DECISION_UNKNOWN"

    async def test_silence_is_nothing_to_answer(self, stub):
        silent = await stub.Decide(about(persona(1), initiative="brand", relationship="adversary"))
        with pytest.raises(RemoteError) as refused:
            await stub.GiveFeedback(feedback(silent.decision_id, "accepted"))
        assert refused.value.reason == "NOTHING_TO_ANSWER"

    async def test_models_learn_from_those_who_agree_alone(self, stub, personas, database):
        await stub.GiveFeedback(feedback((await offered(stub, persona(1))).decision_id, "accepted"))
        personas.know(persona(1), purposes=())
        await stub.GiveFeedback(feedback((await offered(stub, persona(1))).decision_id, "accepted"))
        kept = [(row.seen, row.accepted) for row in await rows(database, tables.answers) if row.bucket < FIRST_CELL]
        assert kept == [(1, 1)]


async def judged(database, brand, *, better):
    """Have answers say that the bandit would have brought so much more."""
    gains = Answers(200, 200 * 500 * (1 if better else -1), 200 * 600 * 600)
    with acting_for(brand):
        async with database.transaction() as connection:
            await decisions.teach(await raw(connection), brand, {GAINS: gains, FIRST_CELL + 5: Answers(200, 150, 10)})


class TestPolicies:
    async def test_the_bandit_goes_live_only_when_the_lower_bound_holds(self, stub, database):
        wanted = messages.SetPolicyRequest(brand="oak", policy="bandit")
        for better in (None, False):
            if better is not None:
                await judged(database, "oak", better=better)
            with pytest.raises(RemoteError) as refused:
                await stub.SetPolicy(wanted)
            assert (refused.value.reason, refused.value.field) == ("POLICY_UNPROVEN", "policy")
        before = (await stub.GetPolicy(messages.GetPolicyRequest(brand="oak"))).policy
        assert (before.policy, before.answers, before.goes_live) == ("softmax", 200, False)
        await judged(database, "oak", better=True)
        await judged(database, "oak", better=True)
        after = (await stub.SetPolicy(wanted)).policy
        assert (after.policy, after.answers, after.goes_live) == ("bandit", 600, True)
        assert 0 < after.gain_low < after.gain < after.gain_high

    async def test_another_brand_is_not_meant_and_the_reference_is_always_gone_back_to(self, stub, database):
        await judged(database, "oak", better=True)
        await stub.SetPolicy(messages.SetPolicyRequest(brand="oak", policy="bandit"))
        assert (await stub.GetPolicy(messages.GetPolicyRequest(brand="elm"))).policy.policy == "softmax"
        await judged(database, "oak", better=False)
        back = await stub.SetPolicy(messages.SetPolicyRequest(brand="oak", policy="softmax"))
        assert back.policy.policy == "softmax"

    async def test_it_draws_and_says_so(self, stub, database, shelves):
        await judged(database, "oak", better=True)
        assert (await offered(stub, persona(1))).policy_version == "test.softmax"
        await stub.SetPolicy(messages.SetPolicyRequest(brand="oak", policy="bandit"))
        await shelves.look()
        answer = await offered(stub, persona(1))
        assert answer.policy_version == "test.bandit"
        document = await explained(stub, answer.decision_id)
        assert (document["policy"], document["propensity"]) == ("bandit", answer.propensity)

    async def test_an_answer_teaches_bucket_cell_promise_and_gain_and_once_when_it_rises(self, stub, database):
        decision_id = (await offered(stub, persona(1))).decision_id
        document = await explained(stub, decision_id)
        await stub.GiveFeedback(feedback(decision_id, "accepted"))
        await stub.GiveFeedback(feedback(decision_id, "dismissed"))
        kept = {row.bucket: (row.seen, row.accepted) for row in await rows(database, tables.answers)}
        gain = round((document["instead"] / document["propensity"] - 1) * -0.5 * 1_024)
        counted = (document["bucket"], document["cell"], bin_of(document["promised"]))
        assert kept == {**dict.fromkeys(counted, (1, 0)), GAINS: (1, gain)}

    async def test_what_there_is_no_such_policy_of_is_named(self, stub):
        with pytest.raises(RemoteError) as refused:
            await stub.SetPolicy(messages.SetPolicyRequest(brand="oak", policy="best"))
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "policy")


async def listed(stub, *personas):
    """Every page of what was decided about these."""
    documents, after, habits = [], b"", b""
    while not habits or after:
        answer = await stub.ListDecisions(messages.ListDecisionsRequest(personas=personas, after=after))
        documents += map(json.loads, answer.documents)
        after, habits = answer.next, habits or answer.habits or b"[]"
    return documents, json.loads(habits)


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
        self, stub, personas, database, clock
    ):
        await offered(stub, persona(1), initiative="brand")
        personas.know(persona(2))
        await stub.GiveFeedback(feedback((await offered(stub, persona(2))).decision_id, "accepted"))

        async def left(days):
            with acting_for_every_brand():
                await forget(database, datetime.fromtimestamp(clock.at_ms / 1000, UTC) + timedelta(days=days))
            states = {row.pid: bool(row.body) for row in await rows(database, tables.decision_states)}
            return len(await rows(database, tables.decisions)), states

        one, two = persona(1).persona.pid, persona(2).persona.pid
        assert await left(30) == (2, {one: True, two: True})
        assert await left(30.01) == (0, {one: True, two: True})
        assert await left(90) == (0, {one: True, two: True})
        assert await left(90.01) == (0, {two: False})
        await stub.ErasePersonas(messages.ErasePersonasRequest(personas=[persona(2).persona]))
        assert {(row.seen, row.accepted) for row in await rows(database, tables.answers)} == {(0, 0)}


class TestErasing:
    async def test_nothing_stays_of_the_erased_and_what_they_taught_is_taken_back(self, stub, database, personas):
        for number in (1, 2):
            personas.know(persona(number))
            decision_id = (await offered(stub, persona(number))).decision_id
            await stub.GiveFeedback(feedback(decision_id, "accepted"))
        request = messages.ErasePersonasRequest(personas=[persona(1).persona])
        assert (await stub.ErasePersonas(request)).decisions >= 1
        assert (await stub.ErasePersonas(request)).decisions == 0
        for table in (tables.decisions, tables.decision_states):
            assert {row.pid for row in await rows(database, table)} == {persona(2).persona.pid}
        kept = await rows(database, tables.answers)
        assert sum(row.seen for row in kept if row.bucket < FIRST_CELL) == 1
        assert sum(row.seen for row in kept if row.bucket == GAINS) == 1
        customs = await rows(database, tables.customs)
        assert sum(row.for_yes + row.for_no for row in customs if row.name.startswith("activity")) == 1_024

    async def test_what_is_kept_opens_under_the_key_of_the_persona_alone(self, stub, database):
        await offered(stub, persona(1))
        [kept] = await rows(database, tables.decisions)
        assert open_record(keyed(1), kept.decision_id, kept.body)["act"] == "offer"
        assert b"propensity" not in kept.body
        with pytest.raises(UnsealableError):
            open_record(replace(keyed(1), decision_key=keyed(2).decision_key), kept.decision_id, kept.body)


class TestRestart:
    async def test_another_process_remembers(self, running, announce, personas, database):
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
