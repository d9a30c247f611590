"""Owns as many partitions as are free."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import asyncpg
import nats.errors
from prometheus_client import Gauge

from kit.db import raw
from kit.errors import TypedError, UnavailableError
from kit.telemetry import logger
from services.profile.consumers import Folder
from services.profile.domain import Partition
from services.profile.domain.errors import FencedError, PartitionLeftError
from services.profile.repository import positions
from services.profile.use_cases.stores import Stores

_LOG = logger(__name__)
_OWNED = Gauge("profile_partitions_owned", "Partitions this folder owns")
_HALTED = Gauge("profile_partitions_halted", "Partitions that wait for somebody to look", ("reason",))
_LOOK_S = 1.0


class Ownership:
    """Has the folder fold every partition that no other folder owns, in every durability class that has a server.

    The session's advisory locks say who is active; the owner epoch on the position row holds against whoever has lost
    the session and does not know it yet.
    """

    def __init__(self, stores: Stores, folder: Folder) -> None:
        self._stores = stores
        self._folder = folder
        self._running: dict[Partition, asyncio.Task[None]] = {}
        self._halted: dict[Partition, TypedError] = {}

    @property
    def owned(self) -> list[Partition]:
        """Partitions that are being folded here."""
        return [partition for partition in self._running if partition not in self._halted]

    async def check(self) -> None:
        """Be a readiness check: raises what a partition was halted by."""
        for error in self._halted.values():
            raise error

    async def run(self, partitions: Sequence[Partition]) -> None:
        """Own and fold until cancelled; when the session breaks, begin again."""
        while True:
            try:
                async with self._stores.profile.reading() as reading:
                    await self._hold(await raw(reading), partitions)
            except (UnavailableError, FencedError, nats.errors.Error) as error:
                _LOG.warning("ownership.lost", exc_info=error)
            await asyncio.sleep(_LOOK_S)

    async def _hold(self, session: asyncpg.Connection, partitions: Sequence[Partition]) -> None:
        numbers = {partition.number for partition in partitions}
        for left in await positions.all_of(session, partitions[0].brand):
            if left.number not in numbers:
                self._halt(left, _left(left, len(numbers)))
        folding = asyncio.create_task(self._folder.fold_on())
        try:
            while not folding.done():
                for partition in partitions:
                    if partition not in self._running and await positions.own(session, partition):
                        self._start(partition)
                # Says within a second when the session, and with it the locks, is gone.
                await session.execute("SELECT 1")
                for partition in self._look():
                    await positions.release(session, partition)
                await asyncio.sleep(_LOOK_S)
            await folding
        finally:
            await self._let_go(session, folding)

    def _start(self, partition: Partition) -> None:
        self._running[partition] = asyncio.create_task(self._folder.run(partition))
        _OWNED.set(len(self._running))

    def _look(self) -> list[Partition]:
        """Return the partitions that are to be released: others took them over, and may have gone since."""
        fenced = []
        for partition, task in self._running.items():
            if not task.done() or partition in self._halted:
                continue
            error = task.exception()
            if isinstance(error, FencedError):
                fenced.append(partition)
                _LOG.warning("partition.fenced", partition=partition.number, exc_info=error)
            elif not isinstance(error, TypedError) or isinstance(error, UnavailableError):
                raise error or FencedError("the follower ended")
            else:
                self._halt(partition, error)
        for partition in fenced:
            del self._running[partition]
        _OWNED.set(len(self._running))
        return fenced

    def _halt(self, partition: Partition, error: TypedError) -> None:
        self._halted[partition] = error
        _HALTED.labels(error.reason).inc()
        # The message names what to do and holds nothing of anybody's.
        _LOG.error("partition.halted", partition=partition.number, reason=error.reason, advice=error.message)

    async def _let_go(self, session: asyncpg.Connection, folding: asyncio.Task[None]) -> None:
        tasks = [*self._running.values(), folding]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running.clear()
        self._halted.clear()
        _OWNED.set(0)
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await positions.disown(session)


def _left(partition: Partition, configured: int) -> PartitionLeftError:
    return PartitionLeftError(
        f"partition {partition.number} was read before and is none of the {configured} configured; set "
        "MASKENBALL_PARTITIONS back: what waits in it is folded nowhere else",
        limit=str(configured),
    )
