"""The connection to NATS: waits for the server, comes back for ever, buffers within bounds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
from nats.aio.client import Client
from prometheus_client import Gauge

from kit.cancelling import raise_if_cancelled
from kit.settings import Settings
from kit.telemetry import logger

_LOG = logger(__name__)
_CONNECTED = Gauge("nats_connected", "1 while connected to the NATS server of this class", ("durability_class",))
_PENDING_BYTES = 8 * 1024 * 1024
_FLUSH_S = 5.0
_DRAIN_S = 5.0
_GONE = (OSError, nats.errors.Error)


class _Client(Client):
    """Ends quietly: a process that stops after its server must not fail for it."""

    async def drain(self) -> None:
        """Let what is under way arrive, for at most 5 s."""
        try:
            async with asyncio.timeout(_DRAIN_S):
                await super().drain()
        except _GONE:
            await self.close()

    async def close(self) -> None:
        try:
            await super().close()
        except _GONE:
            return
        except asyncio.CancelledError:
            # While it is reconnecting the library cancels what it then waits for itself.
            raise_if_cancelled()


async def connect(settings: Settings) -> Client:
    """Connect to `settings.nats_url`; returns once the server answers, which may take as long as it likes to start.

    While the connection is lost, publishing waits in a buffer of 8 MiB and raises OutboundBufferLimitError beyond it.
    """
    client = _Client()
    await _open(client, settings, settings.nats_url, _CONNECTED.labels("2"))
    return client


@asynccontextmanager
async def connecting(settings: Settings) -> AsyncIterator[Client]:
    """Yield a client that connects to `settings.nats_class_1_url` by itself: nobody has to wait for that server.

    `is_connected` says whether it has; before that, publish nothing. Bodies that fail come out as an ExceptionGroup.
    """
    client = _Client()
    connected = _CONNECTED.labels("1")
    connected.set(0)
    # A group: were the address malformed, the process must end, or it would wait for ever without a word.
    async with asyncio.TaskGroup() as tasks:
        opening = tasks.create_task(_open(client, settings, settings.nats_class_1_url, connected))
        try:
            yield client
        finally:
            opening.cancel()
            await client.close()


async def _open(client: Client, settings: Settings, url: str, connected: Gauge) -> None:
    async def complained(error: Exception) -> None:
        _LOG.warning("nats.complained", exc_info=error)

    async def lost() -> None:
        connected.set(0)
        # The library also calls this when we close the connection ourselves.
        if not client.is_draining and not client.is_closed:
            _LOG.warning("nats.disconnected")

    async def back() -> None:
        connected.set(1)
        _LOG.info("nats.reconnected")

    await client.connect(
        [url],
        name=settings.process,
        # At once: whoever is taken for the server must not be shown the password before it has shown a certificate.
        tls=None if settings.tls is None else settings.tls.client,
        tls_handshake_first=settings.tls is not None,
        error_cb=complained,
        disconnected_cb=lost,
        reconnected_cb=back,
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        connect_timeout=2,
        ping_interval=10,
        max_outstanding_pings=2,
        pending_size=_PENDING_BYTES,
        flush_timeout=_FLUSH_S,
    )
    connected.set(1)
