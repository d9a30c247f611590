"""What the bandit would have brought in place of the reference: counted with every answer, told with its bounds."""

from typing import Any

from services.recommendation.bandit.offpolicy import Interval, of_sums
from services.recommendation.deciding import LEAST_ANSWERS, Answers, Outcome, Policy

#: The number under which it is counted: answers, gains and their squares on a grid.
GAINS = 30_000
_GRID = 1_024


def gain_of(record: dict[str, Any], outcome: Outcome) -> Answers:
    """Return what an answer says of it: importance weighted, of decisions that the reference drew."""
    if record.get("policy") != Policy.SOFTMAX or outcome is Outcome.NONE:
        return Answers()
    gain = round((record["instead"] / record["propensity"] - 1.0) * outcome.reward * _GRID)
    return Answers(1, gain, gain * gain)


def gain_in_all(gains: Answers) -> Interval:
    """Return the mean gain an answer, with the bounds of 95 %; nothing is known from few."""
    if gains.seen < LEAST_ANSWERS:
        return Interval(0.0, float("-inf"), float("inf"))
    return of_sums(gains.seen, gains.accepted / _GRID, gains.annoyed / _GRID**2)
