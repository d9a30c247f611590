import asyncio

import pytest

from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.profile.v1.profile_pb2 import Ground, Offered
from kit.errors import TypedError


class TestRecommendation:
    async def test_an_item_is_shown_with_title_and_true_reason(self, ada):
        await ada.open()
        action = (await ada.ask()).action
        assert (action.act, action.item, action.say) == ("show", "lamp", "How about “Brass Lamp”?")
        assert action.why == ["It goes with “Old Sofa”, which you know."]
        assert 1 <= len(action.ref) <= 24

    async def test_which_offer_it_was_and_what_was_said_is_told_to_its_person(self, shop, ada):
        await ada.open()
        action = (await ada.ask(frame_id="f-1")).action
        await ada.ask(frame_id="f-1")
        assert list(action.grounds) == ["sofa"]
        await ada.act(action.ref, "refused")
        await ada.observe("removed", "lamp")
        told = [(each.what, each.offered) for each in await shop.reported(3)]
        why = [Ground(kind="because_of_item", ref="sofa")]
        assert told == [
            ("offer_shown", Offered(item="lamp", grounds=why, channel="world")),
            ("offer_answered", Offered(item="lamp", channel="world", answer="dismissed")),
            ("offer_answered", Offered(item="lamp", channel="world", answer="removed")),
        ]

    async def test_without_consent_nothing_is_shown_and_it_says_which_is_missing(self, shop):
        visiting = shop.visit(shop.visitor())
        await visiting.open("de")
        action = (await visiting.ask()).action
        assert (action.act, list(action.why)) == ("none", ["Du hast nicht erlaubt: Vorschläge für dich."])
        assert shop.recommendation.asked == []

    async def test_where_the_ranking_abstains_so_does_the_avatar(self, shop, ada):
        shop.recommendation.abstained = "NOTHING_GOOD_ENOUGH"
        await ada.open()
        action = (await ada.ask()).action
        assert (action.act, list(action.why)) == ("none", ["I have nothing that would be good enough for you."])

    async def test_what_was_met_is_not_offered_again(self, shop, ada):
        await ada.open()
        await ada.observe("tried", "lamp")
        await ada.observe("dismissed", "chair")
        assert (await ada.ask()).action.item == "table"
        await ada.close()
        again = shop.visit(ada.visit.subject)
        await again.open()
        assert (await again.ask()).action.item == "table"
        assert set(shop.recommendation.asked[-1].exclude) == {"lamp", "chair"}

    async def test_what_was_removed_anywhere_is_not_offered_nor_shown_again(self, shop, ada):
        await ada.open()
        assert (await ada.ask(frame_id="f-1")).action.item == "lamp"
        shop.profile.removed = ["lamp"]
        again = await ada.ask(frame_id="f-1")
        assert (again.is_repeat, again.action.act, list(again.action.why)) == (
            True,
            "none",
            ["You have waved this away."],
        )
        assert (await ada.ask()).action.item == "chair"

    async def test_questions_at_once_are_answered_one_after_the_other(self, ada):
        await ada.open()
        answers = await asyncio.gather(*(ada.ask() for _ in range(6)))
        refs = {answer.action.ref for answer in answers}
        assert len(refs) == 6
        # Every one of the steps was kept: none of the frames wrote over another.
        for ref in refs:
            assert (await ada.act(ref, "ignored")).item == "lamp"

    async def test_a_frame_that_comes_several_times_at_once_has_one_effect(self, ada):
        await ada.open()
        answers = await asyncio.gather(*(ada.ask(frame_id="f-1") for _ in range(6)))
        assert [answer.is_repeat for answer in answers].count(False) == 1
        assert len({answer.action.ref for answer in answers}) == 1

    async def test_a_refusal_that_comes_several_times_at_once_has_one_effect(self, shop):
        visiting = shop.visit(shop.visitor())
        await visiting.open()
        answers = await asyncio.gather(*(visiting.ask(frame_id="f-1") for _ in range(6)))
        assert [answer.is_repeat for answer in answers].count(False) == 1

    async def test_titles_are_those_of_the_catalogue_now(self, shop, ada):
        await ada.open()
        assert (await ada.ask()).action.say == "How about “Brass Lamp”?"
        await shop.stub.PutItems(pb.PutItemsRequest(brand="oak", items=[pb.Item(item="lamp", title="Green Lamp")]))
        assert (await ada.ask()).action.say == "How about “Green Lamp”?"

    async def test_a_withdrawal_makes_the_next_question_blind(self, ada):
        await ada.open()
        assert (await ada.ask()).action.act == "show"
        await ada.consent(take=["*"])
        action = (await ada.ask()).action
        assert (action.act, list(action.why)) == ("none", ["You took your consent back: suggestions for you."])


class TestUnasked:
    async def test_it_needs_leave_and_uses_it_up(self, shop, ada):
        await ada.open()
        assert (await ada.ask(unasked=True)).action.act == "wait"
        shop.clock.pass_s(30)
        noted = await ada.observe("seen", "lamp")
        assert [grant.kind for grant in noted.grants] == ["greet", "suggest"]
        shown = (await ada.ask(unasked=True)).action
        assert (shown.act, shown.quiet_s) == ("show", 120)
        action = (await ada.ask(unasked=True)).action
        assert (action.act, list(action.why)) == ("wait", ["It is not the time to speak unasked."])

    async def test_without_leave_of_the_visitor_there_is_no_grant(self, shop):
        visitor = shop.visitor()
        shop.profile.give(visitor, "personalise.world")
        visiting = shop.visit(visitor)
        await visiting.open()
        shop.clock.pass_s(600)
        assert list((await visiting.observe("seen")).grants) == []

    async def test_just_looking_ends_it_for_the_visit(self, shop, ada):
        await ada.open()
        shown = (await ada.ask()).action
        acted = await ada.act(shown.ref, "stopped")
        assert (list(acted.grants), acted.item, acted.quiet_s) == ([], "lamp", 1800)
        shop.clock.pass_s(1000)
        assert list((await ada.observe("seen")).grants) == []
        assert (await ada.ask(unasked=True)).action.act == "none"
        assert (await ada.ask()).action.act == "show"

    async def test_the_second_dismissal_ends_it_for_the_visit(self, shop, ada):
        await ada.open()
        await ada.observe("dismissed", "lamp")
        await ada.observe("dismissed", "chair")
        shop.clock.pass_s(1700)
        assert list((await ada.observe("seen")).grants) == []

    async def test_the_next_visit_is_reserved(self, shop, ada):
        opened = await ada.open()
        await ada.act(opened.next.ref, "stopped")
        again = shop.visit(ada.visit.subject)
        reopened = await again.open()
        assert (list(reopened.grants), reopened.next.act, reopened.next.quiet_s) == ([], "wait", 60)

    async def test_without_leave_to_remember_the_next_visit_begins_anew(self, shop):
        visitor = shop.visitor()
        shop.profile.give(visitor, "personalise.world")
        first = shop.visit(visitor)
        opened = await first.open()
        await first.act(opened.next.ref, "stopped")
        assert [grant.kind for grant in (await shop.visit(visitor).open()).grants] == ["greet"]


class TestRepeat:
    async def test_the_same_frame_changes_the_visit_once(self, ada):
        await ada.open()
        first, again = [await ada.ask(frame_id="f1") for _ in range(2)]
        assert (first.is_repeat, again.is_repeat) == (False, True)
        assert again.action == first.action

    async def test_what_was_shown_is_not_shown_again_after_a_withdrawal(self, shop, ada):
        await ada.open()
        assert (await ada.ask(frame_id="f1")).action.act == "show"
        shop.profile.take(ada.visit.subject, "recommend.offer")
        again = await ada.ask(frame_id="f1")
        assert again.is_repeat
        assert (again.action.act, again.action.item, again.action.say) == ("none", "", "")
        assert again.action.why == ["You took your consent back: suggestions for you."]

    async def test_what_was_dismissed_meanwhile_is_not_shown_again(self, ada):
        await ada.open()
        await ada.ask(frame_id="f1")
        await ada.observe("dismissed", "lamp")
        assert (await ada.ask(frame_id="f1")).action.item == ""

    async def test_a_dismissal_that_comes_again_counts_once(self, shop, ada):
        await ada.open()
        first, again = [await ada.observe("dismissed", "lamp", frame_id="f1") for _ in range(2)]
        assert (first.is_repeat, again.is_repeat) == (False, True)
        shop.clock.pass_s(300)
        assert [grant.kind for grant in (await ada.observe("seen")).grants] == ["suggest"]

    async def test_a_report_that_comes_again_counts_once(self, ada):
        await ada.open()
        ref = (await ada.ask()).action.ref
        first, again = [await ada.act(ref, "refused", frame_id="f1") for _ in range(2)]
        assert (again.is_repeat, again.item, again.quiet_s) == (True, first.item, first.quiet_s)


class TestKnowledge:
    async def test_price_place_and_questions_need_no_consent(self, shop):
        visiting = shop.visit(shop.visitor())
        await visiting.open()
        assert (await visiting.ask("price", "How much is the brass lamp?")).action.say == "“Brass Lamp” costs 20 €."
        assert (await visiting.ask("where", "the old sofa")).action.say == "You find “Old Sofa” here: window."
        assert (await visiting.ask("faq", "When are you open?")).action.act == "say"
        assert (await visiting.ask("help", "a human, please")).action.act == "handoff"

    async def test_a_changed_catalogue_is_seen_at_once(self, shop):
        visiting = shop.visit(shop.visitor())
        await visiting.open()
        assert (await visiting.ask("price", "green bench")).action.why == ["I do not know which thing you mean."]
        item = pb.Item(item="bench", title="Green Bench", price="80 €")
        await shop.stub.PutItems(pb.PutItemsRequest(brand="oak", items=[item]))
        assert (await visiting.ask("price", "green bench")).action.say == "“Green Bench” costs 80 €."

    async def test_an_unknown_kind_is_refused(self, ada):
        await ada.open()
        with pytest.raises(TypedError) as refused:
            await ada.ask("gossip")
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "kind")


class TestAway:
    async def test_without_the_profile_service_an_avatar_says_nothing_of_its_own(self, shop, ada):
        await ada.open()
        shop.profile.is_away = True
        answered = await ada.ask(frame_id="f1")
        assert (answered.action.act, answered.action.say) == ("none", "")
        assert (await ada.ask("price", "brass lamp")).action.act == "say"
        shop.profile.is_away = False
        again = await ada.ask(frame_id="f1")
        assert (again.is_repeat, again.action.act) == (False, "show")

    async def test_without_the_recommendation_service_leave_is_not_used_up(self, shop, ada):
        await ada.open()
        shop.clock.pass_s(30)
        await ada.observe("seen")
        shop.recommendation.is_away = True
        assert (await ada.ask(unasked=True)).action.act == "none"
        shop.recommendation.is_away = False
        assert (await ada.ask(unasked=True)).action.act == "show"

    @pytest.mark.parametrize("frame", ["open", "observe", "act", "forget", "consent", "close"])
    async def test_everything_else_is_unavailable(self, shop, ada, frame):
        opened = await ada.open()
        shop.profile.is_away = True
        calls = {
            "open": ada.open,
            "observe": lambda: ada.observe("dismissed", "lamp"),
            "act": lambda: ada.act(opened.next.ref, "stopped"),
            "forget": ada.forget,
            "consent": lambda: ada.consent(take=["*"]),
            "close": ada.close,
        }
        with pytest.raises(TypedError) as refused:
            await calls[frame]()
        assert (refused.value.reason, refused.value.retry_after_s) == ("UNAVAILABLE", 2)
