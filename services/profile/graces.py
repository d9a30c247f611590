"""Ends the grace of keys that were turned: retires them, sweeps what they made, destroys them."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import asyncpg
import sqlalchemy.exc

from kit.db import raw
from kit.errors import TypedError
from kit.telemetry import logger
from services.profile import handles
from services.profile.domain import Persona
from services.profile.repository import circles, edges, erasures
from services.profile.repository.erasures import Erasure
from services.profile.use_cases.stores import Stores

EDGE = "edge"
#: How it is recorded that somebody is erased whom nobody can name any more.
METHOD = "retention"
_LOG = logger(__name__)
_ID_BYTES = 16
_MOST_ERASED = 500
_TROUBLE = (TypedError, asyncpg.PostgresError, sqlalchemy.exc.SQLAlchemyError, OSError)


@dataclass(frozen=True, slots=True)
class Grace:
    """For how long what an older key made is understood, milliseconds."""

    edge_ms: int
    pair_ms: int


class Graces:
    """Any number may run: every step changes nothing when it is done twice, and what it does first is the retiring."""

    def __init__(self, stores: Stores, grace: Grace) -> None:
        self._stores = stores
        self._grace = grace

    async def run(self, every_s: float) -> None:
        """Make rounds until cancelled; a round that fails is made up for by the next."""
        while True:
            try:
                await self.round()
            except _TROUBLE as error:
                _LOG.warning("graces.failed", exc_info=error)
            await asyncio.sleep(every_s)

    async def round(self) -> None:
        """Retire what is over, delete ids of retired edge keys and whom nobody can name any more, destroy the keys."""
        ring = self._stores.keyring
        self._retire(EDGE, EDGE, self._grace.edge_ms)
        for holder in (handles.FAMILY, *ring.branches(handles.FAMILY)):
            self._retire(handles.FAMILY, holder, self._grace.pair_ms)
            for version in ring.retired(holder):
                ring.destroy(holder, version)
        retired = ring.retired(EDGE)
        if not retired or not ring.versions(EDGE):
            return
        # Ids of doors that have not heard of it yet are of this version too; they come to nothing.
        await self._sweep(int(retired[-1]))
        for version in retired:
            ring.destroy(EDGE, version)
            _LOG.info("edge_key.destroyed", version=int(version))

    def _retire(self, family: str, holder: str, grace_ms: int) -> None:
        ring, now_ms = self._stores.keyring, self._stores.now_ms()
        made_at = {
            int(each): ring.created_at(where, each) for where in {family, holder} for each in ring.versions(where)
        }
        for version in ring.versions(holder):
            later = [number for number in made_at if number > int(version)]
            if later and now_ms >= int(made_at[min(later)] * 1000) + grace_ms:
                ring.retire(holder, version)
                _LOG.info("key.retired", family=family, version=int(version))

    async def _sweep(self, version: int) -> None:
        vault = self._stores.vault
        while not await edges.is_swept(vault, version):
            async with vault.transaction() as transaction:
                connection = await raw(transaction)
                unbound = await edges.sweep(connection, version)
                for erasure in self._erasures(await self._circles(connection, unbound)):
                    # With the deletion of their last id: a crash in between would leave what nobody can ask to erase.
                    await erasures.begin(connection, erasure, self._stores.now_ms())
        async with vault.transaction() as transaction:
            await edges.sweep_faces(await raw(transaction), version)

    async def _circles(self, connection: asyncpg.Connection, unbound: Sequence[Persona]) -> list[Persona]:
        """Return those without any id, left alone those who are one with somebody that an id stands for."""
        found: dict[Persona, None] = {}
        for persona in unbound:
            circle = [bound.persona for bound in await circles.circle(connection, persona.brand, [persona])]
            if circle and not await edges.shards_of(connection, persona.brand, circle):
                found.update(dict.fromkeys(circle))
        return list(found)

    def _erasures(self, personas: Sequence[Persona]) -> Iterator[Erasure]:
        stores = self._stores
        for brand in sorted({persona.brand for persona in personas}):
            own = [persona for persona in personas if persona.brand == brand]
            for first in range(0, len(own), _MOST_ERASED):
                some = tuple(own[first : first + _MOST_ERASED])
                yield Erasure(stores.token(_ID_BYTES).hex(), brand, "", METHOD, stores.now_ms(), some)
