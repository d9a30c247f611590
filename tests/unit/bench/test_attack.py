import numpy as np
import pytest

from bench.attack.exports import Export
from bench.attack.game import play, upper_95
from bench.attack.information import information
from bench.attack.usefulness import Usefulness, over_popularity
from services.profile.views import View

_PERSONAS = 200


def exports(seed, times):
    rng = np.random.default_rng(seed)
    return [
        Export(f"1.{rng.bytes(16).hex()}", View(likes=("drama",)), tuple(map(str, rng.choice(30, 5))), time)
        for time in times
    ]


def useful(foretold):
    return Usefulness(1.0, foretold, np.ones(100), np.ones(100), np.zeros(100))


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
        many = useful(np.full(100, 1.1))
        few = useful(np.where(np.arange(100) < 2, 6.0, 1.0))

        narrow, wide = (over_popularity([each], np.random.default_rng(0)) for each in (many, few))

        assert narrow == pytest.approx((1.1, 1.1, 1.1))
        assert (wide.value, wide.low) == (pytest.approx(1.1), pytest.approx(1.0))
        assert wide.high > 1.2


class TestInformation:
    def liked(self, rng, tastes):
        return rng.multinomial(20, np.where(tastes[:, np.newaxis] == np.arange(2), 0.8, 0.2)).astype(float)

    def test_views_that_tell_tastes_apart_are_worth_what_the_tastes_are(self):
        rng = np.random.default_rng(0)
        tastes = rng.integers(2, size=1_000)
        before, after = self.liked(rng, tastes), self.liked(rng, tastes)

        bits = information(tastes.tolist(), before, after)

        # One bit, less the entropy of 80 against 20.
        assert bits.sum() / after.sum() == pytest.approx(1 - 0.722, abs=0.02)

    def test_views_that_tell_nothing_are_worth_nothing(self):
        rng = np.random.default_rng(0)
        tastes, views = rng.integers(2, size=1_000), rng.integers(8, size=1_000)

        bits = information(views.tolist(), self.liked(rng, tastes), self.liked(rng, tastes))

        # What is learnt of them is noise, which costs a little.
        assert -0.01 < bits.sum() / (20 * len(bits)) < 0

    def test_a_view_of_one_persona_is_worth_nothing(self):
        rng = np.random.default_rng(0)
        tastes = rng.integers(2, size=100)

        bits = information(range(100), self.liked(rng, tastes), self.liked(rng, tastes))

        assert bits == pytest.approx(np.zeros(100))
