import numpy as np
import pytest

from bench.quality.bandits import BANDITS

ITEMS = 12


def accepted_by(bandit, arrivals=400):
    """Of twelve items every other one is accepted, by everybody."""
    rng = np.random.default_rng(0)
    made = BANDITS[bandit](ITEMS, 5)
    outcomes = []
    for _ in range(arrivals):
        items = rng.choice(ITEMS, 4, replace=False)
        outcomes.append(made.show(int(rng.integers(5)), items, items % 2 == 0, rng.random()).accepted)
    return np.mean(outcomes[arrivals // 2 :])


@pytest.mark.parametrize("bandit", ["item_rate", "linucb"])
def test_what_is_accepted_is_shown_in_the_end(bandit):
    assert accepted_by(bandit) > 0.9


def test_chance_shows_anything():
    assert accepted_by("random") == pytest.approx(0.5, abs=0.1)
