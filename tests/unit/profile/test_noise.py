import random
import statistics

import pytest

from services.profile.noise import publish

_MANY = 20_000
_FAR = 100_000
_SCALE = 10.0
_TAIL = 0.0498  # e^-3: the share of Laplace noise beyond three scales


def is_laplace(noise, scale):
    """Five standard errors of each figure: of Laplace noise one run in a million is found out wrongly."""
    mean, variance = statistics.mean(noise), statistics.pvariance(noise)
    tail = sum(abs(each) > 3 * scale for each in noise) / len(noise)
    return abs(mean) < 0.05 * scale and 0.92 < variance / (2 * scale**2) < 1.08 and abs(tail - _TAIL) < 0.008


def laplace(scale, dice):
    return [dice.choice((-1, 1)) * round(dice.expovariate(1 / scale)) for _ in range(_MANY)]


class TestNoise:
    def test_is_of_the_kind_and_scale_that_was_paid(self):
        noisy = publish({f"topic-{n}": _FAR for n in range(_MANY)}, 1, 1 / _SCALE, 1)

        assert len(noisy.counts) == _MANY
        assert noisy.scale == pytest.approx(_SCALE)
        assert is_laplace([count - _FAR for count in noisy.counts.values()], _SCALE)

    @pytest.mark.parametrize(
        "broken",
        [
            lambda _: [0] * _MANY,
            lambda dice: laplace(_SCALE / 2, dice),
            lambda dice: laplace(_SCALE * 0.9, dice),
            lambda dice: [round(dice.gauss(0, 2**0.5 * _SCALE)) for _ in range(_MANY)],
            lambda dice: [each + 1 for each in laplace(_SCALE, dice)],
        ],
        ids=["none", "half", "a-tenth-less", "gaussian", "shifted"],
    )
    def test_a_broken_mechanism_is_found_out(self, broken):
        assert is_laplace(laplace(_SCALE, random.Random(1)), _SCALE)
        assert not is_laplace(broken(random.Random(1)), _SCALE)

    def test_grows_with_the_keys_that_one_persona_is_in(self):
        assert publish({}, 3, 0.5, 1).scale == pytest.approx(3 * publish({}, 1, 0.5, 1).scale)

    def test_a_key_that_one_persona_alone_has_is_not_told(self):
        alone = {f"only-mine-{n}": 1 for n in range(_MANY)}

        assert publish(alone, 3, 0.1, 1).counts == {}

    def test_a_threshold_asked_for_is_kept_where_it_is_the_higher_one(self):
        assert [publish({}, 1, 1.0, least).threshold for least in (1, 5000)] == [19, 5000]
