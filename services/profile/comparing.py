"""What a replay tells: sums over personas, of which none is told that stands for fewer than k."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from services.profile.domain import Persona
from services.profile.traits import Traits, encode
from services.profile.views import View, view

#: Sums over fewer personas are not told.
LEAST_PERSONAS = 20
_MOST_NAMES = 100
_NAMED = ("likes", "dislikes", "wishes", "kinds")
_DIGEST_CHARACTERS = 12


class Difference(NamedTuple):
    """Where recomputed and live differ first: the shard, a digest of the facet's pid, and the parts of its traits."""

    shard: int
    facet: str
    parts: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """Sums that add up in any order, so that shards may be replayed anywhere."""

    personas: int = 0
    facets: int = 0
    interactions: int = 0
    folded: int = 0
    #: Facets whose consent of today, or whose key, keeps them from being read.
    withheld: int = 0
    #: Facets whose bytes do not open.
    unreadable: int = 0
    matching: int = 0
    differing: int = 0
    first: Difference | None = None
    #: By aspect of the view: personas whose view changed; "facets" are those whose traits changed.
    changed: Counter[str] = field(default_factory=Counter)
    gained: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        for name in ("personas", "facets", "interactions", "folded", "withheld", "unreadable", "matching", "differing"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        # A Counter's own + forgets what is nought, which is nothing here.
        self.changed.update(other.changed)
        self.gained.update(other.gained)
        self.lost.update(other.lost)
        self.first = min(filter(None, (self.first, other.first)), default=None)

    def check(self, persona: Persona, live: Traits | None, recomputed: Traits) -> None:
        """Compare a facet as it lies there with what its history makes, bit for bit."""
        parts = ("facet",) if live is None else tuple(_differing(live, recomputed))
        if not parts:
            self.matching += 1
            return
        self.differing += 1
        found = Difference(persona.shard, sha256(persona.pid).hexdigest()[:_DIGEST_CHARACTERS], parts)
        self.first = min(filter(None, (self.first, found)))

    def compare(self, live: Traits, candidate: Traits, at_ms: int) -> None:
        """Compare what one persona shows under both packs."""
        before, after = _aspects(view(live, at_ms)), _aspects(view(candidate, at_ms))
        different = [aspect for aspect in before if before[aspect] != after[aspect]]
        self.changed.update(different)
        self.changed["any"] += bool(different)
        for aspect in different:
            if aspect in _NAMED:
                self.gained.update((aspect, name) for name in after[aspect] - before[aspect])
                self.lost.update((aspect, name) for name in before[aspect] - after[aspect])


def told(tally: Tally, *, is_whole: bool, least: int = LEAST_PERSONAS) -> dict[str, Any]:
    """Return what may be told of the sums; None stands for 1 to `least` - 1 personas, and for what is theirs alone."""
    is_many = tally.personas >= least or not tally.personas
    changed = {aspect: tally.changed[aspect] for aspect in ("any", *_aspects(View()))}
    return {
        "personas": _enough(tally.personas, least),
        "facets": _enough(tally.facets, least),
        "interactions": tally.interactions if is_many else None,
        "folded": tally.folded if is_many else None,
        "withheld": _enough(tally.withheld, least),
        "unreadable": tally.unreadable,
        "check": _check_told(tally) if is_whole else None,
        "facets_changed": _enough(tally.changed["facets"], least),
        "changed": {aspect: _enough(count, least) for aspect, count in changed.items()},
        "gained": _names(tally.gained, least),
        "lost": _names(tally.lost, least),
        "least_personas": least,
    }


def _check_told(tally: Tally) -> dict[str, Any]:
    first = None if tally.first is None else tally.first._asdict()
    return {"matching": tally.matching, "differing": tally.differing, "first_difference": first}


def _names(counts: Counter[tuple[str, str]], least: int) -> dict[str, dict[str, int]]:
    ranked = sorted((-count, name, aspect) for (aspect, name), count in counts.items() if count >= least)
    found: dict[str, dict[str, int]] = {aspect: {} for aspect in _NAMED}
    for negative, name, aspect in ranked:
        if len(found[aspect]) < _MOST_NAMES:
            found[aspect][name] = -negative
    return found


def _enough(count: int, least: int) -> int | None:
    return count if count >= least or not count else None


def _differing(live: Traits, recomputed: Traits) -> Iterator[str]:
    if encode(live) == encode(recomputed):
        return
    for name in Traits.__struct_fields__:
        # Alone in otherwise empty traits each part has one form in bytes; NaN or a sign would fool a comparison.
        if encode(Traits(**{name: getattr(live, name)})) != encode(Traits(**{name: getattr(recomputed, name)})):
            yield name


def _aspects(seen: View) -> dict[str, frozenset[str]]:
    return {
        "likes": frozenset(seen.likes),
        "dislikes": frozenset(seen.dislikes),
        "wishes": frozenset(wish.ref for wish in seen.wishes),
        "kinds": frozenset(f"{kind}>={count}" for kind, count in seen.kinds),
        "channels": frozenset(f"{place} {name}" for place, name in enumerate(seen.channels)),
        "day_part": frozenset((seen.day_part,)),
        "recency": frozenset((str(seen.recency_periods),)),
    }
