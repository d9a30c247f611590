"""What became of decisions: what feedback changes, and which policy it lets in."""

import pytest

from contracts.recommendation.v1 import recommendation_pb2 as messages
from kit.errors import RemoteError
from services.recommendation import tables
from services.recommendation.deciding import bin_of
from services.recommendation.deciding.promising import FIRST_CELL
from services.recommendation.judging import GAINS
from tests.integration.recommendation.asking import SUBJECT, about, explained, feedback, judged, offered, rows
from tests.integration.recommendation.deciders import persona


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

    async def test_models_learn_from_those_who_agree_alone(self, stub, personas, opened):
        await stub.GiveFeedback(feedback((await offered(stub, persona(1))).decision_id, "accepted"))
        personas.know(persona(1), purposes=())
        await stub.GiveFeedback(feedback((await offered(stub, persona(1))).decision_id, "accepted"))
        kept = [(row.seen, row.accepted) for row in await rows(opened, tables.answers) if row.bucket < FIRST_CELL]
        assert kept == [(1, 1)]


class TestPolicies:
    async def test_the_bandit_goes_live_only_when_the_lower_bound_holds(self, stub, opened):
        wanted = messages.SetPolicyRequest(brand="oak", policy="bandit")
        for better in (None, False):
            if better is not None:
                await judged(opened, "oak", better=better)
            with pytest.raises(RemoteError) as refused:
                await stub.SetPolicy(wanted)
            assert (refused.value.reason, refused.value.field) == ("POLICY_UNPROVEN", "policy")
        before = (await stub.GetPolicy(messages.GetPolicyRequest(brand="oak"))).policy
        assert (before.policy, before.answers, before.goes_live) == ("softmax", 200, False)
        await judged(opened, "oak", better=True)
        await judged(opened, "oak", better=True)
        after = (await stub.SetPolicy(wanted)).policy
        assert (after.policy, after.answers, after.goes_live) == ("bandit", 600, True)
        assert 0 < after.gain_low < after.gain < after.gain_high

    async def test_another_brand_is_not_meant_and_the_reference_is_always_gone_back_to(self, stub, opened):
        await judged(opened, "oak", better=True)
        await stub.SetPolicy(messages.SetPolicyRequest(brand="oak", policy="bandit"))
        assert (await stub.GetPolicy(messages.GetPolicyRequest(brand="elm"))).policy.policy == "softmax"
        await judged(opened, "oak", better=False)
        back = await stub.SetPolicy(messages.SetPolicyRequest(brand="oak", policy="softmax"))
        assert back.policy.policy == "softmax"

    async def test_it_draws_and_says_so(self, stub, opened, shelves):
        await judged(opened, "oak", better=True)
        assert (await offered(stub, persona(1))).policy_version == "test.softmax"
        await stub.SetPolicy(messages.SetPolicyRequest(brand="oak", policy="bandit"))
        await shelves.look()
        answer = await offered(stub, persona(1))
        assert answer.policy_version == "test.bandit"
        document = await explained(stub, answer.decision_id)
        assert (document["policy"], document["propensity"]) == ("bandit", answer.propensity)

    async def test_an_answer_teaches_bucket_cell_promise_and_gain_and_once_when_it_rises(self, stub, opened):
        decision_id = (await offered(stub, persona(1))).decision_id
        document = await explained(stub, decision_id)
        await stub.GiveFeedback(feedback(decision_id, "accepted"))
        await stub.GiveFeedback(feedback(decision_id, "dismissed"))
        kept = {row.bucket: (row.seen, row.accepted) for row in await rows(opened, tables.answers)}
        gain = round((document["instead"] / document["propensity"] - 1) * -0.5 * 1_024)
        counted = (document["bucket"], document["cell"], bin_of(document["promised"]))
        assert kept == {**dict.fromkeys(counted, (1, 0)), GAINS: (1, gain)}

    async def test_what_there_is_no_such_policy_of_is_named(self, stub):
        with pytest.raises(RemoteError) as refused:
            await stub.SetPolicy(messages.SetPolicyRequest(brand="oak", policy="best"))
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "policy")
