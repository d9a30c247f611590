"""How well labels and probabilities fit labelled texts."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relationships.corpus import NONE
from relationships.state import LEAST_OF_TYPE

_BINS = 10
_COVERED = (0.25, 0.5, 0.75, 1.0)
_RESAMPLES, _SEED = 1_000, 20
_BAND = (2.5, 97.5)

Floats = NDArray[np.float32]
#: How often each label of the first axis that occurs was told as each of the last; more axes before are resamples.
Counts = NDArray[np.float64]


def macro_f1(right: Sequence[str], told: Sequence[str]) -> float:
    """Return the average F1 over the labels that occur in `right`."""
    return float(_macro_f1(_confusion(right, told)))


def balanced_recall(right: Sequence[str], told: Sequence[str]) -> float:
    """Return how often a text is labelled right, every label that occurs weighing alike."""
    return float(_recall(_confusion(right, told)))


def balanced_macro_f1(right: Sequence[str], told: Sequence[str]) -> float:
    """Return the average F1 that there would be if every label that occurs had as many texts."""
    return float(_balanced_macro_f1(_confusion(right, told)))


def calibration_error(sure: Floats, hits: NDArray[np.bool_]) -> float:
    """Return the expected calibration error in ten bins of equal width; `sure` is what each label was given."""
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = [abs(sure[bins == each].mean() - hits[bins == each].mean()) * (bins == each).sum() for each in set(bins)]
    return float(sum(gaps) / len(hits))


def coverage(sure: Floats, hits: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return how often the label is right among the share of texts it is surest of."""
    order = np.argsort(-sure, kind="stable")
    sizes = [(share, max(1, round(share * len(hits)))) for share in _COVERED]
    return [{"coverage": share, "accuracy": round(float(hits[order[:size]].mean()), 4)} for share, size in sizes]


def alarms(right: Sequence[str], told: Sequence[str], sure: Floats, least: float) -> float | None:
    """Return how many of 1,000 texts that say nothing are told to say something with `least` probability or more."""
    answers = zip(right, told, sure, strict=True)
    neutral = [label != NONE and each >= least for wanted, label, each in answers if wanted == NONE]
    return round(1000 * sum(map(bool, neutral)) / len(neutral), 1) if neutral else None


def figures(right: Sequence[str], langs: Sequence[str], told: Sequence[str], sure: Floats) -> dict[str, Any]:
    """Return everything that is published of one evaluation; `sure` has the probability of each label told."""
    hits = np.array([wanted == label for wanted, label in zip(right, told, strict=True)])
    by_lang = {lang: macro_f1(*zip(*_of(lang, right, langs, told), strict=True)) for lang in sorted(set(langs))}
    counts = _confusion(right, told)
    return {
        "macro_f1": round(macro_f1(right, told), 4),
        "macro_f1_95": _band(counts, _macro_f1),
        "macro_f1_by_lang": {lang: round(value, 4) for lang, value in by_lang.items()},
        # Weighed alike, a label that few texts have does not hang on how many others there are to be mistaken for it.
        "balanced_macro_f1": round(balanced_macro_f1(right, told), 4),
        "balanced_macro_f1_95": _band(counts, _balanced_macro_f1),
        "balanced_recall": round(balanced_recall(right, told), 4),
        "accuracy": round(float(hits.mean()), 4),
        "ece": round(calibration_error(sure, hits), 4),
        "coverage": coverage(sure, hits),
        # An alarm is what would be acted upon; a wrong label that nobody is sure of harms nobody.
        "false_alarms_per_1000": alarms(right, told, sure, LEAST_OF_TYPE),
        "wrong_labels_per_1000_neutral": alarms(right, told, sure, 0.0),
    }


def _of(lang: str, right: Sequence[str], langs: Sequence[str], told: Sequence[str]) -> list[tuple[str, str]]:
    return [(wanted, label) for wanted, own, label in zip(right, langs, told, strict=True) if own == lang]


def _confusion(right: Sequence[str], told: Sequence[str]) -> Counts:
    rows = sorted(set(right))
    columns = {label: place for place, label in enumerate([*rows, *sorted(set(told) - set(rows))])}
    counts = np.zeros((len(rows), len(columns)))
    for wanted, label in zip(right, told, strict=True):
        counts[columns[wanted], columns[label]] += 1
    return counts


def _macro_f1(counts: Counts) -> Counts:
    size = counts.shape[-2]
    both = counts.sum(axis=-1) + counts.sum(axis=-2)[..., :size]
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.asarray((2 * hits / np.maximum(both, 1e-12)).mean(axis=-1))


def _recall(counts: Counts) -> Counts:
    return np.asarray(np.diagonal(_alike(counts), axis1=-2, axis2=-1).mean(axis=-1))


def _balanced_macro_f1(counts: Counts) -> Counts:
    return _macro_f1(_alike(counts))


def _alike(counts: Counts) -> Counts:
    return np.asarray(counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1))


def _band(counts: Counts, measure: Callable[[Counts], Counts]) -> list[float]:
    """Return the interval that holds 95 % of what resamples of the texts have."""
    drawn = np.random.default_rng(_SEED).multinomial(int(counts.sum()), (counts / counts.sum()).ravel(), _RESAMPLES)
    values = measure(drawn.reshape(_RESAMPLES, *counts.shape).astype(np.float64))
    return [round(float(each), 4) for each in np.percentile(values, _BAND)]
