"""The connection to NATS: waits for the server, comes back for ever, buffers within bounds."""

import asyncio

import nats.errors
from nats.aio.client import Client
from prometheus_client import Gauge

from kit.cancelling import raise_if_cancelled
from kit.settings import Settings
from kit.telemetry import logger

_LOG = logger(__name__)
_CONNECTED = Gauge("nats_connected", "1 while the process is connected to NATS")
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

    async def complained(error: Exception) -> None:
        _LOG.warning("nats.complained", exc_info=error)

    async def lost() -> None:
        _CONNECTED.set(0)
        # The library also calls this when we close the connection ourselves.
        if not client.is_draining and not client.is_closed:
            _LOG.warning("nats.disconnected")

    async def back() -> None:
        _CONNECTED.set(1)
        _LOG.info("nats.reconnected")

    await client.connect(
        [settings.nats_url],
        name=settings.process,
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
    _CONNECTED.set(1)
    return client
