"""How well labels and probabilities fit labelled texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relationships.corpus import NONE
from relationships.state import LEAST_OF_TYPE

_BINS = 10
_COVERED = (0.25, 0.5, 0.75, 1.0)

Floats = NDArray[np.float32]


def macro_f1(right: Sequence[str], told: Sequence[str]) -> float:
    """Return the average F1 over the labels that occur in `right`."""
    return float(np.mean([_f1(label, right, told) for label in sorted(set(right))]))


def calibration_error(probabilities: Floats, hits: NDArray[np.bool_]) -> float:
    """Return the expected calibration error of the label told, in ten bins of equal width."""
    sure = probabilities.max(axis=1)
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = [abs(sure[bins == each].mean() - hits[bins == each].mean()) * (bins == each).sum() for each in set(bins)]
    return float(sum(gaps) / len(hits))


def coverage(probabilities: Floats, hits: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return how often the label is right among the share of texts it is surest of."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    sizes = [(share, max(1, round(share * len(hits)))) for share in _COVERED]
    return [{"coverage": share, "accuracy": round(float(hits[order[:size]].mean()), 4)} for share, size in sizes]


def alarms(right: Sequence[str], told: Sequence[str], probabilities: Floats, least: float) -> float | None:
    """Return how many of 1,000 texts that say nothing are told to say something with `least` probability or more."""
    answers = zip(right, told, probabilities.max(axis=1), strict=True)
    neutral = [label != NONE and sure >= least for wanted, label, sure in answers if wanted == NONE]
    return round(1000 * sum(map(bool, neutral)) / len(neutral), 1) if neutral else None


def figures(right: Sequence[str], langs: Sequence[str], told: Sequence[str], probabilities: Floats) -> dict[str, Any]:
    """Return everything that is published of one evaluation."""
    hits = np.array([wanted == label for wanted, label in zip(right, told, strict=True)])
    by_lang = {lang: macro_f1(*zip(*_of(lang, right, langs, told), strict=True)) for lang in sorted(set(langs))}
    return {
        "macro_f1": round(macro_f1(right, told), 4),
        "macro_f1_by_lang": {lang: round(value, 4) for lang, value in by_lang.items()},
        "accuracy": round(float(hits.mean()), 4),
        "ece": round(calibration_error(probabilities, hits), 4),
        "coverage": coverage(probabilities, hits),
        # An alarm is what would be acted upon; a wrong label that nobody is sure of harms nobody.
        "false_alarms_per_1000": alarms(right, told, probabilities, LEAST_OF_TYPE),
        "wrong_labels_per_1000_neutral": alarms(right, told, probabilities, 0.0),
    }


def _of(lang: str, right: Sequence[str], langs: Sequence[str], told: Sequence[str]) -> list[tuple[str, str]]:
    return [(wanted, label) for wanted, own, label in zip(right, langs, told, strict=True) if own == lang]


def _f1(label: str, right: Sequence[str], told: Sequence[str]) -> float:
    hits = sum(wanted == answer == label for wanted, answer in zip(right, told, strict=True))
    return 2 * hits / (list(right).count(label) + list(told).count(label))
