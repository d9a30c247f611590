"""Suggestions where the brand has put offers: decided, within limits of contact, and answered for."""

import pytest

from contracts.recommendation.v1.recommendation_pb2 import DecideResponse, Reason
from kit.errors import TypedError

IDS = [bytes([number]) * 16 for number in range(3)]


def offering(item, decision_id, kind="because_of_item"):
    reasons = [Reason(kind=kind, ref="sofa", share=1.0)]
    return DecideResponse(decision_id=decision_id, act="offer", item=item, reasons=reasons)


@pytest.fixture
def deciding(shop):
    """A brand that has put offers, which decides so."""
    shop.profile.tells_circles = True

    def decide(*answers):
        shop.recommendation.decisions.extend(answers)

    return decide


class TestAsking:
    async def test_what_is_decided_is_shown_with_why(self, shop, ada, deciding):
        deciding(offering("chair", IDS[0]))
        await ada.open()
        action = (await ada.ask()).action
        assert (action.act, action.item) == ("show", "chair")
        assert action.why == ["It goes with “Old Sofa”, which you know."]
        [request] = shop.recommendation.decided
        assert (request.initiative, request.channel, list(request.acts)) == ("persona", "world", ["offer"])
        assert len(request.known.circle) == 1
        assert (request.known.bearing.journey, request.known.HasField("bought")) == ("using", False)
        assert shop.recommendation.asked == []

    async def test_what_the_avatar_begins_is_the_brands_own_and_limits_are_not_named(self, shop, ada, deciding):
        deciding(
            *(DecideResponse(decision_id=IDS[0], act="silent", silence=each) for each in ("TOO_SOON", "SWITCHING"))
        )
        await ada.open()
        for _ in range(2):
            shop.clock.pass_s(600)
            await ada.observe("seen", "lamp")
            action = (await ada.ask(unasked=True)).action
            assert (action.act, list(action.why)) == ("none", ["I wait until I am asked."])
        assert {request.initiative for request in shop.recommendation.decided} == {"brand"}

    async def test_a_frame_that_comes_again_is_not_decided_again(self, shop, ada, deciding):
        deciding(offering("chair", IDS[0]), offering("table", IDS[1]))
        await ada.open()
        first, again = [await ada.ask(frame_id="f-1") for _ in range(2)]
        assert (again.is_repeat, again.action.item) == (True, first.action.item)
        assert len(shop.recommendation.decided) == 1

    async def test_where_no_offers_were_put_items_are_ranked_and_that_is_not_asked_at_once_again(
        self, shop, ada, deciding
    ):
        await ada.open()
        for _ in range(2):
            assert (await ada.ask()).action.item == "lamp"
        assert (len(shop.recommendation.decided), len(shop.recommendation.asked)) == (1, 2)
        deciding(offering("chair", IDS[0]))
        shop.clock.pass_s(2)
        assert (await ada.ask()).action.item == "chair"

    async def test_what_has_no_reason_is_not_shown(self, ada, deciding):
        deciding(offering("chair", IDS[0], kind="unmet"))
        await ada.open()
        assert (await ada.ask()).action.act == "none"


class TestFeedback:
    @pytest.mark.parametrize(
        ("outcome", "became"),
        [("done", "accepted"), ("refused", "dismissed"), ("ignored", "ignored"), ("stopped", "dismissed")],
    )
    async def test_what_became_of_a_step_is_what_became_of_its_decision(self, shop, ada, deciding, outcome, became):
        deciding(offering("chair", IDS[0]))
        await ada.open()
        ref = (await ada.ask()).action.ref
        await ada.act(ref, outcome)
        assert shop.recommendation.told == [(IDS[0], became)]

    @pytest.mark.parametrize("event", ["dismissed", "removed", "complained"])
    async def test_what_the_visitor_does_with_what_was_shown_counts_too(self, shop, ada, deciding, event):
        deciding(offering("chair", IDS[0]))
        await ada.open()
        await ada.ask()
        await ada.observe(event, "lamp")
        await ada.observe(event, "chair")
        assert shop.recommendation.told == [(IDS[0], event)]

    async def test_what_nobody_heard_is_said_when_the_frame_comes_again(self, shop, ada, deciding):
        deciding(offering("chair", IDS[0]))
        await ada.open()
        ref = (await ada.ask()).action.ref
        shop.recommendation.is_away = True
        with pytest.raises(TypedError) as refused:
            await ada.act(ref, "done", frame_id="f-9")
        assert refused.value.reason == "UNAVAILABLE"
        shop.recommendation.is_away = False
        assert (await ada.act(ref, "done", frame_id="f-9")).is_repeat
        assert shop.recommendation.told == [(IDS[0], "accepted")]

    async def test_a_forgotten_visit_answers_for_nothing(self, shop, ada, deciding):
        deciding(offering("chair", IDS[0]))
        await ada.open()
        ref = (await ada.ask()).action.ref
        await ada.forget()
        await ada.act(ref, "refused")
        assert shop.recommendation.told == []
