"""What the machine itself gives: an empty endpoint, a raw JetStream publish, a raw COPY."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg
import nats

from bench.driving import Target
from bench.preparing import Stack
from doors.stream import STREAM
from kit.events import ensure_stream

_RAW_STREAM = "BENCH"
_RAW_SUBJECT = "bench.raw"
_MOST_BYTES = 8 << 30
#: As the door does it: one message in flight per partition.
_IN_FLIGHT = 4
_COPY_ROWS = 5_000


class Filled(NamedTuple):
    """What the stream holds."""

    messages: int
    bytes: int


@asynccontextmanager
async def empty_endpoint() -> AsyncIterator[tuple[Target, int]]:
    """Run the empty application in a process of its own, served as doors are; yields where it is and its pid."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.empty", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process was started with pipes")
    try:
        address = (await process.stdout.readline()).decode().strip()
        yield Target(f"http://{address}", "/", {"content-type": "application/json"}), process.pid
    finally:
        process.stdin.close()
        await process.wait()


async def filled(stack: Stack) -> Filled:
    """Return what is in the stream of interactions now."""
    client = await nats.connect(stack.endpoints["nats"]["url"])
    state = (await client.jetstream().stream_info(STREAM)).state
    await client.close()
    return Filled(state.messages, state.bytes)


async def raw_publish(stack: Stack, message_bytes: int, events_a_message: float, seconds: float) -> float:
    """Publish messages of this size to a stream of the same kind; return the events per second that they could hold."""
    client = await nats.connect(stack.endpoints["nats"]["url"])
    stream = client.jetstream()
    await ensure_stream(stream, _RAW_STREAM, [_RAW_SUBJECT], max_bytes=_MOST_BYTES)
    content, until, sent = os.urandom(message_bytes), time.perf_counter() + seconds, 0

    async def publish() -> None:
        nonlocal sent
        while time.perf_counter() < until:
            await stream.publish(_RAW_SUBJECT, content)
            sent += 1

    started = time.perf_counter()
    await asyncio.gather(*(publish() for _ in range(_IN_FLIGHT)))
    taken = time.perf_counter() - started
    await stream.delete_stream(_RAW_STREAM)
    await client.close()
    return sent * events_a_message / taken


async def raw_copy(stack: Stack, row_bytes: int, seconds: float) -> float:
    """COPY rows of this size in transactions of 5,000 into a table of their own; return the rows per second."""
    connection = await asyncpg.connect(stack.endpoints["databases"]["profile"])
    try:
        await connection.execute("DROP TABLE IF EXISTS bench_copy")
        await connection.execute("CREATE TABLE bench_copy (brand text, shard smallint, mid bytea, body bytea)")
        rows = [("oak", number % 64, os.urandom(16), os.urandom(row_bytes)) for number in range(_COPY_ROWS)]
        started, copied = time.perf_counter(), 0
        while time.perf_counter() < started + seconds:
            await connection.copy_records_to_table("bench_copy", records=rows)
            copied += _COPY_ROWS
        taken = time.perf_counter() - started
        await connection.execute("DROP TABLE bench_copy")
    finally:
        await connection.close()
    return copied / taken
