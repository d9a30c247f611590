import numpy as np
import pytest

from bench.attack.exports import Export
from bench.attack.game import play, upper_95
from bench.attack.usefulness import Usefulness, over_popularity
from services.profile.views import View

_PERSONAS = 200


def exports(seed, times):
    rng = np.random.default_rng(seed)
    return [
        Export(f"1.{rng.bytes(16).hex()}", View(likes=("drama",)), tuple(map(str, rng.choice(30, 5))), time)
        for time in times
    ]


class TestPlay:
    def test_those_who_came_at_the_same_hour_are_found(self):
        hours = [frozenset({n * 10}) for n in range(_PERSONAS)]

        outcomes = play(exports(1, hours), exports(2, hours), np.random.default_rng(0))

        assert outcomes["time"].top_1 == 1.0

    @pytest.mark.parametrize("attacker", ["identifiers", "time", "sets", "scores", "offers", "trained"])
    def test_where_nothing_is_common_nobody_does_better_than_a_guess(self, attacker):
        nothing = [frozenset()] * _PERSONAS
        games = [play(exports(n, nothing), exports(99 + n, nothing), np.random.default_rng(n)) for n in range(8)]

        assert np.mean([game[attacker].top_10_over_chance for game in games]) < 1.8

    def test_equal_handles_are_found(self):
        side = exports(1, [frozenset()] * _PERSONAS)

        assert play(side, side, np.random.default_rng(0))["identifiers"].top_1 == 1.0


class TestUpper95:
    def test_it_is_above_the_mean_by_two_errors(self):
        assert upper_95([0.0, 2.0] * 50) == pytest.approx(1.0 + 1.96 * 1.005 / 10, abs=0.01)

    def test_it_is_higher_for_the_best_of_many(self):
        games = [0.0, 2.0] * 50

        assert upper_95(games, among=10) == pytest.approx(1.0 + 2.807 * 1.005 / 10, abs=0.01)


class TestOverPopularity:
    def test_what_hangs_on_few_people_has_a_wide_interval(self):
        many = Usefulness(1.0, np.full(100, 1.1), np.ones(100))
        few = Usefulness(1.0, np.where(np.arange(100) < 2, 6.0, 1.0), np.ones(100))

        narrow, wide = (over_popularity([each], np.random.default_rng(0)) for each in (many, few))

        assert narrow == pytest.approx((1.1, 1.1, 1.1))
        assert (wide.value, wide.low) == (pytest.approx(1.1), pytest.approx(1.0))
        assert wide.high > 1.2
