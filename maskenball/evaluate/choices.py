"""Reads choices: comma-separated lines with a header, one line for each alternative of each question.

    persona,task,alternative,chosen,<attribute>,...

`persona`, `task` and `alternative` are names; lines of one task stand together, and tasks in the order they were asked.
`chosen` is 1 for one alternative of each task and 0 for the others. Attributes are numbers, or words: each word but the
first in the alphabet becomes a number of its own, 1 where it stands. An empty attribute is 0, as of "none of these".
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.errors import Status, TypedError
from wishes.answers import Answer, Floats

_NAMED = ("persona", "task", "alternative", "chosen")
MOST_COLUMNS = 64
MOST_ALTERNATIVES = 64
_MOST_LINES = 2_000_000
_CHOSEN = {"0": False, "1": True}


class ChoicesFormatError(TypedError):
    """The file is not of the form that is read. Names the line, the field and the limit, never what it holds."""

    reason = "CHOICES_UNREADABLE"
    status = Status.INVALID


class Choices(NamedTuple):
    """Answers by persona in the order they were given, and what the columns of their questions are."""

    personas: dict[str, list[Answer]]
    columns: tuple[str, ...]


class _Line(NamedTuple):
    number: int
    cells: Mapping[str, str]

    @property
    def asked(self) -> tuple[str, str]:
        return self.cells["persona"], self.cells["task"]


def read_choices(path: Path) -> Choices:
    """Return the choices of a file; raises ChoicesFormatError and OSError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            lines = list(_lines(csv.reader(opened, strict=True)))
    except (csv.Error, UnicodeDecodeError):
        raise ChoicesFormatError("the file is no comma-separated text in UTF-8") from None
    if not lines:
        raise ChoicesFormatError("there is no choice in the file")
    attributes = [name for name in lines[0].cells if name not in _NAMED]
    columns, rows = _numbered(attributes, lines)
    personas: dict[str, list[Answer]] = {}
    asked: set[tuple[str, str]] = set()
    for question, group in groupby(zip(lines, rows, strict=True), key=lambda pair: pair[0].asked):
        told = list(group)
        first = told[0][0].number
        if question in asked:
            raise ChoicesFormatError(f"line {first}: task stands in two places of the file")
        asked.add(question)
        personas.setdefault(question[0], []).append(_answer([line for line, _ in told], [row for _, row in told]))
    return Choices(personas, columns)


def _lines(cells: Iterable[Sequence[str]]) -> Iterable[_Line]:
    header: Sequence[str] = ()
    for number, row in enumerate(cells, 1):
        if number > _MOST_LINES:
            raise ChoicesFormatError(f"line {number}: at most {_MOST_LINES} lines are read")
        if not header:
            header = _checked(row)
        elif len(row) != len(header):
            raise ChoicesFormatError(f"line {number}: it has {len(row)} fields, the header has {len(header)}")
        else:
            line = _Line(number, dict(zip(header, row, strict=True)))
            if line.cells["chosen"] not in _CHOSEN:
                raise ChoicesFormatError(f"line {number}: chosen is neither 0 nor 1")
            yield line


def _checked(header: Sequence[str]) -> Sequence[str]:
    if missing := [name for name in _NAMED if name not in header]:
        raise ChoicesFormatError(f"line 1: {', '.join(missing)} is missing from the header")
    if len(set(header)) < len(header):
        raise ChoicesFormatError("line 1: a field stands twice in the header")
    if len(header) == len(_NAMED):
        raise ChoicesFormatError("line 1: there is no attribute in the header")
    return header


def _numbered(attributes: Sequence[str], lines: Sequence[_Line]) -> tuple[tuple[str, ...], Floats]:
    columns: list[str] = []
    parts: list[Floats] = []
    for attribute in attributes:
        told = [line.cells[attribute] for line in lines]
        words = sorted({each for each in told if each and _number(each) is None})
        if words:
            levels = sorted({each for each in told if each})[1:]
            columns += [f"{attribute}={level}" for level in levels]
            parts += [np.array([each == level for each in told], dtype=float) for level in levels]
        else:
            columns.append(attribute)
            parts.append(np.array([_number(each) or 0.0 for each in told]))
        if len(columns) > MOST_COLUMNS:
            raise ChoicesFormatError(f"{attribute}: attributes make more than {MOST_COLUMNS} columns")
    rows = np.stack(parts, axis=1)
    # One part-worth of each column is worth about the same then, which is what a prior begins with.
    spread = rows.std(axis=0)
    return tuple(columns), rows / np.where(spread > 0, spread, 1.0)


def _number(told: str) -> float | None:
    try:
        number = float(told)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _answer(lines: Sequence[_Line], rows: Sequence[Floats]) -> Answer:
    first = lines[0].number
    if not 1 < len(lines) <= MOST_ALTERNATIVES:
        raise ChoicesFormatError(f"line {first}: task has {len(lines)} alternatives, 2 to {MOST_ALTERNATIVES} are read")
    if len({line.cells["alternative"] for line in lines}) < len(lines):
        raise ChoicesFormatError(f"line {first}: an alternative stands twice in its task")
    chosen = [place for place, line in enumerate(lines) if _CHOSEN[line.cells["chosen"]]]
    if len(chosen) != 1:
        raise ChoicesFormatError(f"line {first}: {len(chosen)} alternatives of the task are chosen, 1 is needed")
    return Answer(np.stack(rows), chosen[0])
