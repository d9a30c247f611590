"""Texts as weighted counts of character n-grams, hashed: works without an encoder, and sees spelling."""

import re
from collections import Counter
from collections.abc import Iterator
from math import log
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

COLUMNS = 1 << 15
_SHORTEST, _LONGEST = 2, 5
_WORD = re.compile(r"\w+|[^\w\s]")


def counts(text: str) -> dict[int, float]:
    """Return by column 1 + log of how often its n-grams occur."""
    seen = Counter(crc32(gram.encode()) % COLUMNS for gram in _grams(text))
    return {column: 1.0 + log(count) for column, count in seen.items()}


def weighted(text: str, rarity: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the columns of a text and their weights, which are of length one together."""
    tallied = counts(text)
    columns = np.fromiter(tallied, dtype=np.int64, count=len(tallied))
    weights = np.fromiter(tallied.values(), dtype=np.float32, count=len(tallied)) * rarity[columns]
    return columns, weights / max(float(np.linalg.norm(weights)), 1e-9)


def _grams(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.lower()):
        padded = f" {word} "
        for size in range(_SHORTEST, _LONGEST + 1):
            for start in range(max(1, len(padded) - size + 1)):
                yield padded[start : start + size]
