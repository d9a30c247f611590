import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kit.fence import Change, FencedCache, Lease, Scope

TERM, MARGIN = 1000, 50
ADA, BOB = b"ada", b"bob"


@pytest.fixture
def cache(clock):
    return FencedCache(clock, margin_ns=MARGIN, capacity=100)


@pytest.fixture
def leased(cache, clock, scope):
    cache.lease(Lease(TERM, ((scope, 5),), 1), clock())
    return cache


class TestLease:
    def test_nothing_is_answered_without_one(self, cache, scope):
        cache.put(scope, ADA, 5, {"x": True})
        assert cache.get(scope, ADA) is None

    def test_it_ends_a_margin_before_its_term_counted_from_the_request(self, cache, clock, scope):
        asked_at = clock()
        clock.ns += 300
        cache.lease(Lease(TERM, ((scope, 5),), 1), asked_at)
        cache.put(scope, ADA, 5, {"x": True})
        clock.ns = asked_at + TERM - MARGIN - 1
        assert cache.get(scope, ADA) == {"x": True}
        clock.ns += 1
        assert cache.get(scope, ADA) is None
        assert not cache.is_leased

    def test_one_that_was_asked_for_earlier_does_not_shorten_it(self, leased, clock, scope):
        asked_at = clock()
        clock.ns += 100
        leased.lease(Lease(TERM, (), 1), clock())
        leased.lease(Lease(TERM, (), 1), asked_at)
        clock.ns = asked_at + TERM
        assert leased.is_leased

    def test_what_is_held_is_used_again_under_the_next_one(self, leased, clock, scope):
        leased.put(scope, ADA, 5, {"x": True})
        leased.end()
        assert leased.get(scope, ADA) is None
        leased.lease(Lease(TERM, ((scope, 5),), 1), clock())
        assert leased.get(scope, ADA) == {"x": True}

    def test_under_a_head_that_moved_unheard_its_scope_alone_is_not_used(self, leased, clock, scope):
        other = Scope("oak", 8)
        leased.put(scope, ADA, 5, {"x": True})
        leased.put(other, ADA, 2, {"x": True})
        assert leased.lease(Lease(TERM, ((scope, 6),), 1), clock()) == [(scope, 6)]
        assert (leased.get(scope, ADA), leased.get(other, ADA)) == (None, {"x": True})

    def test_another_election_drops_everything(self, leased, clock, scope):
        leased.put(scope, ADA, 5, {"x": True})
        leased.lease(Lease(TERM, ((scope, 5),), 2), clock())
        assert (leased.get(scope, ADA), len(leased)) == (None, 0)


class TestFill:
    def test_one_from_before_an_applied_change_is_dropped(self, leased, scope):
        leased.apply([Change(scope, 5, 6, (BOB,))])
        assert not leased.put(scope, ADA, 5, {"x": True})
        assert leased.get(scope, ADA) is None

    def test_one_that_knows_more_than_was_told_is_kept_until_the_change_is_told(self, leased, scope):
        assert leased.put(scope, ADA, 6, {"x": False})
        assert leased.get(scope, ADA) == {"x": False}
        leased.apply([Change(scope, 5, 6, (ADA,))])
        assert leased.get(scope, ADA) is None

    def test_fields_of_a_key_are_kept_side_by_side(self, leased, scope):
        leased.put(scope, ADA, 5, {"x": True})
        leased.put(scope, ADA, 5, {"y": False})
        assert leased.get(scope, ADA) == {"x": True, "y": False}
        assert len(leased) == 1

    def test_a_scope_that_never_had_a_change_can_be_filled_and_dropped(self, leased):
        fresh = Scope("oak", 9)
        assert leased.put(fresh, ADA, 0, {"x": False})
        leased.apply([Change(fresh, 0, 1, (ADA,))])
        assert leased.get(fresh, ADA) is None


class TestOvertakingLease:
    """A lease that says a head of which the changes are still on their way."""

    @pytest.fixture
    def overtaken(self, leased, clock, scope):
        for key in (ADA, BOB):
            leased.put(scope, key, 5, {"x": True})
        leased.lease(Lease(TERM, ((scope, 7),), 1), clock())
        return leased

    def test_once_they_have_come_the_rest_is_used_again(self, overtaken, scope):
        overtaken.apply([Change(scope, 5, 6, (ADA,))])
        assert overtaken.get(scope, BOB) is None
        assert overtaken.apply([Change(scope, 6, 7, (b"eve",))]) == [(scope, 7)]
        assert (overtaken.get(scope, ADA), overtaken.get(scope, BOB)) == (None, {"x": True})
        assert len(overtaken) == 1

    def test_with_one_of_them_missing_nothing_is(self, overtaken, scope):
        overtaken.apply([Change(scope, 6, 7, (ADA,))])
        overtaken.apply([Change(scope, 5, 6, (ADA,))])
        assert (overtaken.get(scope, BOB), len(overtaken)) == (None, 0)

    def test_what_was_read_in_between_is_newer(self, overtaken, scope):
        overtaken.put(scope, BOB, 7, {"x": False})
        overtaken.apply([Change(scope, 5, 7, (ADA,))])
        assert (overtaken.get(scope, BOB), len(overtaken)) == ({"x": False}, 1)

    def test_a_further_head_leaves_what_was_read_since_to_be_used_again(self, overtaken, clock, scope):
        overtaken.put(scope, BOB, 7, {"x": False})
        overtaken.lease(Lease(TERM, ((scope, 8),), 1), clock())
        overtaken.apply([Change(scope, 7, 8, (b"eve",))])
        assert (overtaken.get(scope, ADA), overtaken.get(scope, BOB)) == (None, {"x": False})
        assert len(overtaken) == 1

    def test_what_waits_goes_first_when_there_is_no_room(self, clock, scope):
        cache = FencedCache(clock, margin_ns=0, capacity=2)
        cache.lease(Lease(TERM, (), 1), clock())
        other = Scope("oak", 8)
        cache.put(other, ADA, 0, {"x": True})
        cache.put(scope, ADA, 0, {"x": True})
        cache.lease(Lease(TERM, ((scope, 1),), 1), clock())
        cache.put(other, BOB, 0, {"x": True})
        cache.apply([Change(scope, 0, 1, (BOB,))])
        assert (cache.get(scope, ADA), len(cache)) == (None, 2)


class TestChange:
    def test_it_drops_its_keys_alone(self, leased, scope):
        for key in (ADA, BOB):
            leased.put(scope, key, 5, {"x": True})
        assert leased.apply([Change(scope, 5, 6, (ADA,))]) == [(scope, 6)]
        assert (leased.get(scope, ADA), leased.get(scope, BOB)) == (None, {"x": True})

    def test_one_that_overtook_another_drops_the_scope(self, leased, scope):
        leased.put(scope, BOB, 5, {"x": True})
        assert leased.apply([Change(scope, 6, 7, (ADA,))]) == [(scope, 7)]
        assert leased.get(scope, BOB) is None

    def test_one_that_was_overtaken_drops_its_keys_still(self, leased, scope):
        leased.apply([Change(scope, 6, 7, (ADA,))])
        leased.put(scope, BOB, 7, {"x": True})
        assert leased.apply([Change(scope, 5, 6, (BOB,))]) == [(scope, 7)]
        assert leased.get(scope, BOB) is None

    def test_one_that_is_told_again_drops_what_nobody_told_of(self, leased, scope):
        leased.put(scope, ADA, 5, {"x": True})
        assert leased.apply([Change(scope, 6, 6, (ADA,))]) == [(scope, 6)]
        assert leased.get(scope, ADA) is None


class TestCapacity:
    def test_the_scope_filled_longest_ago_goes(self, clock):
        cache = FencedCache(clock, margin_ns=0, capacity=2)
        cache.lease(Lease(TERM, (), 1), clock())
        scopes = [Scope("oak", shard) for shard in range(3)]
        for scope in scopes:
            cache.put(scope, ADA, 0, {"x": True})
        assert [cache.get(scope, ADA) is not None for scope in scopes] == [False, True, True]

    def test_scopes_that_were_emptied_free_no_room(self, clock, scope):
        cache = FencedCache(clock, margin_ns=0, capacity=2)
        emptied = Scope("oak", 1)
        cache.put(emptied, ADA, 0, {"x": True})
        cache.apply([Change(emptied, 0, 1, (ADA,))])
        for number in range(10):
            cache.put(scope, bytes([number]), 0, {"x": True})
        assert len(cache) <= 2


class CacheAgainstTruth(RuleBasedStateMachine):
    """Changes come in any order, some never; fills are late. Nothing held is older than what was said to be applied."""

    scopes = st.sampled_from([Scope("oak", 1), Scope("oak", 2)])
    keys = st.sampled_from([ADA, BOB, b"eve"])

    def __init__(self):
        super().__init__()
        self.cache = FencedCache(lambda: 0, margin_ns=0, capacity=4)
        self.cache.lease(Lease(TERM, (), 1), 0)
        self.head, self.since = {}, {}
        self.untold, self.fills, self.said = [], [], {}

    @rule(scope=scopes, key=keys)
    def commit(self, scope, key):
        after = self.head.get(scope, 0)
        self.head[scope] = self.since[scope, key] = after + 1
        self.untold.append(Change(scope, after, after + 1, (key,)))

    @rule(scope=scopes, key=keys)
    def ask(self, scope, key):
        self.fills.append((scope, key, self.head.get(scope, 0), {"since": self.since.get((scope, key), 0)}))

    @precondition(lambda self: self.fills)
    @rule(data=st.data())
    def fill(self, data):
        self.cache.put(*self.fills.pop(data.draw(st.integers(0, len(self.fills) - 1))))

    @precondition(lambda self: self.untold)
    @rule(data=st.data(), is_lost=st.booleans())
    def tell(self, data, is_lost):
        change = self.untold.pop(data.draw(st.integers(0, len(self.untold) - 1)))
        if not is_lost:
            self.said.update(self.cache.apply([change]))

    @rule()
    def renew(self):
        self.said.update(self.cache.lease(Lease(TERM, tuple(self.head.items()), 1), 0))

    @invariant()
    def nothing_older_than_was_said_is_used(self):
        for (scope, key), since in self.since.items():
            held = self.cache.get(scope, key)
            assert held is None or since > self.said.get(scope, 0) or held["since"] == since

    @invariant()
    def room_is_bounded_and_counted(self):
        aside = [each.held for each in self.cache._aside.values()]
        assert len(self.cache) == sum(map(len, [*self.cache._held.values(), *aside])) <= 4


TestCacheAgainstTruth = CacheAgainstTruth.TestCase
TestCacheAgainstTruth.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
