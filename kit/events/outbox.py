"""The outbox: events are rows of the writer's transaction and leave afterwards, in order, at least once."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import nats.errors
from nats.js import JetStreamContext
from prometheus_client import Counter, Gauge
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.cancelling import raise_if_cancelled, rest
from kit.db import Database, after_commit
from kit.errors import TypedError
from kit.telemetry import inject, logger

_LOG = logger(__name__)
_PUBLISHED = Counter("outbox_published", "Events that left", ("table",))
_FAILING = Gauge("outbox_failing", "1 while events cannot leave", ("table",))
_OLDEST = Gauge("outbox_oldest_seconds", "Age of the oldest event that waits", ("table",))
_BATCH = 200
_MOST_PAUSE_S = 30.0
# Whatever the database, the server or the way to it can raise.
_TROUBLE = (nats.errors.Error, SQLAlchemyError, TypedError, OSError)


def outbox_table(metadata: MetaData, name: str = "outbox") -> Table:
    """Define the outbox of a room."""
    return Table(name, metadata, *outbox_columns())


def outbox_columns() -> tuple[Column[Any], ...]:
    """Return the columns, for the room's migration: `op.create_table("outbox", *outbox_columns())`."""
    return (
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        # What JetStream knows the message by: an id alone would repeat in a database that was made anew.
        Column("message_id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
        Column("subject", Text, nullable=False),
        Column("headers", LargeBinary, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    )


async def enqueue(
    connection: AsyncConnection, table: Table, subject: str, payload: bytes, headers: Mapping[str, str] | None = None
) -> None:
    """Add an event to the caller's transaction; it leaves if and only if that commits. The trace goes with it."""
    sent = dict(headers or {})
    inject(sent)
    row = {"subject": subject, "payload": payload, "headers": json.dumps(sent).encode()}
    await connection.execute(insert(table), row)
    for wake in _woken(table):
        after_commit(connection, wake.set)


class Relay:
    """Publishes the rows of one outbox by id and deletes each after its acknowledgement.

    Any number may run; one works at a time. Rows of transactions that overlapped may leave in either order. A crash
    between acknowledgement and deletion publishes again under the same Nats-Msg-Id, which JetStream drops.
    """

    def __init__(self, database: Database, table: Table, js: JetStreamContext, *, poll_s: float = 1.0) -> None:
        self._database = database
        self._table = table
        self._js = js
        self._poll_s = poll_s
        self._wake = asyncio.Event()
        columns = table.c
        self._oldest = select(table, (func.now() - columns.created_at).label("age")).order_by(columns.id).limit(_BATCH)
        self._delete = delete(table).where(columns.id == bindparam("published"))

    async def run(self) -> None:
        """Publish until cancelled. Trouble is logged, shown by a gauge, and tried again with growing pauses."""
        _woken(self._table).append(self._wake)
        try:
            await self._forever()
        finally:
            _woken(self._table).remove(self._wake)

    async def _forever(self) -> None:
        failing = _FAILING.labels(self._table.name)
        pause = self._poll_s
        while True:
            raise_if_cancelled()
            self._wake.clear()
            try:
                published = await self.publish_waiting()
            except _TROUBLE as error:
                failing.set(1)
                _LOG.error("outbox.stalled", table=self._table.name, exc_info=error)
                await asyncio.sleep(pause)
                pause = min(_MOST_PAUSE_S, pause * 2)
                continue
            failing.set(0)
            pause = self._poll_s
            if published < _BATCH:
                await rest(self._wake, self._poll_s)

    async def publish_waiting(self) -> int:
        """Publish one batch and return how many left."""
        async with self._database.transaction() as connection:
            # Two relays at once would publish out of order.
            key = func.hashtextextended(f"outbox|{self._table.name}", 0)
            if not await connection.scalar(select(func.pg_try_advisory_xact_lock(key))):
                return 0
            rows = (await connection.execute(self._oldest)).all()
            _OLDEST.labels(self._table.name).set(rows[0].age.total_seconds() if rows else 0)
            published: list[int] = []
            try:
                for row in rows:
                    await self._publish(row)
                    published.append(row.id)
            except _TROUBLE as error:
                # What was acknowledged is deleted all the same; an unbroken row of failures starts with nothing.
                if not published:
                    raise
                _LOG.error("outbox.stalled", table=self._table.name, exc_info=error)
            if published:
                await connection.execute(self._delete, [{"published": each} for each in published])
        _PUBLISHED.labels(self._table.name).inc(len(published))
        return len(published)

    async def _publish(self, row: Row[Any]) -> None:
        headers = {**json.loads(row.headers), "Nats-Msg-Id": str(row.message_id)}
        await self._js.publish(row.subject, row.payload, headers=headers)


def _woken(table: Table) -> list[asyncio.Event]:
    woken: list[asyncio.Event] = table.info.setdefault("woken", [])
    return woken
