"""Serves an ASGI application on the running loop: HTTP/1.1 alone, or with WebSockets by granian's embedded server."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from kit.http.connection import Connection, Listening
from kit.http.guard import guarded
from kit.http.types import App

_BACKLOG = 1024
_GRACE_S = 10.0
_LOOK_EVERY_S = 5.0
# Granian would write to standard output and could repeat what a caller sent; errors go the way of all library logs.
_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"_granian": {"handlers": [], "level": "ERROR", "propagate": True}},
}


async def serve_http(
    app: App,
    address: str,
    stop: asyncio.Event,
    *,
    connections: int = 10_000,
    started: Callable[[str], None] | None = None,
) -> None:
    """Be `serve` for an application that speaks no WebSocket, at half of its cost: see decision 39.

    Whoever connects beyond `connections` is told to come back and sent away.
    """
    loop = asyncio.get_running_loop()
    listening = Listening(guarded(app), connections, loop.time)
    host, _, port = address.rpartition(":")
    server = await loop.create_server(lambda: Connection(listening), host, int(port), backlog=_BACKLOG)
    expiring = asyncio.create_task(_expire(listening))
    try:
        if started is not None:
            started("{}:{}".format(*server.sockets[0].getsockname()[:2]))
        await stop.wait()
        server.close()
        await _end(listening)
    finally:
        expiring.cancel()
        server.close()
        for connection in list(listening.connections):
            connection.abort()


async def _expire(listening: Listening) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        now_s = listening.clock()
        for connection in list(listening.connections):
            connection.expire(now_s)


async def _end(listening: Listening) -> None:
    for connection in list(listening.connections):
        connection.stop()
    if listening.connections:
        with suppress(TimeoutError):
            await asyncio.wait_for(listening.is_empty.wait(), _GRACE_S)


async def serve(
    app: App,
    address: str,
    stop: asyncio.Event,
    *,
    connections: int = 10_000,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serve `app`, guarded, on "host:port" until `stop` is set; running requests get 10 s to end.

    Port 0 takes a free one; `started` is told the real address once connections are accepted. At most `connections`
    are open at a time; later ones wait in the kernel. The lifespan protocol is not spoken.
    """
    host, port = _claim(address)
    server = Server(
        guarded(app),
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        backlog=_BACKLOG,
        backpressure=connections,
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
    )
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    try:
        await _until_open(host, port, serving)
        if started is not None:
            started(f"{host}:{port}")
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.stop()  # type: ignore[no-untyped-call]
        with suppress(TimeoutError):
            await asyncio.wait_for(serving, _GRACE_S)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port nobody listens on now."""
    return _claim(f"{host}:0")[1]


def _claim(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    # Granian shares a taken port silently, and each process would get half of the requests.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, int(port)))
        bound: int = probe.getsockname()[1]
    return host, bound


async def _until_open(host: str, port: int, serving: "asyncio.Task[None]") -> None:
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
