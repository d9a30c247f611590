"""What goes with what, and is told: corrected for how much was asked, and of many alone.

False discoveries are held below a share of what is found (Benjamini and Hochberg 1995), and intervals are as wide as
it takes for those that were chosen for being found (Benjamini and Yekutieli 2005). What is asked is settled by totals
alone, which say nothing about whether type and trait go together. What is told has no cell of fewer than twenty, and
none can be worked out from the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from scipy.special import ndtri

from relationships.mining.counting import Counts, Places
from relationships.mining.effects import Effect, Pair, chance, cliffs_delta, cohens_d, cohens_h, odds_ratio
from relationships.quantifying import LEAST_CELL

FALSE_SHARE = 0.05


class Figure(msgspec.Struct, frozen=True):
    """The size of an effect, with an interval that holds for all but one in twenty of those that are told."""

    size: float
    least: float
    most: float


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A trait that goes with a type, or with all others where its figures are below what nothing is."""

    type: str
    trait: str
    #: "cohens_h" and "odds_ratio" of what is there or not, "cohens_d" and "cliffs_delta" of what there is more of.
    effects: Mapping[str, Figure]
    #: Who has it, of the type and of all others; of what is there or not.
    of_type: float | None = None
    of_others: float | None = None


class Findings(msgspec.Struct, frozen=True):
    """What was found: types that are many enough, how much was asked about them, and the answers that are no chance."""

    personas: int
    types: tuple[str, ...]
    asked: int
    found: tuple[Finding, ...]


class _Asked(NamedTuple):
    place: int
    trait: str
    pair: Pair
    chance: float


def find(counts: Counts, false_share: float = FALSE_SHARE) -> Findings:
    """Return what is told: the strongest of each type first. Personas are told in tens."""
    places = _told(counts.personas)
    asked = [each for place in places for each in _questions(counts, place)]
    kept = discovered([each.chance for each in asked], false_share)
    told = _many(counts, [asked[number] for number in kept])
    beyond = float(-ndtri(false_share * len(kept) / len(asked) / 2)) if kept else 0.0
    found = sorted((_finding(counts, each, beyond) for each in told), key=_strongest)
    names = tuple(counts.types[place] for place in places)
    return Findings(int(counts.personas.sum()) // 10 * 10 if places else 0, names, len(asked), tuple(found))


def discovered(chances: Sequence[float], false_share: float) -> list[int]:
    """Return which of them are no chance, if so many of those returned may be wrong."""
    order = np.argsort(chances, kind="stable")
    bars = false_share * np.arange(1, len(order) + 1) / max(1, len(order))
    passed = np.flatnonzero(np.asarray(chances)[order] <= bars)
    return sorted(order[: passed[-1] + 1].tolist()) if len(passed) else []


def _told(personas: Places) -> list[int]:
    """Return the types that are told of: those hidden are together nobody, or many."""
    order = [int(place) for place in np.argsort(personas, kind="stable") if personas[place]]
    hidden, told = 0, list(order)
    while told and (personas[told[0]] < LEAST_CELL or 0 < hidden < LEAST_CELL):
        hidden += int(personas[told.pop(0)])
    # With one type there are no others to compare it with.
    return sorted(told) if len(order) > 1 else []


def _questions(counts: Counts, place: int) -> Iterator[_Asked]:
    size, everybody = int(counts.personas[place]), int(counts.personas.sum())
    for trait, (values, table) in counts.traits.items():
        sums = table.sum(axis=1)
        # The smallest of the four cells, were type and trait independent.
        if min(size, everybody - size) * min(_halves(sums, _cut(sums))) < LEAST_CELL * everybody:
            continue
        one = table[:, place].astype(np.float64)
        pair = Pair(values.astype(np.float64), one, sums - one)
        yield _Asked(place, trait, pair, chance(pair))


def _cut(sums: Places) -> int:
    """Return where values are cut into less and more: as evenly as can be."""
    return 1 + int(np.argmax(np.minimum(np.cumsum(sums), sums.sum() - np.cumsum(sums))))


def _halves(sums: Places, cut: int) -> tuple[int, int]:
    return int(sums[:cut].sum()), int(sums[cut:].sum())


def _many(counts: Counts, found: list[_Asked]) -> list[_Asked]:
    """Return those whose cells are of many, and leave many to the types of which the same trait is not told."""
    told = []
    for trait in dict.fromkeys(each.trait for each in found):
        table = counts.traits[trait][1]
        cut = _cut(table.sum(axis=1))
        cells = np.array([_halves(column, cut) for column in table.T])
        of_trait = [each for each in found if each.trait == trait]
        others = cells.sum(axis=0)
        of_trait = [each for each in of_trait if min(*cells[each.place], *(others - cells[each.place])) >= LEAST_CELL]
        while of_trait and _rest_is_few(cells, [each.place for each in of_trait]):
            of_trait.remove(min(of_trait, key=lambda each: int(cells[each.place].min())))
        told += of_trait
    return told


def _rest_is_few(cells: Places, told: list[int]) -> bool:
    rest = np.delete(cells, told, axis=0).sum(axis=0)
    return bool(rest.sum()) and int(rest.min()) < LEAST_CELL


def _finding(counts: Counts, asked: _Asked, beyond: float) -> Finding:
    pair, name = asked.pair, counts.types[asked.place]
    if len(pair.values) > 2 or pair.values[-1] > 1:  # noqa: PLR2004  # more than to be there or not
        ordered = {"cohens_d": cohens_d(pair, beyond), "cliffs_delta": cliffs_delta(pair, beyond)}
        return Finding(name, asked.trait, _figures(ordered))
    there = {"cohens_h": cohens_h(pair, beyond), "odds_ratio": odds_ratio(pair, beyond)}
    one, other = pair.shares
    return Finding(name, asked.trait, _figures(there), round(one, 2), round(other, 2))


def _figures(effects: Mapping[str, Effect]) -> dict[str, Figure]:
    return {name: Figure(*(round(each, 2) for each in effect)) for name, effect in effects.items()}


def _strongest(finding: Finding) -> tuple[str, float, str]:
    first = next(iter(finding.effects.values()))
    return finding.type, -abs(first.size), finding.trait
