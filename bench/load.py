"""The load generator: a process of its own, `python -m bench.load`, told by one JSON line on standard input.

Keep-alive connections, requests built beforehand, no task per request. Closed loop without `rate`: every connection
sends as soon as it is answered. With `rate` requests become due at fixed times, whatever was answered, and latency
counts from when a request was due. Further lines on standard input may raise `credit`, the events that may be sent.
"""

import asyncio
import json
import resource
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bench.events import MARK

HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_PATIENCE_S = 30.0
_MARK = MARK.encode()


def read_head(head: bytes) -> tuple[int, int]:
    """Return the status of an answer and the length of its body."""
    told = head.lower()
    place = told.find(_LENGTH)
    length = int(told[place + len(_LENGTH) :].split(b"\r\n", 1)[0]) if place >= 0 else 0
    return int(told[9:12]), length


class Order(msgspec.Struct):
    """What to do. `bodies` is a file with one body a line; `units` is how many events each request holds."""

    host: str
    port: int
    path: str
    headers: dict[str, str]
    bodies: str
    connections: int
    seconds: float
    units: int = 1
    warm_up_s: float = 1.0
    rate: float | None = None
    credit: int | None = None


class Request:
    """One request, with the places where the counter goes."""

    def __init__(self, order: Order, body: bytes) -> None:
        lines = [f"POST {order.path} HTTP/1.1", f"host: {order.host}:{order.port}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in order.headers.items()]
        self._bytes = bytearray("\r\n".join(lines).encode() + HEAD_END + body)
        self._marks = []
        place = self._bytes.find(_MARK)
        while place >= 0:
            self._marks.append(place)
            place = self._bytes.find(_MARK, place + len(_MARK))

    def numbered(self, counter: int) -> tuple[bytes, int]:
        """Return the bytes to send, with fresh numbers, and the counter behind them."""
        for place in self._marks:
            counter += 1
            self._bytes[place : place + len(_MARK)] = b"%012d" % counter
        return bytes(self._bytes), counter


class Tally:
    """What came back. Latencies are kept once the warm-up is over."""

    def __init__(self) -> None:
        self.latencies = array("d")
        self.statuses: Counter[int] = Counter()
        self.answered = 0
        self.sent = 0
        self.is_warm = False

    def add(self, status: int, seconds: float) -> None:
        """Count one answer."""
        self.answered += 1
        self.statuses[status] += 1
        if self.is_warm:
            self.latencies.append(seconds)


class Generator:
    """Hands requests to connections: at once, or when they are due, or when there is credit."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.tally = Tally()
        self.credit = order.credit
        self._pool = [Request(order, body) for body in Path(order.bodies).read_bytes().splitlines()]
        self._next = 0
        self._counter = 0
        self._due: deque[float] = deque()
        self._idle: deque[Connection] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._is_over = False
        self.drained = asyncio.Event()
        self.busy = 0

    def lost(self, connection: "Connection") -> None:
        """Connect anew: a server that does not read the body of what it refuses closes the connection afterwards."""
        with suppress(ValueError):
            self._idle.remove(connection)
        if self._is_over:
            self._rest()
            return
        connecting = asyncio.create_task(connect(lambda: connection, self.order))
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)

    def free(self, connection: "Connection") -> None:
        """Take a connection that has nothing to do."""
        if self.order.rate is None and not self._is_over and self._may_send():
            self._send(connection, time.perf_counter())
        elif self._due:
            self._send(connection, self._due.popleft())
        else:
            self._idle.append(connection)
            self._rest()

    def due(self, at: float) -> None:
        """A request is due at `at`."""
        if self._idle:
            self._send(self._idle.popleft(), at)
        else:
            self._due.append(at)

    def grant(self, credit: int) -> None:
        """More may be sent."""
        self.credit = credit
        while self._idle and not self._is_over and self._may_send():
            self._send(self._idle.popleft(), time.perf_counter())

    def end(self, at: float) -> int:
        """Nothing new is sent. What was due and is not sent counts with the time it waited; return how many."""
        self._is_over = True
        unsent, self._due = self._due, deque()
        self.tally.latencies.extend(at - due for due in unsent)
        self._rest()
        return len(unsent)

    def _rest(self) -> None:
        if self._is_over and not self.busy:
            self.drained.set()

    def _may_send(self) -> bool:
        return self.credit is None or self.tally.sent * self.order.units < self.credit

    def _send(self, connection: "Connection", at: float) -> None:
        request = self._pool[self._next]
        self._next = (self._next + 1) % len(self._pool)
        content, self._counter = request.numbered(self._counter)
        self.tally.sent += 1
        self.busy += 1
        connection.send(content, at)


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._transport: Any = None
        self._received = bytearray()
        self._at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._generator.free(self)

    def send(self, content: bytes, at: float) -> None:
        self._at = at
        self._transport.write(content)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(HEAD_END)
        if end < 0:
            return
        status, length = read_head(bytes(self._received[:end]))
        if len(self._received) < end + len(HEAD_END) + length:
            return
        self._received.clear()
        self._count(status)
        self._generator.free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        # Counted as an answer of its own, so that a run with losses cannot look complete.
        if self._at:
            self._count(0)
        self._received.clear()
        self._generator.lost(self)

    def _count(self, status: int) -> None:
        self._generator.tally.add(status, time.perf_counter() - self._at)
        self._generator.busy -= 1
        self._at = 0.0


async def run(order: Order) -> dict[str, Any]:
    """Connect, warm up, measure, wait for the last answers, and say what came back."""
    generator = Generator(order)
    for _ in range(order.connections):
        await connect(lambda: Connection(generator), order)
    listening = asyncio.create_task(_listen(generator))
    pacing = asyncio.create_task(_pace(generator)) if order.rate else None
    await asyncio.sleep(order.warm_up_s)
    _say({"warm": True})
    answered_before, cpu_before, started = generator.tally.answered, _cpu_s(), time.perf_counter()
    generator.tally.is_warm = True
    await asyncio.sleep(order.seconds)
    measured, seconds, cpu_s = generator.tally.answered - answered_before, time.perf_counter() - started, _cpu_s()
    generator.tally.is_warm = False
    _say({"measured": True})
    if pacing:
        pacing.cancel()
    unsent = generator.end(time.perf_counter())
    await asyncio.wait_for(generator.drained.wait(), _PATIENCE_S)
    listening.cancel()
    tally, latencies = generator.tally, sorted(generator.tally.latencies)
    return {
        "requests": measured,
        "seconds": seconds,
        "cpu_s": cpu_s - cpu_before,
        "p50_ms": _percentile(latencies, 0.50) * 1e3,
        "p99_ms": _percentile(latencies, 0.99) * 1e3,
        "statuses": {str(status): count for status, count in tally.statuses.items()},
        "unsent": unsent,
        "acknowledged_units": tally.statuses[200] * order.units,
    }


async def connect(protocol: Callable[[], "Connection"], order: Order) -> None:
    """Open one connection; it is free once it stands."""
    await asyncio.get_running_loop().create_connection(protocol, order.host, order.port)


async def _pace(generator: Generator) -> None:
    rate = generator.order.rate or 1.0
    started, number = time.perf_counter(), 0
    while True:
        now = time.perf_counter()
        while started + number / rate <= now:
            generator.due(started + number / rate)
            number += 1
        await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))


async def _listen(generator: Generator) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        generator.grant(int(json.loads(line)["credit"]))


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        _say(runner.run(run(order)))


if __name__ == "__main__":
    main()
