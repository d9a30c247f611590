"""Which question to ask next: the one whose answer is expected to tell most about this persona."""

from collections.abc import Sequence

import numpy as np

from wishes.answers import Floats
from wishes.posterior import Belief, imagined

_LEAST = 1e-12


def information(belief: Belief, question: Floats) -> float:
    """Return how many nats the answer tells of the persona: how unsure it is, less what stays unsure in any case."""
    shares = imagined(belief, question)
    return float(_unsure(shares.mean(axis=0)) - _unsure(shares).mean())


def best(belief: Belief, questions: Sequence[Floats]) -> int:
    """Return the place of the question that tells most; the first one of equals."""
    return int(np.argmax([information(belief, each) for each in questions]))


def _unsure(shares: Floats) -> Floats:
    return np.asarray(-(shares * np.log(shares.clip(_LEAST))).sum(axis=-1))
