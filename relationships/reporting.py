"""What a brand may learn of itself: which relationships are wanted, how they change, what it costs to miss them.

Numbers are of many: cells of fewer than twenty personas are left out, with as many others as it takes to hide them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from relationships.pack import UNKNOWN, RelationshipPack
from relationships.quantifying import LEAST_CELL, Band, Floats, band_of, divergence, likelihood, resample, shares
from relationships.state import Action, Evidence, relationship

WINDOW_MS = 90 * 86_400_000
_REJECTED, _TAKEN = frozenset({"dismissed", "removed"}), frozenset({"tried", "bought"})
#: Newest outcomes of one persona that are looked at: each asks anew what was believed then.
_MOST_OUTCOMES = 8
# Personas; estimates of none are not quite none.
_NOBODY = 0.5


class Tries(NamedTuple):
    """Steps that somebody was offered and answered: how many were rejected, of how many."""

    rejected: int = 0
    answered: int = 0


class Summary(NamedTuple):
    """One persona: log-likelihoods by type of two windows, and answers by whether it was met as it wanted."""

    now: Floats | None
    before: Floats | None
    matched: Tries = Tries()
    missed: Tries = Tries()


class Rate(msgspec.Struct, frozen=True):
    """A share of answers that were rejections, with its 95 % interval, over so many personas."""

    rejected: Band
    personas: int


class Estimate(msgspec.Struct, frozen=True):
    """What was found of many, before it is compared with what a brand assumes."""

    pack: str
    names: tuple[str, ...]
    personas: int
    best: list[float]
    resampled: list[list[float]]
    #: From family to family, of those who wrote in both windows.
    moves: dict[str, dict[str, float]]
    movers: int
    matched: Rate | None
    missed: Rate | None


class Type(msgspec.Struct, frozen=True, omit_defaults=True):
    """One type: measured, assumed, and whether they can be told apart. Suppressed ones have no band."""

    type: str
    assumed: float
    #: "more" or "less" than assumed, "not_measurable" where the band covers that, "suppressed" where too few are meant.
    verdict: str
    measured: Band | None = None


class Report(msgspec.Struct, frozen=True):
    """What is told. Personas are told in tens, shares in whole percent."""

    pack: str
    personas: int
    types: tuple[Type, ...]
    distance: Band | None
    moves: dict[str, dict[str, float]]
    movers: int
    matched: Rate | None
    missed: Rate | None


def summary(
    pack: RelationshipPack, evidence: Sequence[Evidence], actions: Iterable[Action], at_ms: int
) -> Summary | None:
    """Return what a persona adds; None where it has said nothing for two windows."""
    since = at_ms - WINDOW_MS
    now = [each for each in evidence if since < each.at_ms <= at_ms]
    before = [each for each in evidence if since - WINDOW_MS < each.at_ms <= since]
    if not now and not before:
        return None
    matched, missed = _tries(pack, evidence, sorted(actions), at_ms)
    logs = [likelihood(pack, each) if each else None for each in (now, before)]
    return Summary(logs[0], logs[1], matched, missed)


def estimate(pack: RelationshipPack, personas: Sequence[Summary], seed: int) -> Estimate:
    """Return what is found of these personas. Takes a second for 20,000 of them."""
    names = tuple(pack.types)
    written = np.array([each.now for each in personas if each.now is not None]).reshape(-1, len(names))
    if len(written) < LEAST_CELL:
        return Estimate(_named(pack), names, 0, [], [], {}, 0, None, None)
    best = shares(written)
    resampled = shares(written, resample(len(written), seed))
    moves, movers = _moves(pack, best, personas)
    return Estimate(
        pack=_named(pack),
        names=names,
        personas=len(written),
        best=np.round(best, 4).tolist(),
        resampled=np.round(resampled, 4).tolist(),
        moves=moves,
        movers=movers,
        matched=_rate([each.matched for each in personas], seed),
        missed=_rate([each.missed for each in personas], seed),
    )


def report(found: Estimate, assumed: Mapping[str, float]) -> Report:
    """Return what is told, beside what the brand assumes of each type."""
    expected = np.array([assumed[name] for name in found.names])
    if not found.personas:
        types = tuple(Type(name, assumed[name], "suppressed") for name in found.names)
        return Report(found.pack, 0, types, None, {}, 0, None, None)
    resampled, best = np.array(found.resampled), np.array(found.best)
    told = told_of(dict(zip(found.names, found.best, strict=True)), found.personas)
    types = tuple(
        _type(name, assumed[name], band_of(best[place], resampled[:, place]) if name in told else None)
        for place, name in enumerate(found.names)
    )
    far = np.array([divergence(each / each.sum(), expected) for each in resampled])
    distance = _whole(band_of(divergence(best / best.sum(), expected), far))
    tens = found.personas // 10 * 10
    return Report(found.pack, tens, types, distance, found.moves, found.movers, found.matched, found.missed)


def told_of(parts: Mapping[str, float], personas: int) -> dict[str, float]:
    """Return the parts of a whole that are told. What is hidden is together nobody, or as many as a cell must be."""
    hidden: set[str] = set()
    count = 0.0
    for name, share in sorted(parts.items(), key=lambda each: (each[1], each[0])):
        if share * personas >= LEAST_CELL and (count < _NOBODY or count >= LEAST_CELL):
            break
        hidden.add(name)
        count += share * personas
    return {name: share for name, share in parts.items() if name not in hidden}


def _type(name: str, assumed: float, band: Band | None) -> Type:
    if band is None:
        return Type(name, assumed, "suppressed")
    if band.least <= assumed <= band.most:
        return Type(name, assumed, "not_measurable", _whole(band))
    return Type(name, assumed, "more" if band.share > assumed else "less", _whole(band))


def _tries(
    pack: RelationshipPack, evidence: Sequence[Evidence], actions: Sequence[Action], at_ms: int
) -> tuple[Tries, Tries]:
    measured = relationship(pack, evidence, at_ms, actions=actions).family
    matched, missed = Tries(), Tries()
    if measured == UNKNOWN:
        return matched, missed
    answered = [each for each in actions if each.kind in _REJECTED | _TAKEN and each.at_ms > at_ms - WINDOW_MS]
    for each in answered[-_MOST_OUTCOMES:]:
        # As whoever decided then could know it.
        heard = (one for one in evidence if one.at_ms < each.at_ms)
        done = (one for one in actions if one.at_ms < each.at_ms)
        served = relationship(pack, heard, each.at_ms, actions=done).family
        add = Tries(int(each.kind in _REJECTED), 1)
        if served == measured:
            matched = Tries(*map(sum, zip(matched, add, strict=True)))
        else:
            missed = Tries(*map(sum, zip(missed, add, strict=True)))
    return matched, missed


def _moves(
    pack: RelationshipPack, best: Floats, personas: Sequence[Summary]
) -> tuple[dict[str, dict[str, float]], int]:
    """Return how families changed into each other: joint shares of both windows, estimated as a whole."""
    families = sorted({each.family for each in pack.types.values()})
    both = [(each.before, each.now) for each in personas if each.before is not None and each.now is not None]
    if len(both) < LEAST_CELL:
        return {}, 0
    member = np.array([[each.family == family for family in families] for each in pack.types.values()], dtype=float)
    weighted = member * best[:, None] / np.maximum((member * best[:, None]).sum(axis=0), 1e-12)
    before, now = (np.exp(np.array([pair[side] for pair in both])) @ weighted for side in (0, 1))
    joint = np.log(np.maximum(before[:, :, None] * now[:, None, :], 1e-300)).reshape(len(both), -1)
    cells = {f"{old} {new}": 0.0 for old in families for new in families}
    cells = told_of(dict(zip(cells, shares(joint).tolist(), strict=True)), len(both))
    moves: dict[str, dict[str, float]] = {}
    for name, share in cells.items():
        old, new = name.split()
        moves.setdefault(old, {})[new] = round(share, 2)
    return moves, len(both) // 10 * 10


def _rate(tries: Sequence[Tries], seed: int) -> Rate | None:
    answered = np.array([each for each in tries if each.answered], dtype=float).reshape(-1, 2)
    if len(answered) < LEAST_CELL:
        return None
    rejected, of = (resample(len(answered), seed) @ answered).T
    best = answered[:, 0].sum() / answered[:, 1].sum()
    return Rate(_whole(band_of(best, rejected / of)), len(answered) // 10 * 10)


def _whole(band: Band) -> Band:
    return Band(round(band.share, 2), round(band.least, 2), round(band.most, 2))


def _named(pack: RelationshipPack) -> str:
    return f"{pack.id}/{pack.version}"
