"""Draws one of several acts, silence among them, so that the chance of each is known and never too small."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from services.recommendation.bandit import Expected, Exploration, choose
from services.recommendation.deciding.words import Act, Candidate, Policy, Rules, Weighed

_SILENT = Weighed(Candidate(Act.SILENT), -1, 0.0, 0.0, 0.0, 0.0)


class Drawing(NamedTuple):
    """How, with which share drawn evenly among all, and the lot in [0, 1) that falls on one."""

    policy: Policy
    rules: Rules
    explored: float
    lot: float


class Drawn(NamedTuple):
    """What was drawn from, silence last and worth nothing, the chance of each, and which one it was."""

    every: list[Weighed]
    chances: list[float]
    place: int

    @property
    def chosen(self) -> Weighed:
        """The one that was drawn."""
        return self.every[self.place].drawn(self.chances[self.place])

    def weighed(self) -> list[Weighed]:
        """Return all but silence with the chance of each."""
        return [each.drawn(chance) for each, chance in zip(self.every[:-1], self.chances, strict=False)]

    def chance_of(self, candidate: Candidate) -> float:
        """Return the chance of this very candidate, 0 where it was not drawn from."""
        pairs = zip(self.every, self.chances, strict=True)
        return next((chance for each, chance in pairs if each.candidate is candidate), 0.0)


def draw(eligible: Sequence[Weighed], drawing: Drawing) -> Drawn:
    """Return what a lot falls on."""
    every = [*eligible, _SILENT]
    values = [each.value for each in every]
    if drawing.policy is Policy.BANDIT:
        expected = Expected(np.array(values), np.zeros(len(values)))
        choice = choose(expected, Exploration(0.0, drawing.explored / len(values)), drawing.lot)
        probabilities, place = choice.propensities.tolist(), choice.action
    else:
        probabilities = chances(values, drawing.rules.temperature, drawing.explored)
        place = drawn(probabilities, drawing.lot)
    return Drawn(every, probabilities, place)


def chances(values: Sequence[float], temperature: float, explored: float) -> list[float]:
    """Return the chance of each act by its value; `explored` of all is shared evenly. They sum to 1."""
    if not explored:
        best = max(range(len(values)), key=lambda place: values[place])
        return [float(place == best) for place in range(len(values))]
    top = max(values)
    weights = [math.exp((value - top) / temperature) for value in values]
    share, floor = (1.0 - explored) / math.fsum(weights), explored / len(values)
    return [floor + share * weight for weight in weights]


def drawn(probabilities: Sequence[float], lot: float) -> int:
    """Return which one a lot in [0, 1) falls on."""
    passed = 0.0
    for place, probability in enumerate(probabilities):
        passed += probability
        if lot < passed:
            return place
    # Rounding: the last that can be.
    return max(place for place, probability in enumerate(probabilities) if probability > 0)
