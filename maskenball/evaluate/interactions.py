"""Reads an interaction file: tab-separated `user item timestamp [rating]`, no header, timestamps in seconds."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


class Interactions(NamedTuple):
    """One entry per line of the file; users and items are numbered in the order of their names."""

    users: Indices
    items: Indices
    at_ms: Indices
    #: Not a number where the line has none.
    ratings: NDArray[np.float64]

    @property
    def item_count(self) -> int:
        """Number of different items."""
        return int(self.items.max()) + 1

    def in_order(self, chosen: Indices) -> Indices:
        """Return the chosen entries by time, those of one moment as in the file."""
        return chosen[np.lexsort((chosen, self.at_ms[chosen]))]


class FileFormatError(Exception):
    """The file is not an interaction file; the message says where and what was expected. Said at the terminal."""


def read_interactions(path: Path) -> Interactions:
    """Return the interactions in the file; what a rating is for is up to the measurement."""
    users: list[str] = []
    items: list[str] = []
    times: list[int] = []
    ratings: list[float] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            fields = line.rstrip("\n").split("\t")
            try:
                user, item, at = fields[:3]
                times.append(round(float(at) * 1000))
            except ValueError:
                raise FileFormatError(
                    f"{path}:{number}: expected user, item, timestamp [, rating], tab-separated"
                ) from None
            users.append(user)
            items.append(item)
            ratings.append(_rating(fields[3:]))
    if not times:
        raise FileFormatError(f"{path} is empty")
    return Interactions(_numbered(users), _numbered(items), np.array(times, dtype=np.int64), np.array(ratings))


def _rating(fields: list[str]) -> float:
    try:
        return float(fields[0])
    except (IndexError, ValueError):
        return math.nan


def _numbered(names: list[str]) -> Indices:
    # Numbers sort as numbers: splits that draw by user then are those of other tools on the same data.
    keys = np.array([int(name) for name in names]) if all(name.isdecimal() for name in names) else np.array(names)
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)
