import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consent.domain import (
    VALIDITY_MS,
    Consent,
    Intent,
    Purpose,
    Reason,
    State,
    expires_at,
    judge,
    next_state,
    stated_at,
)

PURPOSE = Purpose("personalise.world", version=2, floor=1, is_always_on=False)
NOW = 10 * VALIDITY_MS


def consent(state=State.GIVEN, *, stated_at_ms=NOW - 1000, version=2):
    return Consent(PURPOSE.id, version, state, "r", 1, stated_at_ms, expires_at(state, stated_at_ms))


class TestJudge:
    def test_a_purpose_outside_the_pack_is_denied(self):
        assert judge(None, consent(), NOW) is Reason.UNKNOWN_PURPOSE

    def test_core_is_allowed_without_any_record(self):
        assert judge(Purpose("core.service", 1, 1, is_always_on=True), None, NOW) is Reason.ALWAYS_ON

    def test_silence_is_denied(self):
        assert judge(PURPOSE, None, NOW) is Reason.NEVER_ASKED

    @pytest.mark.parametrize("state", [State.GIVEN, State.RENEWED])
    def test_a_grant_is_allowed(self, state):
        assert judge(PURPOSE, consent(state), NOW) is Reason.GRANTED

    def test_a_withdrawal_is_denied(self):
        assert judge(PURPOSE, consent(State.WITHDRAWN), NOW) is Reason.WITHDRAWN

    def test_a_grant_ends_after_twelve_months(self):
        old = consent(stated_at_ms=NOW - VALIDITY_MS)
        assert judge(PURPOSE, old, NOW - 1) is Reason.GRANTED
        assert judge(PURPOSE, old, NOW) is Reason.EXPIRED

    def test_a_raised_floor_ends_older_versions(self):
        raised = Purpose(PURPOSE.id, version=3, floor=3, is_always_on=False)
        assert judge(raised, consent(version=2), NOW) is Reason.BELOW_POLICY_FLOOR
        assert judge(raised, consent(version=3), NOW) is Reason.GRANTED


class TestNextState:
    def test_a_first_grant_is_given(self):
        assert next_state(Intent.GRANT, PURPOSE, None, NOW, NOW) is State.GIVEN

    def test_a_later_grant_renews(self):
        assert next_state(Intent.GRANT, PURPOSE, consent(), NOW, NOW) is State.RENEWED

    def test_the_same_grant_again_changes_nothing(self):
        assert next_state(Intent.GRANT, PURPOSE, consent(stated_at_ms=NOW), NOW, NOW) is None

    def test_a_grant_after_a_withdrawal_is_given_anew(self):
        assert next_state(Intent.GRANT, PURPOSE, consent(State.WITHDRAWN), NOW, NOW) is State.GIVEN

    def test_a_grant_after_expiry_is_given_anew(self):
        old = consent(stated_at_ms=NOW - 2 * VALIDITY_MS)
        assert next_state(Intent.GRANT, PURPOSE, old, NOW, NOW) is State.GIVEN

    def test_a_withdrawal_of_what_was_never_given_is_recorded(self):
        assert next_state(Intent.WITHDRAW, PURPOSE, None, NOW, NOW) is State.WITHDRAWN

    @pytest.mark.parametrize("intent", list(Intent))
    @pytest.mark.parametrize("state", [State.GIVEN, State.RENEWED, State.WITHDRAWN])
    def test_what_was_said_earlier_never_replaces(self, intent, state):
        assert next_state(intent, PURPOSE, consent(state, stated_at_ms=NOW), NOW - 1, NOW) is None

    @given(st.lists(st.tuples(st.sampled_from(Intent), st.integers(0, 5)), max_size=8), st.randoms())
    def test_the_order_of_arrival_does_not_decide(self, statements, random):
        def outcome(arrivals):
            now = None
            for intent, minute in arrivals:
                at = NOW + minute
                reached = next_state(intent, PURPOSE, now, at, NOW + 10)
                now = now if reached is None else consent(reached, stated_at_ms=at)
            return now and (now.state is State.WITHDRAWN, now.stated_at_ms)

        shuffled = list(statements)
        random.shuffle(shuffled)
        assert outcome(shuffled) == outcome(statements)


class TestStatedAt:
    def test_a_statement_from_the_future_is_taken_as_now(self):
        assert stated_at(NOW + 1, NOW) == NOW

    def test_a_statement_without_a_time_is_taken_as_now(self):
        assert stated_at(0, NOW) == NOW

    def test_a_statement_from_the_past_keeps_its_time(self):
        assert stated_at(NOW - 1, NOW) == NOW - 1
