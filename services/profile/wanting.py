"""Wishes as they stand: evidence, strength and age, derived while reading."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from services.profile.decay import SLOW_MS
from services.profile.domain import KIND_NAMES
from services.profile.traits import ENDS, THOUSAND, Traits, Wished

#: What a person says of a topic or an item up to here is no liking, and takes wishes back.
NEITHER = THOUSAND // 2


@dataclass(frozen=True, slots=True)
class Want:
    """What is wished: how strongly, in units of one entry on a wish list, since the last evidence at `newest_at`."""

    ref: str
    strength: float
    newest_at: int
    #: Strength by kind of evidence, strongest first.
    evidence: tuple[tuple[str, float], ...]


def standing(traits: Traits) -> list[Wished]:
    """Return the evidence of wishes that have not ended: time alone makes it weaker and never stronger."""
    ended = _latest((each.ref, each.at) for each in traits.wishes if not each.weight)
    for at, item in ((met.at, met.item) for met in traits.last if met.kind in ENDS and met.item):
        # Facets of before ends were kept among wishes.
        ended[item] = max(at, ended.get(item, at))
    newest = _latest((each.ref, each.at) for each in traits.wishes if each.weight)
    taken_back = taken_back_at(traits)
    return [
        each
        for each in traits.wishes
        if each.weight and newest[each.ref] > ended.get(each.ref, -1) and each.at > taken_back.get(each.ref, -1)
    ]


def taken_back_at(traits: Traits) -> dict[str, int]:
    """Return what the person does not like by their own word, and since when."""
    return {each.ref: each.at for each in traits.stated if each.value <= NEITHER}


def strength_of(evidence: Iterable[Wished], at_ms: int) -> float:
    """Return what is left of evidence, in units of one entry on a wish list."""
    return float(sum(each.weight / THOUSAND * 2.0 ** (-max(0, at_ms - each.at) / SLOW_MS) for each in evidence))


def wants(traits: Traits, at_ms: int) -> list[Want]:
    """Return all that is wished, items and topics of their own, the strongest first."""
    by_ref: defaultdict[str, list[Wished]] = defaultdict(list)
    for each in standing(traits):
        by_ref[each.ref].append(each)
    found = [_want(ref, evidence, at_ms) for ref, evidence in by_ref.items()]
    return sorted(found, key=lambda want: (-want.strength, want.ref))


def _want(ref: str, evidence: list[Wished], at_ms: int) -> Want:
    by_kind: defaultdict[int, list[Wished]] = defaultdict(list)
    for each in evidence:
        by_kind[each.kind].append(each)
    strengths = {kind: strength_of(pieces, at_ms) for kind, pieces in by_kind.items()}
    ordered = sorted(strengths, key=lambda kind: (-strengths[kind], kind))
    told = tuple((KIND_NAMES[kind], strengths[kind]) for kind in ordered)
    return Want(ref, sum(strengths.values()), max(each.at for each in evidence), told)


def _latest(told: Iterable[tuple[str, int]]) -> dict[str, int]:
    latest: dict[str, int] = {}
    for ref, at in told:
        latest[ref] = max(at, latest.get(ref, at))
    return latest
