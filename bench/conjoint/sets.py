"""Two sets of real choices out of Debian's `r-cran-bayesm`, in the form that `maskenball evaluate wishes` reads.

`camera`: 332 people, 16 questions each of four cameras or none. `bank`: 946 people, 14 to 17 questions each of two
credit cards; the data tell how the first differs from the second.
"""

import csv
import hashlib
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.conjoint.rdata import Vector, load

PACKAGE = "r-cran-bayesm"
_DATA = "usr/lib/R/site-library/bayesm/data"
#: The data are the same in every build of the package.
_SHA256 = {
    "camera.RData": "19fe395c988930b87c4951bb50e498209f85a6e5e707b9ee322c4139e5c5ea86",
    "bank.rda": "dd5c0f20f59b22918d6d74fe90333124eb802d8fc8286cd6b17a78ce65de7d22",
}
_HEAD = ("persona", "task", "alternative", "chosen")
_CAMERAS = 5


def fetch(folder: Path) -> dict[str, Path]:
    """Return the sets by name; what is not in the folder yet is taken out of the package, which apt downloads."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / _DATA
    if not data.exists():
        # As root apt would sign in as another user, who may not write here.
        plain = ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()
        subprocess.run(["apt-get", *plain, "download", PACKAGE], cwd=folder, check=True)  # noqa: S603, S607
        package = next(folder.glob(f"{PACKAGE}_*.deb"))
        subprocess.run(["dpkg-deb", "--extract", package.name, "."], cwd=folder, check=True)  # noqa: S603, S607
    for name, digest in _SHA256.items():
        if hashlib.sha256((data / name).read_bytes()).hexdigest() != digest:
            raise ValueError(f"{name} of {PACKAGE} is not the one whose figures are known")
    written = {"camera": folder / "camera.csv", "bank": folder / "bank.csv"}
    _write(written["camera"], *_camera(load(data / "camera.RData")["camera"]))
    _write(written["bank"], *_bank(load(data / "bank.rda")["bank"]))
    return written


def _camera(people: Vector) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    first = people.values[0].values[1]
    names = first.attributes["dimnames"].values[1].values
    return names, (line for number, person in enumerate(people.values) for line in _of_person(number, person))


def _of_person(number: int, person: Vector) -> Iterable[Sequence[Any]]:
    chosen, told = person.values
    rows = told.values.reshape(-1, len(chosen.values) * _CAMERAS).T
    for place, row in enumerate(rows):
        task, alternative = divmod(place, _CAMERAS)
        yield number, task, alternative, int(chosen.values[task] == alternative + 1), *row


def _bank(bank: Vector) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    table = bank.values[bank.names.index("choiceAtt")]
    person, chosen, *attributes = table.values
    return table.names[2:], _pairs(person.values, chosen.values, [each.values for each in attributes])


def _pairs(people: Any, chosen: Any, attributes: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for task, (person, first, *row) in enumerate(zip(people, chosen, *attributes, strict=True)):
        yield int(person), task, 0, int(first), *row
        yield int(person), task, 1, 1 - int(first), *([0] * len(row))


def _write(path: Path, attributes: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow([*_HEAD, *attributes])
        writer.writerows(lines)
