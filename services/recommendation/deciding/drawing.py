"""Draws one of several acts, silence among them, so that the chance of each is known and never too small."""

import math
from collections.abc import Sequence


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
