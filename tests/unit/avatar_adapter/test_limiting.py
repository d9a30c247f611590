import pytest

from avatar_adapter.limiting import RateLimiter
from kit.errors import ExhaustedError


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class TestTake:
    def test_two_seconds_worth_pass_at_once(self):
        limiter = RateLimiter(5, Clock())

        for _ in range(10):
            limiter.take("oak")
        with pytest.raises(ExhaustedError) as raised:
            limiter.take("oak")
        assert raised.value.retry_after_s == 1

    def test_time_fills_the_bucket(self):
        clock = Clock()
        limiter = RateLimiter(5, clock)
        for _ in range(10):
            limiter.take("oak")
        clock.now += 0.2

        limiter.take("oak")
        with pytest.raises(ExhaustedError):
            limiter.take("oak")

    def test_one_world_does_not_slow_another(self):
        limiter = RateLimiter(1, Clock())
        for _ in range(2):
            limiter.take("oak")

        limiter.take("maple")
