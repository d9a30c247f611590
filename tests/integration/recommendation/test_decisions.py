"""Decisions through the service: what is done, by what is known."""

from datetime import UTC, datetime

import pytest

from contracts.common.v1.subject_pb2 import KeyedPersona
from contracts.profile.v1.profile_pb2 import Bearing, Bought
from contracts.recommendation.v1 import recommendation_pb2 as messages
from kit.errors import RemoteError
from kit.tenancy import acting_for
from services.recommendation import tables
from services.recommendation.repository.decisions import HeldState, Logged, Turned, note_decision
from services.recommendation.sealed import open_habits, open_state
from tests.integration.recommendation.asking import DAY_MS, MET, SUBJECT, about, explained, feedback, offered, rows
from tests.integration.recommendation.deciders import NOON_MS, keyed, persona


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

    async def test_a_denied_persona_is_not_decided_about(self, stub, personas, opened):
        personas.deny()
        request = about()
        request.subject.CopyFrom(SUBJECT)
        answer = await stub.Decide(request)
        assert (answer.act, answer.silence, answer.decision_id) == ("silent", "DENIED", b"")
        assert answer.decision.reason == "WITHDRAWN"
        assert not await rows(opened, tables.decisions)

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

    async def test_where_offers_are_needed_nothing_is_decided_before_some_are_put(self, stub, opened):
        answer = await stub.Decide(about(persona(1), needs_offers=True))
        assert (answer.act, answer.silence, answer.decision_id) == ("silent", "NO_OFFERS", b"")
        assert not await rows(opened, tables.decisions)
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


class TestSuits:
    async def test_where_a_persona_stands_decides_whether_it_is_sold_to_and_what_that_is_worth(self, stub):
        asked = about(persona(1), initiative="brand", activity="asking", relationship="fan")
        asked.known.bought.MergeFrom(Bought(days=2, first_day=1, last_day=NOON_MS // DAY_MS - 3, spend=9.0))
        asked.known.bearing.MergeFrom(Bearing(journey="using", switching_risk=0.9, play=["hexad6.achiever"]))
        served = await stub.Decide(asked)
        assert (served.act, served.silence, served.channel) == ("silent", "SWITCHING", "")
        assert (await explained(stub, served.decision_id))["suits"]["is_sold_to"] is False
        asked.known.bearing.switching_risk = 0.2
        sold = await stub.Decide(asked)
        assert (sold.act, sold.channel, sold.style) == ("offer", "web", "warm and lively; as something to master")
        document = await explained(stub, sold.decision_id)
        assert [each["kind"] for each in document["suits"]["worth"]] == ["journey", "just_bought"]
        value = document["p_accept"] * document["benefit"] - document["cost"]
        assert value == pytest.approx(document["value"], abs=1e-6)
        asked.known.bearing.switching_risk, asked.initiative = 0.9, "persona"
        assert (await stub.Decide(asked)).act == "offer"

    async def test_the_brand_begins_where_the_persona_answers_and_knows_where_it_turned_up(self, stub, opened, clock):
        begun = {"initiative": "brand", "acts": ["hello"], "relationship": "fan", "activity": "asking"}
        for channel, outcome in (("mail", "accepted"), ("web", "dismissed"), ("mail", "accepted")):
            first = await stub.Decide(about(persona(1), channel=channel, **begun))
            await stub.GiveFeedback(feedback(first.decision_id, outcome))
            clock.at_ms += 8 * DAY_MS
        met = [await _presence(opened, clock, channel) for channel in ("mail", "web")]
        told = await stub.Decide(about(persona(1), channel="web", also_in=["world", "mail"], **begun))
        assert (told.act, told.channel) == ("hello", "mail")
        assert (await explained(stub, told.decision_id))["moment"]["channel"] == "mail"
        now = [await _presence(opened, clock, channel) for channel in ("mail", "web")]
        assert (now[0] - met[0], now[1] - met[1]) == (0.0, pytest.approx(1.0))
        asked = await stub.Decide(about(persona(1), channel="web", also_in=["mail"]))
        assert asked.channel == "web"

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"also_in": ["WEB"]}, "also_in"),
            ({"also_in": ["web"] * 9}, "also_in"),
            ({"market": "mars", "group": "over_fifty"}, "market"),
            ({"market": "megacity"}, "group"),
        ],
    )
    async def test_what_does_not_fit_is_named(self, stub, wrong, field):
        with pytest.raises(RemoteError) as refused:
            await stub.Decide(about(persona(1), **wrong))
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", field)


async def _presence(opened, clock, channel):
    [kept] = await rows(opened, tables.decision_states)
    return open_habits(keyed(1), kept.habits).presence.at(f"channel {channel}", clock.at_ms, 400.0)


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

    async def test_turning_up_counts_in_silence_too_and_for_all_that_is_linked(self, stub, opened, clock):
        for _ in range(5):
            await stub.Decide(about(persona(1), initiative="brand", activity="occupied"))
        [kept] = await rows(opened, tables.decision_states)
        habits = open_habits(keyed(1), kept.habits)
        assert habits.presence.at("channel web", clock.at_ms, 1.0) == 5.0
        assert not open_state(keyed(1), kept.body).contacts

    async def test_an_answer_is_not_lost_to_a_decision_that_was_read_before_it(self, opened):
        persona, at = keyed(1).persona, datetime.fromtimestamp(0, UTC)
        with acting_for("oak"):
            logged = [Logged(persona, bytes([number]) * 16, b"") for number in range(3)]
            await note_decision(opened, logged[0], Turned(b"", b"one", 1), at, {})
            await note_decision(opened, logged[1], Turned(b"", b"late", 1), at, {})
            await note_decision(opened, logged[2], Turned(b"one", b"two", 1), at, {})
        assert [row.habits for row in await rows(opened, tables.decision_states)] == [b"two"]
        assert len(await rows(opened, tables.decisions)) == 3


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

    async def test_one_that_was_erased_elsewhere_begins_anew(self, stub, other, opened):
        first = await offered(stub, persona(1))
        await other.GiveFeedback(feedback(first.decision_id, "dismissed"))
        await offered(stub, persona(1))
        await other.ErasePersonas(messages.ErasePersonasRequest(personas=[persona(1).persona]))
        assert (await offered(stub, persona(1))).item == first.item
        [kept] = await rows(opened, tables.decision_states)
        assert open_state(keyed(1), kept.body).heard == ()

    async def test_each_time_a_persona_turns_up_counts_once(self, stub, other, opened, clock):
        for place in range(6):
            await offered((stub, other)[place % 2], persona(1))
        [kept] = await rows(opened, tables.decision_states)
        assert open_habits(keyed(1), kept.habits).presence.at("channel web", clock.at_ms, 1.0) == 6.0
        assert len(await rows(opened, tables.decisions)) == 6

    async def test_nothing_is_noted_by_what_no_longer_stands(self, opened):
        own, at = keyed(1), datetime.fromtimestamp(0, UTC)
        with acting_for("oak"):
            logged = [Logged(own.persona, bytes([number]) * 16, b"") for number in range(3)]
            first = await note_decision(opened, logged[0], Turned(b"", b"one", 1), at, {own: 0})
            late = await note_decision(opened, logged[1], Turned(b"", b"late", 1), at, {own: 0})
            again = await note_decision(opened, logged[2], Turned(b"one", b"two", 1), at, {own: first.version})
        assert late.news == {own.persona.pid: HeldState(habits=b"one", version=first.version)}
        assert again.news == {}
        assert again.version not in {0, first.version}
        assert len(await rows(opened, tables.decisions)) == 2
