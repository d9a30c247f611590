"""Serves an ASGI application over HTTP/1.1 on the running loop."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from kit.http.connection import Connection, Listening
from kit.http.guard import guarded
from kit.http.types import App

_BACKLOG = 1024
_GRACE_S = 10.0
_LOOK_EVERY_S = 5.0


async def serve(
    app: App,
    address: str,
    stop: asyncio.Event,
    *,
    connections: int = 10_000,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serve `app`, guarded, on "host:port" until `stop` is set; running requests get 10 s to end.

    Port 0 takes a free one; `started` is told the real address once connections are accepted. Whoever connects beyond
    `connections` is told to come back and sent away. Neither the lifespan protocol nor WebSocket is spoken.
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


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port
