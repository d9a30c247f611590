import numpy as np
import pytest

from bench.attack.exports import Export
from bench.attack.game import play, upper_95
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
