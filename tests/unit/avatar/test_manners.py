from hypothesis import given
from hypothesis import strategies as st

from services.avatar import manners
from services.avatar.manners import Approach, arrive, dismissed, give_leave, grants, ignored, left, quiet_left_s, spend

NOW = 1_750_000_000_000
APPROACH = Approach(quiet_s=100, first_quiet_s=10)


def arrived(reserve=0, *, may_greet=True):
    return arrive(APPROACH, reserve, NOW, may_greet=may_greet)


def kinds(held, now_ms):
    return [grant.kind for grant in grants(held, now_ms)]


class TestArrive:
    def test_whoever_may_be_greeted_is_greeted_once(self):
        assert kinds(arrived(), NOW) == ["greet"]
        assert kinds(manners.talked(arrived()), NOW) == []

    def test_without_leave_nobody_is_greeted(self):
        assert kinds(arrived(may_greet=False), NOW) == []

    def test_leave_to_greet_runs_out(self):
        assert kinds(arrived(), NOW + manners.GRANT_MS) == []

    def test_who_was_stepped_back_from_before_is_not_greeted_and_left_alone_longer(self):
        reserved = arrived(reserve=1)
        assert kinds(reserved, NOW) == []
        assert quiet_left_s(reserved, NOW, NOW + 3_600_000) == 2 * quiet_left_s(arrived(), NOW, NOW + 3_600_000)
        assert reserved.quiet_s == 2 * APPROACH.quiet_s


class TestSuggesting:
    def test_no_leave_before_the_first_quiet_is_over(self):
        assert kinds(give_leave(arrived(may_greet=False), NOW + 9_999), NOW + 9_999) == []

    def test_one_suggestion_each_quiet_time(self):
        at = NOW + 10_000
        given_leave = give_leave(arrived(may_greet=False), at)
        assert kinds(given_leave, at) == ["suggest"]
        spent = spend(given_leave, at)
        assert spent is not None
        assert spend(spent, at) is None
        assert kinds(give_leave(spent, at + 99_999), at + 99_999) == []
        assert kinds(give_leave(spent, at + 100_000), at + 100_000) == ["suggest"]

    def test_leave_that_was_not_used_runs_out(self):
        at = NOW + 10_000
        given_leave = give_leave(arrived(), at)
        assert spend(given_leave, at + manners.GRANT_MS) is None

    def test_leave_asked_for_again_is_the_same_leave(self):
        given_leave = give_leave(arrived(), NOW + 10_000)
        assert give_leave(given_leave, NOW + 20_000) == given_leave


class TestDismissed:
    def test_the_first_doubles_the_quiet(self):
        once = dismissed(arrived(), NOW)
        assert once.quiet_s == 2 * APPROACH.quiet_s
        assert quiet_left_s(once, NOW, NOW + 3_600_000) == 2 * APPROACH.quiet_s
        assert kinds(give_leave(once, NOW + 200_000), NOW + 200_000) == ["suggest"]

    def test_the_second_ends_leave_for_the_visit(self):
        twice = dismissed(dismissed(arrived(), NOW), NOW)
        later = NOW + 100 * 3_600_000
        assert kinds(give_leave(twice, later), later) == []
        assert spend(give_leave(twice, later), later) is None
        assert quiet_left_s(twice, NOW, NOW + 60_000) == 60

    def test_it_takes_back_leave_that_was_given(self):
        given_leave = give_leave(arrived(), NOW + 10_000)
        assert kinds(dismissed(given_leave, NOW + 10_000), NOW + 10_000) == []


class TestIgnored:
    def test_it_doubles_the_quiet_and_never_ends_leave(self):
        held = arrived()
        for _ in range(5):
            held = ignored(held, NOW)
        assert held.quiet_s == 32 * APPROACH.quiet_s
        assert not held.has_stepped_back

    def test_quiet_has_a_bound(self):
        held = arrived()
        for _ in range(50):
            held = ignored(held, NOW)
        assert held.quiet_s == manners.MAX_QUIET_S


class TestLeft:
    def test_nothing_is_called_after_a_visitor(self):
        assert kinds(left(give_leave(arrived(), NOW + 10_000), NOW + 10_000), NOW + 10_000) == []


STEPS = st.lists(
    st.tuples(st.sampled_from(["dismissed", "ignored", "left", "talked", "ask"]), st.integers(0, 300_000)), max_size=40
)


class TestAnyVisit:
    @given(STEPS, st.integers(0, 5))
    def test_suggestions_keep_the_quiet_between_them_and_none_follows_a_step_back(self, steps, reserve):
        now_ms, held = NOW, arrived(reserve)
        last_ms, least_s = None, 0
        for step, wait_ms in steps:
            now_ms += wait_ms
            held = give_leave(held, now_ms)
            if step == "ask":
                spent = spend(held, now_ms)
                if spent is not None:
                    assert held.dismissals < 2
                    assert last_ms is None or now_ms - last_ms >= least_s * 1000
                    last_ms, least_s, held = now_ms, held.quiet_s, spent
            elif step == "talked":
                held = manners.talked(held)
            else:
                held = {"dismissed": dismissed, "ignored": ignored, "left": left}[step](held, now_ms)
