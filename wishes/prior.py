"""What personas have in common: how part-worths spread over a population, learnt from the answers of many of them."""

from collections.abc import Sequence

import numpy as np

from wishes.answers import Answers, Floats
from wishes.posterior import Belief, learn_under

_MOST_ROUNDS = 40
_ENOUGH = 1e-3
#: Worth one persona of whom it is believed that part-worths vary by one: keeps the spread of a few from collapsing.
_CAUTION = 1.0


def fit(personas: Sequence[Answers]) -> Belief:
    """Return mean and covariance of part-worths over a population (empirical Bayes).

    EM: what is believed of each persona under the prior, then the prior that these beliefs add up to, until its mean
    moves by less than a thousandth of its spread.
    """
    width = personas[0].width
    mean: Floats = np.zeros(width)
    covariance: Floats = np.eye(width)
    guesses: list[Floats | None] = [None] * len(personas)
    for _ in range(_MOST_ROUNDS):
        precision = np.linalg.inv(covariance)
        beliefs = [learn_under(mean, precision, each, at) for each, at in zip(personas, guesses, strict=True)]
        guesses = [each.mean for each in beliefs]
        before, mean, covariance = mean, *_gathered(beliefs, width)
        if np.abs((mean - before) / np.sqrt(np.diag(covariance))).max() < _ENOUGH:
            break
    return Belief(mean, covariance)


def common(personas: Sequence[Answers]) -> Floats:
    """Return part-worths as if all were one persona: the reference that knows nobody."""
    width = personas[0].width
    ends = np.cumsum([0, *(len(each.rows) for each in personas)])
    counts = np.cumsum([0, *(len(each.begins) for each in personas)])
    together = Answers(
        rows=np.concatenate([each.rows for each in personas]),
        begins=np.concatenate([each.begins + end for each, end in zip(personas, ends[:-1], strict=True)]),
        answer_of=np.concatenate([each.answer_of + count for each, count in zip(personas, counts[:-1], strict=True)]),
        chosen=np.sum([each.chosen for each in personas], axis=0),
    )
    return learn_under(np.zeros(width), np.eye(width) / 100, together).mean


def _gathered(beliefs: Sequence[Belief], width: int) -> tuple[Floats, Floats]:
    means = np.array([each.mean for each in beliefs])
    mean = means.mean(axis=0)
    off = means - mean
    spread = off.T @ off + np.sum([each.covariance for each in beliefs], axis=0) + _CAUTION * np.eye(width)
    return mean, np.asarray(spread / (len(beliefs) + _CAUTION))
