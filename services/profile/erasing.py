"""Carries erasures to their end: tells projections, destroys keys, signs the receipt; resumes what a crash left."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import nats.errors
import sqlalchemy.exc
from asyncpg import PostgresError
from prometheus_client import Gauge

from kit.cancelling import raise_if_cancelled, rest
from kit.db import raw
from kit.epochs import EpochKeys
from kit.errors import TypedError, UnavailableError
from kit.keyring import KeyMissingError
from kit.signatures import RECEIPTS, Signer
from kit.telemetry import logger
from services.profile import marks
from services.profile.domain import Subject
from services.profile.repository import erasures, gone
from services.profile.repository.erasures import Erasure
from services.profile.use_cases import erase, face, owe, rewrap
from services.profile.use_cases.stores import Stores

#: Deletes one part of what there is of the personas of an erasure; doing it twice changes nothing.
Projection = Callable[[Erasure], Awaitable[None]]

KEYS = "keys"
STREAM = "stream"
RECEIPT = "erasure-receipt+jws"
_LOG = logger(__name__)
_MISSING = Gauge("profile_erasures_missing", "Erasures that a projection has not signed yet", ("projection",))
_AT_ONCE = 100
_LOOK_S = 1.0
# What began before consent denied everything has ended by then: a call of a door is given up after four seconds.
_SETTLED_MS = 5_000
# A worker that dies is replaced then.
_LEASE_MS = 30_000
_MOST_PAUSE_MS = 30_000
_STREAM_LOOK_MS = 1_000
_TROUBLE = (TypedError, PostgresError, sqlalchemy.exc.SQLAlchemyError, nats.errors.Error, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds: until what was in flight has ended, and between two attempts at first."""

    settled_ms: int = _SETTLED_MS
    first_pause_ms: int = 500


class Eraser:
    """Any number may run: each takes what is due. Every step changes nothing when it is done twice."""

    def __init__(self, stores: Stores, projections: Mapping[str, Projection], pace: Pace | None = None) -> None:
        self._stores = stores
        self._projections = projections
        self._pace = pace or Pace()
        self._wake = asyncio.Event()

    @property
    def signers(self) -> list[str]:
        """Who signs an erasure."""
        return [*self._projections, KEYS, STREAM]

    async def erase(self, subject: Subject, method: str) -> Erasure:
        """Make a persona unreadable, with all that is linked to it; the rest follows."""
        return await self._make_unreadable(await erase.begin(self._stores, subject, method))

    async def shed(self, subject: Subject, method: str) -> Erasure:
        """Make unreadable what one audience knows of a visitor, and nothing else; the rest follows."""
        return await self._make_unreadable(await face.shed(self._stores, subject, method))

    async def _make_unreadable(self, begun: Erasure) -> Erasure:
        stores = self._stores
        erasure = await erase.make_unreadable(stores, begun)
        await erasures.defer(stores.vault, erasure.erasure_id, stores.now_ms(), 0)
        self._wake.set()
        return erasure

    async def read(self, erasure_id: str) -> Erasure | None:
        return await erasures.read(self._stores.vault, erasure_id)

    async def run(self) -> None:
        """Work until cancelled. Trouble is logged and tried again."""
        while True:
            raise_if_cancelled()
            self._wake.clear()
            worked = 0
            try:
                worked = await self.round()
            except _TROUBLE as error:
                _LOG.warning("erasing.failed", exc_info=error)
            if not worked:
                await rest(self._wake, _LOOK_S)

    async def round(self) -> int:
        """Take everything that is due a step further; return how many those were."""
        now_ms = self._stores.now_ms()
        async with self._stores.vault.transaction() as transaction:
            due = await erasures.claim(await raw(transaction), now_ms, now_ms + _LEASE_MS, _AT_ONCE)
        if not due:
            return 0
        settled = await asyncio.gather(*(self._further(erasure) for erasure in due))
        told = [erasure for each in due if (erasure := await self.read(each.erasure_id)) is not None]
        await self._rewrap([each for each in told if self._is_told(each) and not each.rewrapped_at_ms])
        swept = {each.erasure_id for each, was_settled in zip(due, settled, strict=True) if was_settled}
        for each in told:
            await self._end_or_defer(each.erasure_id, is_swept=each.erasure_id in swept)
        self._show(told)
        return len(due)

    def _is_told(self, erasure: Erasure) -> bool:
        return bool(erasure.unbound_at_ms) and set(self._projections) <= set(erasure.signed or {})

    async def _further(self, erasure: Erasure) -> bool:
        """Ask projections; return whether that was after all that was in flight had ended."""
        try:
            erasure = await erase.make_unreadable(self._stores, erasure)
        except _TROUBLE as error:
            await self._miss(erasure, KEYS, error)
            return False
        is_settled = self._is_settled(erasure)
        signed = erasure.signed or {}
        # Once more when all that was in flight has ended: it may have left something behind.
        asked = [name for name in self._projections if name not in signed or (is_settled and KEYS not in signed)]
        await asyncio.gather(*(self._ask(erasure, name) for name in asked))
        return is_settled

    async def _ask(self, erasure: Erasure, name: str) -> None:
        try:
            if erasure.personas:
                await self._projections[name](erasure)
        except _TROUBLE as error:
            await self._miss(erasure, name, error)
        else:
            await erasures.sign(self._stores.vault, erasure.erasure_id, name, self._stores.now_ms())

    async def _miss(self, erasure: Erasure, name: str, error: BaseException) -> None:
        reason = error.reason if isinstance(error, TypedError) else type(error).__name__
        _LOG.warning("erasing.projection_missed", projection=name, reason=reason, exc_info=error)
        await erasures.miss(self._stores.vault, erasure.erasure_id, name, reason)

    async def _rewrap(self, told: Sequence[Erasure]) -> None:
        if not told:
            return
        # Together: survivors of a shard are wrapped anew once for all who were erased of it.
        versions = await rewrap.rewrap(self._stores, {shard for each in told for shard in each.shards})
        for each in told:
            own = {str(shard): versions[str(shard)] for shard in each.shards}
            await erasures.rewrapped(self._stores.vault, each.erasure_id, own, self._stores.now_ms())

    def _is_settled(self, erasure: Erasure) -> bool:
        ended_ms = max(erasure.unbound_at_ms, erasure.rewrapped_at_ms) + self._pace.settled_ms
        return bool(erasure.rewrapped_at_ms) and self._stores.now_ms() >= ended_ms

    async def _end_or_defer(self, erasure_id: str, *, is_swept: bool) -> None:
        erasure, now_ms = await self.read(erasure_id), self._stores.now_ms()
        if erasure is None:
            return
        if set(erasure.missing or {}) - {STREAM} or not self._is_told(erasure):
            pause_ms = min(_MOST_PAUSE_MS, self._pace.first_pause_ms << min(erasure.attempts, 16))
            await erasures.defer(self._stores.vault, erasure_id, now_ms + pause_ms, erasure.attempts)
        elif is_swept:
            await self._end(erasure)
        else:
            wait_ms = max(erasure.unbound_at_ms, erasure.rewrapped_at_ms) + self._pace.settled_ms
            await erasures.defer(self._stores.vault, erasure_id, wait_ms, 0)

    async def _end(self, erasure: Erasure) -> None:
        stores = self._stores
        if KEYS not in (erasure.signed or {}):
            await self._destroy_keys(erasure)
        if not EpochKeys(stores.keyring).are_gone_before(erasure.unbound_at_ms / 1000):
            # What it did last is on the stream; its keys go once every reader is past it.
            await erasures.miss(stores.vault, erasure.erasure_id, STREAM, "KEYS_IN_USE")
            await erasures.defer(stores.vault, erasure.erasure_id, stores.now_ms() + _STREAM_LOOK_MS, 0)
            return
        at_ms = stores.now_ms()
        await erasures.sign(stores.vault, erasure.erasure_id, STREAM, at_ms)
        erasure = await self.read(erasure.erasure_id) or erasure
        stores.keyring.ensure(RECEIPTS)
        claims = claims_of(replace(erasure, complete_at_ms=at_ms))
        receipt = Signer(stores.keyring, RECEIPTS, RECEIPT).sign(msgspec.json.encode(claims))
        await erasures.complete(stores.vault, erasure.erasure_id, receipt, at_ms)
        await gone.forget(stores.vault, at_ms - marks.KEPT_MS)

    async def _destroy_keys(self, erasure: Erasure) -> None:
        stores = self._stores
        await rewrap.destroy_before(stores, erasure.versions or {})
        if erasure.owed_key:
            stores.keyring.destroy(owe.FAMILY, erasure.owed_key)
            await erasures.settle_debt(stores.vault, erasure.erasure_id)
        await erasures.sign(stores.vault, erasure.erasure_id, KEYS, stores.now_ms())

    def _show(self, told: Sequence[Erasure]) -> None:
        for name in self.signers:
            _MISSING.labels(name).set(sum(name in (each.missing or {}) for each in told))


def claims_of(erasure: Erasure) -> dict[str, object]:
    """Return what the receipt says: when, and by whom; never who."""
    return {
        "erasure": erasure.erasure_id,
        "brand": erasure.brand,
        "audience": erasure.audience,
        "asked_at_ms": erasure.asked_at_ms,
        "unreadable_at_ms": erasure.unbound_at_ms,
        "signed": dict(erasure.signed or {}),
        "complete_at_ms": erasure.complete_at_ms,
    }


async def take_back(stores: Stores, erasure: Erasure, unlearn: Callable[[str, bytes, bytes], Awaitable[None]]) -> None:
    """Have shared models take back what they owe; after that nobody can read any more what it was."""
    try:
        parts = owe.owed(stores, erasure)
    except KeyMissingError:
        # The key is destroyed once all was taken back.
        return
    for batch_id, lessons in parts:
        await unlearn(erasure.brand, batch_id, lessons)


def nobody_there(name: str) -> Projection:
    """Return a projection that nobody told this process the address of: it stays missing until somebody does."""

    async def missing(_: Erasure) -> None:
        raise UnavailableError(f"no address of {name}")

    return missing
