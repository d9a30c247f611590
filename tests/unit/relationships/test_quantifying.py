"""Shares of types among simulated personas whose truth is known: near it, and nearer than counting labels is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relationships.evidence import evidence, told
from relationships.pack import named_pack
from relationships.quantifying import band_of, divergence, likelihood, resample, shares
from relationships.state import relationship

CORE = named_pack("core4")
NAMES = tuple(CORE.types)
NOW = 1_000 * 86_400_000
PERSONAS = 2_000
#: Of six answers a judge that looks at such a signal gives about .85 right; the one that ships gives .83.
_SPREAD = 0.4
_SAYS_SOMETHING = 0.4


def town(truth, seed):
    """What 2,000 personas said, a few messages each: most say nothing, and a judge that errs hears the rest."""
    chance = np.random.default_rng(seed)
    kinds = np.repeat(np.arange(len(NAMES)), np.round(np.array(truth) * PERSONAS).astype(int))
    return kinds, [[heard(kind, place, chance) for place in range(chance.integers(1, 12))] for kind in kinds]


def heard(kind, place, chance):
    centres = np.eye(len(NAMES) + 1)
    said = kind if chance.random() < _SAYS_SOMETHING else len(NAMES)
    signal = centres[said] + chance.normal(0, _SPREAD, len(NAMES) + 1)
    logs = -((signal - centres) ** 2).sum(axis=1) / (2 * (_SPREAD) ** 2)
    return evidence(NOW - place * 1000, bytes([place]), told(logs[:-1] - logs[-1]))


def errors(truth, seed):
    """Return the L1 errors of the estimate and of counting what each is likeliest to be."""
    kinds, said = town(truth, seed)
    right = np.bincount(kinds, minlength=len(NAMES)) / len(kinds)
    estimated = shares(np.array([likelihood(CORE, each) for each in said]))
    believed = [relationship(CORE, each, NOW).posterior for each in said]
    labels = [NAMES.index(max(each, key=each.__getitem__)) for each in believed]
    counted = np.bincount(labels, minlength=len(NAMES)) / len(labels)
    return np.abs(estimated - right).sum(), np.abs(counted - right).sum()


@pytest.mark.parametrize(
    ("truth", "seed"),
    [((0.1, 0.25, 0.3, 0.3, 0.05), 1), ((0.6, 0.1, 0.1, 0.1, 0.1), 3)],
)
def test_the_estimate_is_near_the_truth_and_half_as_far_as_counting_labels(truth, seed):
    estimated, counted = errors(truth, seed)
    assert estimated <= 0.05
    assert estimated <= counted / 2


class TestBand:
    def test_it_covers_the_truth(self):
        truth = (0.1, 0.25, 0.3, 0.3, 0.05)
        logs = np.array([likelihood(CORE, each) for each in town(truth, 7)[1]])
        best, drawn = shares(logs), shares(logs, resample(len(logs), seed=1))
        for place, share in enumerate(truth):
            band = band_of(best[place], drawn[:, place])
            assert band.least <= share <= band.most
            assert band.most - band.least < 0.1

    def test_the_same_seed_draws_the_same(self):
        assert (resample(50, seed=3) == resample(50, seed=3)).all()


class TestShares:
    def test_who_says_nothing_follows_the_others(self):
        fans = np.array([likelihood(CORE, [evidence(NOW, b"m", (-8, -8, -8, 8, -8))] * 3)] * 30)
        assert shares(np.concatenate([fans, np.zeros((30, 5))]))[NAMES.index("fan")] > 0.9


DISTRIBUTIONS = st.lists(st.floats(0.01, 1), min_size=5, max_size=5).map(lambda told: np.array(told) / sum(told))


class TestDivergence:
    @given(DISTRIBUTIONS, DISTRIBUTIONS)
    def test_it_is_a_distance_between_0_and_1(self, one, other):
        assert 0 <= divergence(one, other) <= 1
        assert divergence(one, other) == pytest.approx(divergence(other, one))
        assert divergence(one, one) == 0

    def test_what_has_nothing_in_common_is_1_apart(self):
        assert divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1)
