"""How well a persona's choices are foretold from few others of its own and the many of other personas.

Strict: what is asked about a persona is never among what its prior was fitted to. Personas are dealt into folds; the
prior of each fold is learnt from the others alone, with all of their answers.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit.errors import Status, TypedError
from maskenball.evaluate.choices import read_choices
from wishes.answers import Answer, Floats, stack
from wishes.asking import best
from wishes.posterior import Belief, learn, probabilities
from wishes.prior import common, fit

ASKED = (4, 8)
_FOLDS = 5
_SEED = 1
_LEAST_PROBABLE = 1e-12
#: The last answers that are the test when the test may not depend on what was asked.
_KEPT_BACK = 4


class TooFewChoicesError(TypedError):
    """The file has too few personas or too few choices of each to measure anything."""

    reason = "CHOICES_TOO_FEW"
    status = Status.INVALID


class _Score(NamedTuple):
    hits: list[bool]
    losses: list[float]

    def add(self, answer: Answer, shares: Floats) -> None:
        self.hits.append(int(shares.argmax()) == answer.chosen)
        self.losses.append(-float(np.log(max(shares[answer.chosen], _LEAST_PROBABLE))))

    def told(self) -> dict[str, float]:
        return {
            "hit_rate": round(float(np.mean(self.hits)), 4),
            "log_loss": round(float(np.mean(self.losses)), 4),
            "tested": len(self.hits),
        }


@dataclass(slots=True)
class _Scores:
    by_name: dict[str, _Score] = field(default_factory=dict)
    update_ms: list[float] = field(default_factory=list)
    ask_ms: list[float] = field(default_factory=list)

    def of(self, name: str) -> _Score:
        return self.by_name.setdefault(name, _Score([], []))


def evaluate(path: Path) -> dict[str, Any]:
    """Return hit rates and log losses after so many answers; raises ChoicesFormatError, TooFewChoicesError, OSError."""
    choices = read_choices(path)
    personas = [answers for answers in choices.personas.values() if len(answers) > max(ASKED) + _KEPT_BACK]
    if len(personas) < 2 * _FOLDS:
        raise TooFewChoicesError(
            f"{len(personas)} personas have {max(ASKED) + _KEPT_BACK + 1} choices or more, {2 * _FOLDS} are needed"
        )
    scores, fit_s = _Scores(), []
    for others, asked in _folds(personas, np.random.default_rng(_SEED)):
        stacked = [stack(each, len(choices.columns)) for each in others]
        begun = time.perf_counter()
        prior, everybody = fit(stacked), common(stacked)
        fit_s.append(time.perf_counter() - begun)
        for number, answers in enumerate(asked):
            _Persona(prior, everybody, answers, scores).ask(np.random.default_rng(number))
    return {
        "personas": len(personas),
        "columns": len(choices.columns),
        **{name: score.told() for name, score in sorted(scores.by_name.items())},
        "fit_s": round(float(np.median(fit_s)), 2),
        "update_p50_ms": round(float(np.median(scores.update_ms)), 3),
        "ask_p50_ms": round(float(np.median(scores.ask_ms)), 3),
    }


def _folds(
    personas: Sequence[list[Answer]], random: np.random.Generator
) -> Iterator[tuple[list[list[Answer]], list[list[Answer]]]]:
    fold_of = random.permutation(len(personas)) % _FOLDS
    for fold in range(_FOLDS):
        others = [each for each, own in zip(personas, fold_of, strict=True) if own != fold]
        yield others, [each for each, own in zip(personas, fold_of, strict=True) if own == fold]


class _Persona:
    """One persona's questions asked in several ways, each judged by the answers it has not seen."""

    def __init__(self, prior: Belief, everybody: Floats, answers: list[Answer], scores: _Scores) -> None:
        self._prior, self._everybody, self._answers, self._scores = prior, everybody, answers, scores

    def ask(self, random: np.random.Generator) -> None:
        """Ask in the given order, at random and what tells most; of all questions, and of all but the last few."""
        total = len(self._answers)
        for within, kind in ((total, "rest"), (total - _KEPT_BACK, "kept_back")):
            kept_back = list(range(within, total))
            self._follow(f"in_order_{kind}", list(range(within)), kept_back)
            self._follow(f"at_random_{kind}", [int(each) for each in random.permutation(within)], kept_back)
            self._follow(f"chosen_{kind}", self._choose(within), kept_back)

    def _follow(self, name: str, order: list[int], kept_back: list[int]) -> None:
        for asked in ASKED:
            tested = [self._answers[place] for place in kept_back or sorted(order[asked:])]
            belief = learn(self._prior, self._stack(order[:asked]))
            if name.startswith("in_order"):
                self._refer(name, asked, belief, tested)
            for each in tested:
                self._scores.of(f"{name}_{asked}").add(each, probabilities(belief, each.question))

    def _refer(self, name: str, asked: int, belief: Belief, tested: list[Answer]) -> None:
        """What is commonly done, on the same answers: everybody's part-worths, and the middle of what is believed."""
        for each in tested:
            self._scores.of(f"aggregate_{name}_{asked}").add(each, _shares(self._everybody, each.question))
            self._scores.of(f"plug_in_{name}_{asked}").add(each, _shares(belief.mean, each.question))

    def _choose(self, within: int) -> list[int]:
        """Return all questions, those asked first: each the one that tells most after the answers before it."""
        open_, order, belief = list(range(within)), list[int](), self._prior
        while len(order) < max(ASKED):
            begun = time.perf_counter()
            order.append(open_.pop(best(belief, [self._answers[place].question for place in open_])))
            asked = time.perf_counter()
            answers = self._stack(order)
            stacked = time.perf_counter()
            belief = learn(self._prior, answers, belief.mean)
            self._scores.ask_ms.append((asked - begun) * 1000)
            self._scores.update_ms.append((time.perf_counter() - stacked) * 1000)
        return order + open_

    def _stack(self, places: Sequence[int]) -> Any:
        return stack([self._answers[place] for place in places], len(self._prior.mean))


def _shares(worths: Floats, question: Floats) -> Floats:
    utilities = question @ worths
    powers = np.exp(utilities - utilities.max())
    return np.asarray(powers / powers.sum())
