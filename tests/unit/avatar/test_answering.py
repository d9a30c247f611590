import pytest

from services.avatar.answering import Moment, explain, suggest
from services.avatar.avatars import load_avatars
from services.avatar.domain import (
    Acquaintance,
    Act,
    Advice,
    Asked,
    Decision,
    Item,
    Offer,
    Offers,
    Reason,
    Silence,
    Topic,
)
from services.avatar.encounter import Encounter
from services.avatar.knowledge import Catalogue
from services.avatar.manners import arrive, give_leave
from services.avatar.remembering import Learnt
from services.avatar.wording import mentioned, render, voice

NOW = 1_750_000_000_000
ADA = load_avatars().get("oak", "ada")
ITEMS = {"1": Item("1", "Toy Story (1995)", price="9 €", place="third shelf"), "2": Item("2", "GoldenEye (1995)")}
OFFERS = Offers(
    (Offer("1", (Reason("because_of_item", "2"), Reason("popular_now", ""))), Offer("2", (Reason("popular_now", ""),)))
)
MOMENT = Moment(NOW, "ref1")
VISITOR = Asked(Topic.REC, "", is_visitor_asking=True)
UNASKED = Asked(Topic.REC, "", is_visitor_asking=False)


def acquaintance(**reasons):
    named = {"personalise.world": "GRANTED", "recommend.offer": "GRANTED"} | {
        {"personalise": "personalise.world", "offer": "recommend.offer"}[key]: reason for key, reason in reasons.items()
    }
    return Acquaintance(
        decisions={purpose: Decision(purpose, reason == "GRANTED", reason) for purpose, reason in named.items()}
    )


def opened(language="en"):
    return Encounter(language, arrive(ADA.approach, 0, NOW, may_greet=True))


def spoken(effect, encounter):
    return render(effect, voice(ADA, encounter, ITEMS), 0)


class TestSuggest:
    def test_the_best_item_is_shown_with_its_true_reasons(self):
        turn, effect = suggest(opened(), VISITOR, Advice(acquaintance(), OFFERS), MOMENT)
        action = spoken(effect, turn.encounter)
        assert (action.act, action.item, action.ref) == (Act.SHOW, "1", "ref1")
        assert action.say == "How about “Toy Story (1995)”?"
        assert action.why == ("It goes with “GoldenEye (1995)”, which you know.", "Many like it at the moment.")
        assert mentioned(effect) == {"1", "2"}
        assert turn.encounter.shown == "1"

    def test_in_german(self):
        turn, effect = suggest(opened("de"), VISITOR, Advice(acquaintance(), OFFERS), MOMENT)
        assert spoken(effect, turn.encounter).say == "Wie wäre es mit „Toy Story (1995)“?"

    @pytest.mark.parametrize("reason", ["NEVER_ASKED", "WITHDRAWN", "EXPIRED", "BELOW_POLICY_FLOOR"])
    def test_without_consent_it_says_which_is_missing(self, reason):
        _, effect = suggest(opened(), VISITOR, Advice(acquaintance(offer=reason), OFFERS), MOMENT)
        action = spoken(effect, opened())
        assert action.act is Act.NONE
        assert "suggestions for you" in action.why[0]
        assert effect.silence == reason

    def test_a_visitor_who_asks_needs_no_personal_service(self):
        _, effect = suggest(opened(), VISITOR, Advice(acquaintance(personalise="NEVER_ASKED"), OFFERS), MOMENT)
        assert effect.act is Act.SHOW

    def test_unasked_it_waits_for_leave(self):
        turn, effect = suggest(opened(), UNASKED, Advice(acquaintance(), OFFERS), MOMENT)
        assert (effect.act, effect.silence) == (Act.WAIT, Silence.NO_GRANT)
        assert turn.encounter == opened()

    def test_unasked_the_leave_is_used_up(self):
        encounter = opened()
        encounter = Encounter("en", give_leave(encounter.manners, NOW + 60_000))
        later = Moment(NOW + 60_000, "ref1")
        turn, effect = suggest(encounter, UNASKED, Advice(acquaintance(), OFFERS), later)
        assert effect.act is Act.SHOW
        _, again = suggest(turn.encounter, UNASKED, Advice(acquaintance(), OFFERS), later)
        assert again.silence is Silence.NO_GRANT

    def test_unasked_it_needs_personal_service_too(self):
        encounter = Encounter("en", give_leave(opened().manners, NOW + 60_000))
        advice = Advice(acquaintance(personalise="WITHDRAWN"), OFFERS)
        _, effect = suggest(encounter, UNASKED, advice, Moment(NOW + 60_000, "r"))
        assert (effect.silence, effect.purpose) == (Silence.WITHDRAWN, "personalise.world")

    @pytest.mark.parametrize("advice", [Advice(None), Advice(acquaintance(), Offers(silence=Silence.AWAY))])
    def test_with_a_service_away_nothing_is_said_and_no_leave_used(self, advice):
        encounter = Encounter("en", give_leave(opened().manners, NOW + 60_000))
        turn, effect = suggest(encounter, UNASKED, advice, Moment(NOW + 60_000, "r"))
        assert (turn.encounter, effect.silence) == (encounter, Silence.AWAY)

    @pytest.mark.parametrize("silence", [Silence.NOTHING_LEARNT, Silence.NOTHING_GOOD_ENOUGH])
    def test_where_the_ranking_abstains_so_does_the_avatar(self, silence):
        _, effect = suggest(opened(), VISITOR, Advice(acquaintance(), Offers(silence=silence)), MOMENT)
        assert (effect.act, effect.silence) == (Act.NONE, silence)

    def test_an_item_dismissed_meanwhile_is_passed_over(self):
        encounter = Encounter("en", opened().manners, dismissed=("1",))
        assert suggest(encounter, VISITOR, Advice(acquaintance(), OFFERS), MOMENT)[1].item == "2"

    def test_an_offer_without_reason_is_not_made(self):
        offers = Offers((Offer("1", ()),))
        assert suggest(opened(), VISITOR, Advice(acquaintance(), offers), MOMENT)[1].act is Act.NONE


class TestExplain:
    def ask(self, topic, question, encounter=None):
        asked = Asked(topic, question, is_visitor_asking=True)
        turn, effect = explain(ADA, encounter or opened(), asked, Catalogue(ITEMS.values()))
        return turn, effect, spoken(effect, turn.encounter)

    def test_a_price_comes_from_the_catalogue_and_the_item_is_remembered(self):
        turn, _, action = self.ask(Topic.PRICE, "How much is Toy Story?")
        assert action.say == "“Toy Story (1995)” costs 9 €."
        assert turn.learnt == Learnt(asked="1")

    def test_a_place_comes_from_the_catalogue(self):
        assert self.ask(Topic.WHERE, "Where is Toy Story?")[2].say == "You find “Toy Story (1995)” here: third shelf."

    def test_a_price_nobody_knows_is_not_invented(self):
        _, effect, action = self.ask(Topic.PRICE, "goldeneye")
        assert (action.act, effect.silence) == (Act.NONE, Silence.NO_PRICE)

    def test_without_a_name_the_item_shown_last_is_meant(self):
        shown, _ = suggest(opened(), VISITOR, Advice(acquaintance(), OFFERS), MOMENT)
        assert self.ask(Topic.PRICE, "What does it cost?", shown.encounter)[2].say.startswith("“Toy Story")

    def test_an_unknown_item_is_admitted(self):
        assert self.ask(Topic.PRICE, "What does the moon cost?")[1].silence is Silence.UNKNOWN_ITEM

    def test_a_known_question_is_answered_and_its_topic_remembered(self):
        turn, _, action = self.ask(Topic.FAQ, "Can I return this?")
        assert action.say == "You can send anything back within 30 days."
        assert turn.learnt == Learnt(asked="returns")

    def test_a_german_question_is_understood_everywhere(self):
        assert self.ask(Topic.FAQ, "Kann ich das zurückgeben?")[1].entry == "returns"

    def test_a_human_is_called_on_request(self):
        assert self.ask(Topic.HELP, "I want to talk to a human")[2].act is Act.HANDOFF

    def test_a_human_takes_over_after_questions_without_answer(self):
        turn, effect, _ = self.ask(Topic.FAQ, "Why is the sky blue?")
        assert effect.silence is Silence.UNKNOWN_QUESTION
        turn, effect, action = self.ask(Topic.FAQ, "And the sea?", turn.encounter)
        assert action.act is Act.HANDOFF
        assert action.say
        assert turn.encounter.unanswered == 0

    def test_an_answer_in_between_begins_the_count_anew(self):
        turn, _, _ = self.ask(Topic.FAQ, "Why is the sky blue?")
        turn, _, _ = self.ask(Topic.FAQ, "When do you open?", turn.encounter)
        assert self.ask(Topic.FAQ, "And the sea?", turn.encounter)[2].act is Act.NONE

    def test_help_explains_the_avatar(self):
        assert "just looking" in self.ask(Topic.HELP, "")[2].say

    def test_no_word_of_the_question_stays(self):
        turn, effect, _ = self.ask(Topic.FAQ, "xyzzy return plugh")
        assert "xyzzy" not in repr((turn, effect))
        assert "plugh" not in repr((turn, effect))
