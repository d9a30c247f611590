import pytest

from bench.polite.kinds import KINDS
from bench.polite.lives import DAY_MS, HOUR_MS, Moment, Seen, live
from bench.polite.memory import Answer, Memory, faded
from bench.polite.playing import play, play_knowing
from bench.polite.plotting import plot
from bench.polite.polite import Polite, shipped
from bench.polite.references import Share, references

TOUCHY = next(kind for kind in KINDS if kind.name == "touchy")


def moment(at_ms=0, *, helps=False, topic="t1", activity="passing", luck=(1.0, 1.0, 1.0)):
    return Moment(0, Seen(0, at_ms, "world", activity, topic), 0.5, helps, is_busy=False, luck=luck)


@pytest.fixture(scope="module")
def lives():
    return live(12, 40, seed=7)


@pytest.fixture(scope="module")
def played(lives):
    return references(lives)


class TestLives:
    def test_the_same_seed_gives_the_same_lives(self, lives):
        assert live(12, 40, seed=7) == lives

    def test_another_seed_gives_others(self, lives):
        assert live(12, 40, seed=8) != lives

    def test_moments_are_in_the_order_of_time_and_numbered(self, lives):
        for life in lives:
            times = [each.seen.at_ms for each in life.moments]
            assert times == sorted(times)
            assert [each.number for each in life.moments] == list(range(len(times)))
            assert all(0 <= time < 40 * DAY_MS for time in times)

    def test_what_helps_had_a_chance_to(self, lives):
        assert all(each.chance > 0 for life in lives for each in life.moments if each.helps)


class TestMemory:
    def test_annoyance_adds_up_and_fades(self):
        memory = Memory(TOUCHY)
        memory.answer(moment())
        memory.answer(moment())
        assert memory.annoyance_at(0) == pytest.approx(2.0)
        assert memory.annoyance_at(int(TOUCHY.half_life_h * HOUR_MS)) == pytest.approx(1.0)

    def test_what_helps_relieves(self):
        memory = Memory(TOUCHY)
        memory.answer(moment())
        assert memory.answer(moment(helps=True)) is Answer.ACCEPTED
        assert memory.annoyance_at(0) == pytest.approx(0.5)

    def test_whoever_is_annoyed_overlooks_what_would_help(self):
        memory = Memory(TOUCHY)
        for _ in range(4):
            memory.answer(moment())
        assert memory.answer(moment(helps=True)) is not Answer.ACCEPTED

    def test_what_was_removed_is_never_offered_again(self):
        memory = Memory(TOUCHY)
        answers = [memory.answer(moment(luck=(1.0, 0.1, 1.0))) for _ in range(6)]
        assert answers[-1] is Answer.REMOVED
        assert not memory.admits(moment().seen)
        assert memory.admits(moment(topic="t2").seen)

    def test_after_a_complaint_nobody_speaks(self):
        memory = Memory(TOUCHY)
        answers = [memory.answer(moment(luck=(0.05, 1.0, 1.0))) for _ in range(12)]
        assert Answer.COMPLAINED in answers
        assert not memory.admits(moment(topic="t2").seen)

    def test_nothing_fades_at_once(self):
        assert faded(3.0, 0, TOUCHY) == 3.0


class TestReferences:
    def test_nobody_has_more_than_the_clairvoyant(self, played, lives):
        helpful = sum(each.helps for life in lives for each in life.moments)
        assert played["clairvoyant"].benefit == helpful
        assert max(each.benefit for each in played.values()) == helpful

    @pytest.mark.parametrize("least", [0.0, 0.01, 0.05, 0.2, 0.5])
    def test_no_rule_on_the_true_chance_has_more_than_the_optimum(self, played, lives, least):
        by_rule = play_knowing(lives, lambda each, _annoyance: each.chance >= least)
        assert by_rule.benefit <= played["oracle"].benefit

    def test_always_annoys_and_has_less_for_it(self, played):
        assert played["always"].removals > 0
        assert played["always"].benefit < 0.8 * played["oracle"].benefit

    def test_never_does_nothing(self, played):
        assert played["never"][:4] == (0, 0, 0, 0)

    def test_a_share_is_the_same_each_time(self, lives):
        assert play(lives, Share(0.3)) == play(lives, Share(0.3))


class TestPolite:
    @pytest.fixture(scope="class")
    @classmethod
    def outcomes(cls):
        many = live(25, 100, seed=9)
        return play(many, Polite(shipped())), references(many)

    def test_it_imposes_on_nobody(self, outcomes):
        ours, others = outcomes
        assert ours.contacts < 0.5 * others["always"].contacts
        assert ours.removals < 0.3 * others["always"].removals

    def test_it_helps_more_than_whoever_speaks_always_or_blindly(self, outcomes):
        ours, others = outcomes
        assert ours.benefit > 0.8 * others["oracle"].benefit
        assert ours.benefit > max(others[name].benefit for name in ("always", "random_40", "random_20"))

    def test_the_picture_shows_everybody(self, outcomes):
        ours, others = outcomes
        drawn = plot({"maskenball": ours, **others})
        assert drawn.count("<circle") == len(others) + 1
