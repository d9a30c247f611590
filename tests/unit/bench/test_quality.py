import numpy as np
import pytest

from bench.quality.baselines import GRID


@pytest.fixture
def met():
    """Two circles of people, each of whom met all but one of their circle's ten items."""
    met = np.kron(np.eye(2), np.ones((40, 10)))
    for person in range(80):
        met[person, 10 * (person // 40) + person % 10] = 0.0
    return met


@pytest.mark.parametrize("model", sorted(GRID.keys() - {"popularity", "item_knn"}))
def test_what_is_missing_from_ones_own_circle_comes_first(met, model):
    scores = np.where(met > 0, -np.inf, GRID[model][0](met))
    assert all(int(scores[person].argmax()) == 10 * (person // 40) + person % 10 for person in range(80))


def test_popularity_is_the_same_for_everybody(met):
    scores = GRID["popularity"][0](met)
    assert (scores == scores[0]).all()
    assert scores[0, 0] == met[:, 0].sum()
