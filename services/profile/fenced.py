"""Answers whether a purpose is allowed: from memory while the fence allows it, else from the truth."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kit.fence import FencedCache, Scope
from services.profile.clients import ConsentClient
from services.profile.domain import Decision, Masks, Persona


@dataclass(frozen=True, slots=True)
class Kept:
    """What the truth said about one purpose towards one audience; a decision in full only where that was asked for."""

    is_allowed: bool
    holds_until_ms: int
    decision: Decision | None = None

    def holds(self, now_ms: int) -> bool:
        """Tell whether time has not overtaken it."""
        return not self.holds_until_ms or now_ms < self.holds_until_ms


#: By audience and purpose.
Cache = FencedCache[tuple[str, str], Kept]


class Decisions:
    """What is allowed at this moment. Denials are kept like consents: a grant, too, waits until every reader knows."""

    def __init__(self, truth: ConsentClient, cache: Cache, now_ms: Callable[[], int]) -> None:
        self._truth = truth
        self._cache = cache
        self._now_ms = now_ms

    async def check(self, persona: Persona, audience: str, purposes: Sequence[str]) -> list[Decision]:
        """Return one decision per purpose, in the order asked."""
        kept = self.held(persona, audience, purposes)
        if kept is not None:
            return kept
        decisions = await self._truth.check(persona, audience, purposes)
        self.remember(persona, audience, decisions)
        return decisions

    def held(self, persona: Persona, audience: str, purposes: Sequence[str]) -> list[Decision] | None:
        """Return what memory says now, under the lease, of all of these purposes; None when it does not."""
        held = self._cache.get((persona.brand, persona.shard), persona.pid)
        kept = list(self._decided(held, audience, purposes)) if held is not None else []
        return kept if len(kept) == len(purposes) else None

    @property
    def moment(self) -> int | None:
        """What to note before reading what hangs on decisions; None while changes are not heard of."""
        return self._cache.moment

    def stood_still(self, persona: Persona, since: int | None) -> bool:
        """Tell whether it is known that nothing changed in a persona's shard since a moment.

        Of the persona's shard: that of the id it was found by may be another one.
        """
        return self._cache.stood_still(_scope(persona), since)

    def remember(self, persona: Persona, audience: str, decisions: Sequence[Decision]) -> None:
        """Keep what the truth has decided, all of it at one sequence."""
        found = {(audience, each.purpose): Kept(each.is_allowed, each.holds_until_ms, each) for each in decisions}
        self._cache.put(_scope(persona), persona.pid, decisions[0].sequence, found)

    def read_at(self, persona: Persona, audience: str, decisions: Sequence[Decision]) -> int:
        """Return the latest sequence of the persona's shard at which these are known to hold."""
        if self.held(persona, audience, [each.purpose for each in decisions]) == decisions:
            # No change up to here has named the persona, or nothing would be held.
            return self._cache.reached(_scope(persona))
        return min(each.sequence for each in decisions)

    async def check_many(self, audience: str, purposes: Sequence[str], personas: Sequence[Persona]) -> list[int]:
        """Return one mask per persona of one brand: bit i says whether purposes[i] is allowed."""
        bits = [((audience, purpose), 1 << place) for place, purpose in enumerate(purposes)]
        now_ms = self._now_ms()
        masks = [_mask(self._cache.get((each.brand, each.shard), each.pid), bits, now_ms) for each in personas]
        missing = [place for place, mask in enumerate(masks) if mask is None]
        if missing:
            asked = [personas[place] for place in missing]
            found = await self._truth.check_many(asked[0].brand, audience, purposes, asked)
            for place, mask in zip(missing, self._keep(found, asked, bits), strict=True):
                masks[place] = mask
        return [mask or 0 for mask in masks]

    def _decided(
        self, held: Mapping[tuple[str, str], Kept], audience: str, purposes: Sequence[str]
    ) -> Iterator[Decision]:
        now_ms = self._now_ms()
        for purpose in purposes:
            kept = held.get((audience, purpose))
            if kept is None or kept.decision is None or not kept.holds(now_ms):
                return
            yield kept.decision

    def _keep(self, masks: Masks, personas: Sequence[Persona], bits: list[tuple[tuple[str, str], int]]) -> list[int]:
        if not masks.heads:
            # From a consent service that does not say under which sequence it read.
            return masks.allowed
        # Of the few combinations of answers each is kept once.
        same: dict[tuple[int, int], dict[tuple[str, str], Kept]] = {}
        for persona, allowed, until_ms in zip(personas, masks.allowed, masks.holds_until_ms, strict=True):
            fields = same.get((allowed, until_ms))
            if fields is None:
                fields = {field: Kept(bool(allowed & bit), until_ms) for field, bit in bits}
                same[allowed, until_ms] = fields
            self._cache.put(_scope(persona), persona.pid, masks.heads.get(persona.shard, 0), fields)
        return masks.allowed


def _scope(persona: Persona) -> Scope:
    return Scope(persona.brand, persona.shard)


def _mask(
    held: Mapping[tuple[str, str], Kept] | None, bits: list[tuple[tuple[str, str], int]], now_ms: int
) -> int | None:
    if held is None:
        return None
    mask = 0
    for field, bit in bits:
        kept = held.get(field)
        if kept is None or not kept.holds(now_ms):
            return None
        if kept.is_allowed:
            mask |= bit
    return mask
