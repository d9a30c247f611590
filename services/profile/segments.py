"""Wish segments: who wishes for some topics, strongly and lately enough. Rules are a brand's configuration.

Time alone only ends a membership, since wishes only fade: so it has one moment at which it ends, known when the traits
are, and nothing has to be looked through until then.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from kit.packs import Pack, PackError, load
from services.profile.decay import DAY_MS, SLOW_MS
from services.profile.domain import Interaction, Kind, Persona
from services.profile.traits import ENDS, Traits, Wished
from services.profile.wanting import standing, strength_of, taken_back_at
from services.profile.weights import Weights

MOST_SEGMENTS = 64
_UNSURE_MS = 2
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")

_Topic = Annotated[str, Meta(min_length=1, max_length=256)]


class Segment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is in it: wishes for any of these topics or items, added up, and the newest evidence of them."""

    topics: Annotated[tuple[_Topic, ...], Meta(min_length=1, max_length=32)]
    #: In units of one entry on a wish list, which halves in 180 days.
    least_strength: Annotated[float, Meta(gt=0, le=1000)]
    newest_within_days: Annotated[float, Meta(gt=0, le=3650)]

    def holds(self, evidence: Sequence[Wished], at_ms: int) -> bool:
        """Tell whether evidence of its topics is strong and new enough."""
        if not evidence:
            return False
        newest = max(each.at for each in evidence)
        return at_ms - newest <= self._within_ms and strength_of(evidence, at_ms) >= self.least_strength

    def ends_at_ms(self, evidence: Sequence[Wished], at_ms: int) -> int | None:
        """Return the first moment at which it does not hold any more, without new evidence; None when it does not now.

        Halving finds it by the rule itself, so that a timer and who looks anew agree to the millisecond.
        """
        if not self.holds(evidence, at_ms):
            return None
        newest = max(each.at for each in evidence)
        holds_ms, ended_ms = at_ms, newest + self._within_ms + 1
        if newest <= at_ms:
            # All of it fades already, so the moment is known but for the last bits of a float.
            faded_ms = at_ms + int(SLOW_MS * math.log2(strength_of(evidence, at_ms) / self.least_strength))
            holds_ms = max(holds_ms, min(faded_ms, ended_ms) - _UNSURE_MS)
            ended_ms = min(ended_ms, faded_ms + _UNSURE_MS)
        while ended_ms - holds_ms > 1:
            middle = (holds_ms + ended_ms) // 2
            if self.holds(evidence, middle):
                holds_ms = middle
            else:
                ended_ms = middle
        return ended_ms

    @property
    def _within_ms(self) -> int:
        return int(self.newest_within_days * DAY_MS)


class SegmentsPack(Pack, frozen=True):
    """The file."""

    #: Counts are told in steps of this, rounded down: fewer members are told as none.
    told_from: Annotated[int, Meta(ge=1, le=1_000_000)]
    segments: dict[str, Segment]


class Decided(NamedTuple):
    """One persona, the segments it is in, and when time ends each; it is in no others."""

    persona: Persona
    audience: str
    ends_at_ms: Mapping[str, int]


class Moved(NamedTuple):
    """How many entered or left one segment together. Nothing here says who."""

    segment: str
    has_entered: bool
    personas: int


Segments = Mapping[str, Segment]


@lru_cache(maxsize=4)
def load_segments(path: Path) -> SegmentsPack:
    """Return a brand's segments; raises PackError that names the field and the limit."""
    pack = load(path, SegmentsPack)
    if len(pack.segments) > MOST_SEGMENTS:
        raise PackError(f"{path}: segments: there are {len(pack.segments)}, at most {MOST_SEGMENTS} are possible")
    for name in pack.segments:
        if not _NAME.fullmatch(name):
            raise PackError(f"{path}: segments: a name is 1 to 64 characters of [a-z0-9-] and begins with a letter")
    return pack


def may_tell(interactions: Iterable[Interaction], weights: Weights) -> bool:
    """Tell whether interactions can change what is wished at all: most cannot, and then no facet is opened for them."""
    return any(each.kind in ENDS or each.kind == Kind.CORRECTED or weights[each.kind].wish > 0 for each in interactions)


def memberships(segments: Segments, traits: Traits, at_ms: int) -> dict[str, int]:
    """Return the segments that these traits make a member of, and when time ends each."""
    evidence, taken_back = standing(traits), taken_back_at(traits)
    found = {
        name: segment.ends_at_ms([each for each in evidence if _speaks(each, segment, taken_back)], at_ms)
        for name, segment in segments.items()
    }
    return {name: ends_at_ms for name, ends_at_ms in found.items() if ends_at_ms is not None}


def _speaks(each: Wished, segment: Segment, taken_back: Mapping[str, int]) -> bool:
    return any(topic in segment.topics and each.at > taken_back.get(topic, -1) for topic in (each.ref, *each.topics))
