"""PostgreSQL as the launcher configures it, through power cuts: what was committed is there, and all of it."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import asyncpg

from kit.servers import PostgresServer
from tests.e2e.power.outage import FileSystem
from tests.e2e.power.recording import Recording
from tests.e2e.power.servers import plugged

_CLIENTS = 6
_COMMITS = 60
_SCHEMA = """
CREATE TABLE entries (client int, number int, body bytea, PRIMARY KEY (client, number));
CREATE TABLE totals (client int PRIMARY KEY, entries int, bytes bigint);
"""
_ROWS = "SELECT client, number FROM entries ORDER BY client, number"
_WRONG_TOTALS = """
SELECT count(*) FROM totals
    FULL JOIN (SELECT client, count(*) AS n, sum(length(body)) AS b FROM entries GROUP BY client) AS found
    USING (client) WHERE (totals.entries, totals.bytes) IS DISTINCT FROM (coalesce(found.n, 0), coalesce(found.b, 0))
"""


@dataclass
class Committed:
    """What a client was told, and when."""

    recording: Recording
    rows: list[tuple[int, int, int]] = field(default_factory=list)
    cut_ns: int = 0

    def moments(self, count: int) -> list[int]:
        chance = random.Random(count)
        return [self.cut_ns, *(chance.choice(self.rows)[0] for _ in range(count - 1))]


async def commit(url: str, client: int, committed: Committed) -> None:
    chance = random.Random(client)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("INSERT INTO totals VALUES ($1, 0, 0)", client)
        for number in range(_COMMITS):
            size = chance.choice((10, 900, 30_000))
            async with connection.transaction():
                await connection.execute(
                    "UPDATE totals SET entries = entries + 1, bytes = bytes + $2 WHERE client = $1", client, size
                )
                await connection.copy_records_to_table("entries", records=[(client, number, chance.randbytes(size))])
            committed.rows.append((time.monotonic_ns(), client, number))
            if number % 20 == client:
                await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def load(recorder: Path, tmp_path: Path, kind: str) -> Committed:
    """A cluster made and stopped in order, then writers until the plug is pulled."""
    folder = tmp_path / "postgres"
    server = PostgresServer(folder, durable=kind == "postgres")
    server.start()
    server.sql(_SCHEMA)
    server.stop()
    committed = Committed(Recording(recorder, folder, tmp_path / "scratch"))
    with plugged(kind, committed.recording) as recorded:
        await asyncio.gather(*(commit(recorded.url, client, committed) for client in range(_CLIENTS)))
        recorded.pull()
        committed.cut_ns = recorded.cut_ns
    return committed


def found(folder: Path) -> set[tuple[int, int]]:
    """The rows of a server started on this folder, by index and by table alike, each with its part of the total."""
    # It recovers as any does; that it would first sync every file of the cluster changes nothing here but the time.
    server = PostgresServer(folder, durable=False)
    server.start()
    try:
        by_table = server.sql(f"SET enable_indexscan = off; SET enable_indexonlyscan = off; {_ROWS}")
        assert server.sql(f"SET enable_seqscan = off; SET enable_bitmapscan = off; {_ROWS}") == by_table
        assert server.sql(_WRONG_TOTALS) == "0"
    finally:
        server.stop()
    return {(int(client), int(number)) for client, number in (line.split("|") for line in by_table.splitlines())}


def lost(committed: Committed, moments: list[int]) -> list[int]:
    """How many committed rows each power cut took; the first one takes all it may. Every file system has its turn."""
    losses = []
    for seed, (at_ns, file_system) in enumerate(zip(moments, cycle(reversed(FileSystem)), strict=False)):
        target = committed.recording.folder.with_name("image")
        stored = found(committed.recording.cut(target, at_ns=at_ns, file_system=file_system, seed=seed))
        told = {(client, number) for told_ns, client, number in committed.rows if told_ns <= at_ns}
        losses.append(len(told - stored))
    return losses


class TestPostgres:
    async def test_a_power_cut_takes_nothing_committed(self, recorder: Path, tmp_path: Path, cuts: int) -> None:
        committed = await load(recorder, tmp_path, "postgres")
        assert lost(committed, committed.moments(cuts)) == [0] * cuts

    async def test_without_sync_a_power_cut_is_seen_to_take_it(self, recorder: Path, tmp_path: Path) -> None:
        committed = await load(recorder, tmp_path, "postgres-unsafe")
        assert lost(committed, committed.moments(1)) == [_CLIENTS * _COMMITS]
