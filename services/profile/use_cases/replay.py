"""Folds what is stored once more, beside the live state and without touching it: read-only, page by page."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kit.db import Database, raw
from kit.keyring import KeyMissingError, KeyRing
from kit.sealing import SealingKey, UnsealableError
from services.profile import sealed
from services.profile.clients import ConsentClient
from services.profile.comparing import Tally
from services.profile.domain import COLLECT, Bound, Persona
from services.profile.replaying import Refolded, Trial
from services.profile.repository import facets, histories, links
from services.profile.repository.histories import Kept
from services.profile.tails import Tailed, whole
from services.profile.traits import Traits, encode, merge

# With what is linked to them these are in memory at once.
_PAGE = 64
_ALLOWED = 1


@dataclass(frozen=True, slots=True)
class Sources:
    """What a replay reads."""

    profile: Database
    vault: Database
    keyring: KeyRing
    consent: ConsentClient


@dataclass(slots=True)
class _Facet:
    """A facet that may be read, and what was found of it."""

    bound: Bound
    key: SealingKey
    refolded: Refolded
    live: Traits | None = None
    is_sound: bool = True

    @property
    def persona(self) -> Persona:
        return self.bound.persona


#: Facets by pid, as far as they may be read.
_Readable = dict[bytes, _Facet]


async def replay(
    sources: Sources, brand: str, shards: Iterable[int], trial: Trial, on_shard: Callable[[], None]
) -> Tally:
    """Replay these shards and return the sums.

    Consent is asked of the truth for each page before anything of it is fetched. Every page sees one moment of the
    database, so that what is folded meanwhile never looks like a difference.
    """
    whole = Tally()
    for shard in shards:
        tally, after = Tally(), b""
        while page := await _page(sources, brand, shard, after):
            await _Page(sources, trial, tally).replay(page)
            after = page[-1].bound.persona.pid
        whole.add(tally)
        on_shard()
    return whole


async def _page(sources: Sources, brand: str, shard: int, after: bytes) -> list[Kept]:
    async with histories.snapshot(sources.vault) as connection:
        return await histories.page(connection, brand, shard, after, _PAGE)


class _Page:
    """One page of facets, with the circles of which it holds the head."""

    def __init__(self, sources: Sources, trial: Trial, tally: Tally) -> None:
        self._sources = sources
        self._trial = trial
        self._tally = tally
        self._keys = sealed.DataKeys(sources.keyring)

    async def replay(self, page: Sequence[Kept]) -> None:
        own = await self._readable(page)
        self._tally.withheld += len(page) - len(own)
        circles = await self._circles([each for each in page if each.is_linked])
        others = await self._readable([kept for circle in circles.values() for kept in circle if not _in(kept, own)])
        await self._refold([*own.values(), *others.values()])
        for facet in own.values():
            self._count(facet)
        for each in page:
            # A circle is one persona, and compared where its head is; it may be that the head alone refuses.
            together = [] if each.is_linked else [each]
            await self._compare([*circles.get(each.bound.persona.pid, together)], own | others)

    async def _readable(self, asked: Sequence[Kept]) -> _Readable:
        """Return those that allow it today and whose key is there."""
        by_audience: dict[str, list[Kept]] = {}
        for each in asked:
            if each.audience is not None:
                by_audience.setdefault(each.audience, []).append(each)
        answers = await asyncio.gather(*(self._allowed(*each) for each in by_audience.items()))
        found: _Readable = {}
        for bound in (each.bound for answer in answers for each in answer):
            try:
                found[bound.persona.pid] = _Facet(bound, self._keys.of(bound), Refolded())
            except KeyMissingError:
                continue
        return found

    async def _allowed(self, audience: str, asked: Sequence[Kept]) -> list[Kept]:
        personas = [each.bound.persona for each in asked]
        masks = await self._sources.consent.check_many(personas[0].brand, audience, [COLLECT], personas)
        return [each for each, mask in zip(asked, masks.allowed, strict=True) if mask & _ALLOWED]

    async def _circles(self, linked: Sequence[Kept]) -> dict[bytes, list[Kept]]:
        """Return the circles whose head is among these, by the head's pid, head first."""
        circles = {}
        async with self._sources.vault.reading() as reading:
            connection = await raw(reading)
            for head in linked:
                persona = head.bound.persona
                others = await links.linked(connection, persona)
                least = min((_place(each.persona) for each in others), default=_place(persona))
                if _place(persona) <= least:
                    circles[persona.pid] = [head, *(Kept(each, head.audience, is_linked=True) for each in others)]
        return circles

    async def _refold(self, found: Sequence[_Facet]) -> None:
        if not found:
            return
        brand, personas = found[0].persona.brand, [facet.persona for facet in found]
        async with histories.snapshot(self._sources.profile) as connection:
            lying = await facets.load(connection, brand, personas) if self._trial.window.is_whole else {}
            async for place, block_id, body in histories.blocks(connection, brand, personas):
                self._add(found[place], block_id, body)
        for facet in found:
            facet.refolded.settle(self._trial)
            self._open(facet, lying.get(facet.persona.pid))

    def _add(self, facet: _Facet, block_id: bytes, body: bytes) -> None:
        try:
            facet.refolded.add(sealed.open_block(facet.key, facet.persona, block_id, body), self._trial)
        except UnsealableError:
            facet.is_sound = False

    def _open(self, facet: _Facet, lying: Tailed | None) -> None:
        if lying is not None:
            try:
                facet.live = whole(facet.key, facet.persona, lying, self._trial.weights)
            except UnsealableError:
                facet.is_sound = False

    def _count(self, facet: _Facet) -> None:
        tally, refolded = self._tally, facet.refolded
        if not facet.is_sound:
            tally.unreadable += 1
            return
        tally.interactions += refolded.interactions
        tally.folded += refolded.folded
        if self._trial.window.is_whole and (refolded.interactions or facet.live is not None):
            tally.check(facet.persona, facet.live, refolded.live)
        if refolded.folded:
            tally.facets += 1
            if self._trial.candidate is not None:
                tally.changed["facets"] += encode(refolded.live) != encode(refolded.candidate)

    async def _compare(self, circle: Sequence[Kept], readable: _Readable) -> None:
        found = [readable[each.bound.persona.pid] for each in circle if _in(each, readable)]
        folds = [facet.refolded for facet in found if facet.is_sound and facet.refolded.folded]
        if not folds:
            return
        self._tally.personas += 1
        if self._trial.candidate is not None:
            live, candidate = folds[0].live, folds[0].candidate
            for other in folds[1:]:
                live, candidate = merge(live, other.live), merge(candidate, other.candidate)
            self._tally.compare(live, candidate, self._trial.at_ms)
        # Folding is pure computation; stopping and keep-alives want their turn.
        await asyncio.sleep(0)


def _in(kept: Kept, readable: _Readable) -> bool:
    return kept.bound.persona.pid in readable


def _place(persona: Persona) -> tuple[int, bytes]:
    return persona.shard, persona.pid
