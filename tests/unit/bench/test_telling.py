import numpy as np

from bench.telling import told_apart

_PERSONAS, _ROUNDS = 150, 12


def times(rng, added=0.0):
    """Answers of a door that takes 2 ms, now and then much longer."""
    return 2.0 + added + rng.exponential(0.3, (_PERSONAS, _ROUNDS))


class TestToldApart:
    def test_a_planted_difference_is_found(self):
        rng = np.random.default_rng(1)
        assert told_apart(times(rng, added=0.1), times(rng), rng).is_apart

    def test_what_is_alike_is_mistaken_for_apart_once_in_twenty(self):
        rng = np.random.default_rng(2)
        mistaken = sum(told_apart(times(rng), times(rng), rng).is_apart for _ in range(40))
        assert mistaken <= 6

    def test_who_takes_longer_is_said(self):
        rng = np.random.default_rng(3)
        assert told_apart(times(rng, added=1.0), times(rng), rng).chance > 0.99
        assert told_apart(times(rng), times(rng, added=1.0), rng).chance < 0.01
