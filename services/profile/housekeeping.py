"""Keeps house for a folder: days of message ids, keys nobody needs any more, room on the stream."""

import asyncio
from collections.abc import Callable, Sequence

import nats.errors
import sqlalchemy.exc
from prometheus_client import Counter, Gauge

from kit.db import raw
from kit.errors import TypedError, UnavailableError
from kit.telemetry import logger
from services.profile import messages
from services.profile.days import Days
from services.profile.domain import Partition
from services.profile.repository import books, ledger, offers, positions, quarantine, uses
from services.profile.streams import Streams
from services.profile.use_cases.parts import Folding
from services.profile.uses import DAY_MS, DAYS_KEPT

_LOG = logger(__name__)
_DIFFERENCE = Gauge(
    "profile_books_difference",
    "Events received less those stored, duplicate, quarantined and suppressed, in the partitions owned here: 0",
    ("source",),
)
_EXPIRED = Counter(
    "profile_quarantine_expired",
    "Events set aside that are kept no longer; the books still count them. state: mended, or quarantined to the end",
    ("source", "reason", "state"),
)
_SECOND_MS = 1000
_DAY_MS = 86_400_000
# Of a round: a backlog goes in many short transactions.
_MOST_EXPIRED = 10_000
# What a door seals may take this long to arrive, and to be announced again.
_IN_FLIGHT_S = 60
_LAGGARD_MS = 3_600_000
_MOST_UNSENT = 500


class Housekeeper:
    """Works in rounds; a round that fails is made up for by the next."""

    def __init__(
        self,
        folding: Folding,
        streams: Streams,
        days: Days,
        owned: Callable[[], Sequence[Partition]],
        quarantine_days: int = 30,
    ) -> None:
        # Receipts of mended events, and what is refused a second time, are looked up there while message ids are kept.
        self._quarantine_ms = max(quarantine_days, days.kept + 1) * _DAY_MS
        self._folding = folding
        self._streams = streams
        self._days = days
        self._owned = owned

    async def run(self, every_s: float, *, is_purging: bool) -> None:
        """Make rounds until cancelled."""
        while True:
            try:
                await self.round(is_purging=is_purging)
            except (TypedError, nats.errors.Error, sqlalchemy.exc.SQLAlchemyError, OSError) as error:
                _LOG.warning("housekeeping.failed", exc_info=error)
            await asyncio.sleep(every_s)

    async def round(self, *, is_purging: bool) -> None:
        """Move horizons of idle partitions, audit the books, turn the days, forget what is folded or was set aside."""
        owned = self._owned()
        for partition in (each for one in owned for each in one.siblings()):
            if partition.durability_class not in self._streams.classes:
                continue
            try:
                await self._keep(partition, is_purging=is_purging)
            except UnavailableError as error:
                # One server that is away does not keep the other from being tidied up.
                facts = {"partition": partition.number, "durability_class": partition.durability_class}
                _LOG.warning("housekeeping.postponed", **facts, exc_info=error)
        if owned:
            await self._audit(owned)
            await self._empty_quarantine(owned[0].brand)
            await self._expire_uses(owned[0].brand)
        await self._days.turn()
        if is_purging:
            await self.retire_keys()

    async def retire_keys(self) -> list[str]:
        """Destroy the epoch keys that nothing unread is sealed under, and return their ids."""
        epochs, stores = self._folding.epochs, self._folding.stores
        # Half of the time a key is kept for is for what was sealed last to arrive; erasing waits for the keys to go.
        retired = epochs.retired(stores.now_ms() / _SECOND_MS)
        if not retired:
            return []
        in_use = await self._keys_in_use()
        if in_use is None:
            return []
        destroyed = [key_id for key_id in retired if key_id not in in_use]
        for key_id in destroyed:
            epochs.destroy(key_id)
        if destroyed:
            _LOG.info("epoch_keys.destroyed", keys=len(destroyed))
        return destroyed

    async def _keep(self, partition: Partition, *, is_purging: bool) -> None:
        stores = self._folding.stores
        if partition.is_forgetful:
            # It may have forgotten the stream itself.
            await self._streams.prepare(partition.durability_class)
        # Asked before looking: what is sealed from now on is behind this horizon.
        horizon_ms = stores.now_ms() - _IN_FLIGHT_S * _SECOND_MS
        async with stores.profile.reading() as reading:
            position = (await positions.all_of(await raw(reading), partition.brand)).get(partition)
        if position is None:
            return
        if not await self._streams.waiting(partition, position):
            async with stores.profile.transaction() as transaction:
                await positions.advance(await raw(transaction), partition, position, horizon_ms)
        elif position.horizon_ms < horizon_ms - _LAGGARD_MS:
            facts = {"partition": partition.number, "durability_class": partition.durability_class}
            _LOG.warning("partition.lagging", **facts, sequence=position.sequence)
        if is_purging and position.sequence:
            await self._streams.purge(partition, position)

    async def _audit(self, owned: Sequence[Partition]) -> None:
        async with self._folding.stores.profile.reading() as reading:
            numbers = [partition.number for partition in owned]
            differences = await books.differences(await raw(reading), owned[0].brand, numbers)
        # A source whose partitions went to another folder is told there.
        _DIFFERENCE.clear()
        for source, difference in differences.items():
            _DIFFERENCE.labels(source).set(difference)
            if difference:
                _LOG.error("books.differ", source=source, difference=difference)

    async def _empty_quarantine(self, brand: str) -> None:
        stores = self._folding.stores
        before_ms = stores.now_ms() - self._quarantine_ms
        async with stores.profile.transaction() as transaction:
            expired = await quarantine.expire(await raw(transaction), brand, before_ms, _MOST_EXPIRED)
        for source, reason, is_mended, gone in expired:
            _EXPIRED.labels(source, reason, "mended" if is_mended else "quarantined").inc(gone)

    async def _expire_uses(self, brand: str) -> None:
        stores = self._folding.stores
        before_day = stores.now_ms() // DAY_MS - DAYS_KEPT
        async with stores.profile.transaction() as transaction:
            connection = await raw(transaction)
            await uses.expire(connection, brand, before_day, _MOST_EXPIRED)
            await offers.expire(connection, brand, before_day, _MOST_EXPIRED)

    async def _keys_in_use(self) -> set[str] | None:
        async with self._folding.stores.profile.reading() as reading:
            connection = await raw(reading)
            unsent = await ledger.unsent(connection, _MOST_UNSENT)
            unserved = await positions.classes_read(connection) - set(self._streams.classes)
        # What is folded was purged a moment ago: whatever the stream still holds, somebody has yet to read.
        found = await self._streams.keys_received(), await self._streams.keys_announced()
        # A stream whose server nobody has told us of may hold messages that need any key.
        if len(unsent) == _MOST_UNSENT or None in found or unserved:
            _LOG.warning("epoch_keys.kept", unserved_classes=sorted(unserved))
            return None
        return {messages.epoch_key_of(data) for data in unsent}.union(*(keys for keys in found if keys))
