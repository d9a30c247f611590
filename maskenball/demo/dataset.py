"""Fetches MovieLens 100k, which lies inside a wheel, and reads it as visits to a shop."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kit.errors import UnavailableError

_REQUIREMENT = Path(__file__).parents[2] / "requirements" / "demo-data.txt"
_INSIDE = "recbole/dataset_example/ml-100k/"


@dataclass(frozen=True, slots=True)
class Film:
    """One thing the shop offers."""

    item: str
    title: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """One visitor's judgement; `at` is seconds since 1970 UTC, `stars` 1 to 5."""

    visitor: str
    item: str
    stars: float
    at: float


@dataclass(frozen=True, slots=True)
class Dataset:
    """All films by id, all ratings in the order they were given."""

    films: dict[str, Film]
    ratings: list[Rating]


def fetch(cache: Path) -> Dataset:
    """Return the data set, downloaded into `cache` the first time; UnavailableError says how to mend a failed try."""
    wheels = sorted(cache.glob("recbole-*.whl")) or [_download(cache)]
    with zipfile.ZipFile(wheels[0]) as wheel:
        films = {film.item: film for film in _films(_rows(wheel, "ml-100k.item"))}
        ratings = sorted(_ratings(_rows(wheel, "ml-100k.inter")), key=lambda rating: rating.at)
    return Dataset(films, ratings)


def _download(cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    outcome = subprocess.run(  # noqa: S603 - a fixed command line
        [*command, "--require-hashes", "--dest", str(cache), "--requirement", str(_REQUIREMENT)],
        check=False,
        capture_output=True,
    )
    wheels = sorted(cache.glob("recbole-*.whl"))
    if outcome.returncode or not wheels:
        by_hand = f"pip download -d {cache} -r {_REQUIREMENT.relative_to(_REQUIREMENT.parents[1])}"
        raise UnavailableError(f"MovieLens 100k could not be downloaded. Where there is a network, run: {by_hand}")
    return wheels[0]


def _rows(wheel: zipfile.ZipFile, name: str) -> Iterator[list[str]]:
    lines = wheel.read(_INSIDE + name).decode("utf-8").splitlines()
    return (line.split("\t") for line in lines[1:])


def _films(rows: Iterator[list[str]]) -> Iterator[Film]:
    for item, title, year, genres in rows:
        yield Film(item, f"{title} ({year})" if year else title, tuple(genre.lower() for genre in genres.split()[:5]))


def _ratings(rows: Iterator[list[str]]) -> Iterator[Rating]:
    for visitor, item, stars, at in rows:
        yield Rating(visitor, item, float(stars), float(at))
