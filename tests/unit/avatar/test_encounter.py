import pytest

from services.avatar.domain import MAX_STEPS, Event, Outcome, StepUnknownError
from services.avatar.encounter import Encounter, Step, forget, observe, offer, report
from services.avatar.manners import Approach, arrive, grants
from services.avatar.remembering import Learnt, Memory, remember

NOW = 1_750_000_000_000


def opened(*steps):
    manners = arrive(Approach(quiet_s=100, first_quiet_s=10), 0, NOW, may_greet=True)
    return Encounter("en", manners, steps=steps)


class TestObserve:
    def test_what_is_tried_is_remembered(self):
        turn = observe(opened(), Event.TRIED, "lamp", NOW)
        assert (turn.encounter.tried, turn.learnt) == (("lamp",), Learnt(tried="lamp"))

    def test_what_is_bought_is_not_offered_again_and_not_remembered_as_tried(self):
        turn = observe(opened(), Event.BOUGHT, "lamp", NOW)
        assert (turn.encounter.tried, turn.learnt) == (("lamp",), Learnt())

    @pytest.mark.parametrize("event", [Event.DISMISSED, Event.REMOVED])
    def test_what_is_waved_away_is_remembered_and_quiets(self, event):
        turn = observe(opened(), event, "lamp", NOW)
        assert turn.encounter.dismissed == ("lamp",)
        assert turn.learnt == Learnt(dismissed="lamp")
        assert turn.encounter.manners.quiet_s == 200

    def test_the_second_time_the_next_visit_is_weakened(self):
        once = observe(opened(), Event.DISMISSED, "lamp", NOW)
        twice = observe(once.encounter, Event.DISMISSED, "chair", NOW)
        thrice = observe(twice.encounter, Event.DISMISSED, "table", NOW)
        assert [turn.learnt.reserve for turn in (once, twice, thrice)] == [0, 1, 0]

    def test_who_begins_to_talk_is_not_greeted_any_more(self):
        assert grants(observe(opened(), Event.TALKED, "", NOW).encounter.manners, NOW) == ()

    def test_a_complaint_quiets(self):
        assert observe(opened(), Event.COMPLAINED, "lamp", NOW).encounter.manners.quiet_s == 200

    def test_looking_changes_nothing(self):
        assert observe(opened(), Event.SEEN, "lamp", NOW).encounter == opened()


class TestReport:
    def test_taking_a_suggestion_up_makes_the_next_visit_less_reserved(self):
        turn = report(opened(Step("s1", "lamp")), "s1", Outcome.DONE, NOW)
        assert (turn.item, turn.learnt) == ("lamp", Learnt(tried="lamp", reserve=-1))

    def test_refusing_is_a_dismissal_of_the_item(self):
        turn = report(opened(Step("s1", "lamp")), "s1", Outcome.REFUSED, NOW)
        assert turn.encounter.dismissed == ("lamp",)
        assert turn.encounter.manners.dismissals == 1

    def test_ignoring_quiets_only(self):
        turn = report(opened(Step("s1", "lamp")), "s1", Outcome.IGNORED, NOW)
        assert turn.encounter.dismissed == ()
        assert turn.encounter.manners.quiet_s == 200

    def test_just_looking_ends_unasked_speech_and_weakens_the_next_visit(self):
        turn = report(opened(Step("s1", "lamp")), "s1", Outcome.STOPPED, NOW)
        assert turn.encounter.manners.has_stepped_back
        assert turn.learnt == Learnt(dismissed="lamp", reserve=1)

    def test_just_looking_needs_no_step(self):
        assert report(opened(), "any", Outcome.STOPPED, NOW).encounter.manners.has_stepped_back

    def test_the_same_outcome_twice_counts_once(self):
        once = report(opened(Step("s1", "lamp")), "s1", Outcome.REFUSED, NOW)
        again = report(once.encounter, "s1", Outcome.REFUSED, NOW)
        assert (again.encounter, again.learnt, again.item) == (once.encounter, Learnt(), "lamp")

    def test_an_unknown_step_is_refused(self):
        with pytest.raises(StepUnknownError):
            report(opened(), "s1", Outcome.DONE, NOW)


class TestOffer:
    def test_old_steps_are_let_go(self):
        encounter = opened()
        for number in range(MAX_STEPS + 3):
            encounter = offer(encounter, Step(f"s{number}", f"i{number}"))
        assert [step.ref for step in encounter.steps][:: MAX_STEPS - 1] == ["s3", f"s{MAX_STEPS + 2}"]
        assert encounter.shown == f"i{MAX_STEPS + 2}"


class TestForget:
    def test_what_was_met_is_gone_and_the_step_back_stays(self):
        stepped_back = report(opened(Step("s1", "lamp")), "s1", Outcome.STOPPED, NOW).encounter
        forgotten = forget(stepped_back)
        assert "lamp" not in repr(forgotten)
        assert forgotten.manners == stepped_back.manners


class TestRemember:
    def test_newest_first_each_once_at_most_eight(self):
        memory = Memory()
        for number in [*range(10), 5]:
            memory = remember(memory, Learnt(tried=f"i{number}"), NOW + number)
        assert memory.tried == ("i5", "i9", "i8", "i7", "i6", "i4", "i3", "i2")
        assert memory.last_met_at_ms == NOW + 9

    def test_reserve_stays_between_its_bounds(self):
        memory = Memory()
        for _ in range(9):
            memory = remember(memory, Learnt(reserve=1), NOW)
        assert memory.reserve == 3
        for _ in range(9):
            memory = remember(memory, Learnt(reserve=-1), NOW)
        assert memory.reserve == 0
