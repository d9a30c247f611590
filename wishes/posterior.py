"""What is believed of one persona's part-worths after its answers: the Laplace approximation of their posterior.

It follows from the prior and the set of answers, in whatever order they came. Probabilities are averaged over what is
believed, not read off its middle: whoever knows little must not sound sure.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wishes.answers import Answers, Floats

_MOST_STEPS = 25
_MOST_HALVINGS = 12
#: Of the gain that a step promises, what it must bring; and a promise that is not worth a step.
_KEPT_PROMISE, _ENOUGH = 0.1, 1e-6
_DRAWS = 128
_SEED = 11


@dataclass(frozen=True, slots=True)
class Belief:
    """Part-worths by attribute as a normal distribution: of a population, or of one persona."""

    mean: Floats
    covariance: Floats

    def precision(self) -> Floats:
        return np.linalg.inv(self.covariance)


def learn(prior: Belief, answers: Answers, start: Floats | None = None) -> Belief:
    """Return what is believed after these answers; `start` is a guess of its mean, such as the mean before the last."""
    if not len(answers.begins):
        return prior
    return learn_under(prior.mean, prior.precision(), answers, start)


def learn_under(mean: Floats, precision: Floats, answers: Answers, start: Floats | None = None) -> Belief:
    """Do the same for many personas under one prior, whose precision is then worked out once."""
    worths = mean if start is None else start
    height = _height(worths, mean, precision, answers)
    for _ in range(_MOST_STEPS):
        slope, curvature = _slope(worths, mean, precision, answers)
        step = np.linalg.solve(curvature, slope)
        promise = float(slope @ step)
        if promise < _ENOUGH:
            break
        worths, height = _climb((worths, height), step, promise, (mean, precision, answers))
    return Belief(worths, np.linalg.inv(curvature))


def probabilities(belief: Belief, question: Floats) -> Floats:
    """Return how likely each alternative is chosen."""
    return np.asarray(imagined(belief, question).mean(axis=0))


def imagined(belief: Belief, question: Floats) -> Floats:
    """Return probabilities by alternative, a row for each of many personas that one may be taken for."""
    worths = belief.mean + _draws(len(belief.mean)) @ np.linalg.cholesky(belief.covariance).T
    utilities = worths @ question.T
    powers = np.exp(utilities - utilities.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@lru_cache(maxsize=16)
def _draws(width: int) -> Floats:
    # The same for every question, and in pairs around the middle: what is compared differs in the question alone.
    half = np.random.default_rng(_SEED).standard_normal((_DRAWS, width))
    return np.concatenate([half, -half])


def _climb(
    at: tuple[Floats, float], step: Floats, promise: float, under: tuple[Floats, Floats, Answers]
) -> tuple[Floats, float]:
    """Go along the step, half as far each time it does not lead up as promised: a whole one may overshoot the top."""
    worths, height = at
    share = 1.0
    for _ in range(_MOST_HALVINGS):
        reached = worths + share * step
        found = _height(reached, *under)
        if found >= height + _KEPT_PROMISE * share * promise:
            return reached, found
        share /= 2
    return at


def _height(worths: Floats, mean: Floats, precision: Floats, answers: Answers) -> float:
    utilities = answers.rows @ worths
    highest = np.maximum.reduceat(utilities, answers.begins)
    sums = np.add.reduceat(np.exp(utilities - highest[answers.answer_of]), answers.begins)
    off = worths - mean
    said = answers.chosen @ worths - highest.sum() - np.log(sums).sum()
    return float(said - off @ precision @ off / 2)


def _slope(worths: Floats, mean: Floats, precision: Floats, answers: Answers) -> tuple[Floats, Floats]:
    utilities = answers.rows @ worths
    highest = np.maximum.reduceat(utilities, answers.begins)
    powers = np.exp(utilities - highest[answers.answer_of])
    shares = powers / np.add.reduceat(powers, answers.begins)[answers.answer_of]
    weighted = answers.rows * shares[:, None]
    expected = np.add.reduceat(weighted, answers.begins)
    slope = answers.chosen - expected.sum(axis=0) - precision @ (worths - mean)
    return slope, answers.rows.T @ weighted - expected.T @ expected + precision
