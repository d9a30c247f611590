"""Hints between the profile service and doors, and among doors: names, whose copies are of before."""

from collections.abc import Callable, Iterable

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from contracts.profile.v1.events_pb2 import FacetsNamed
from kit.telemetry import logger

_LOG = logger(__name__)
#: From the profile service, of every brand.
_NAMED = "profile.v1.named.*"
#: From door to door: 16 bytes, who went on.
_MET = "adapter.v1.met"


def connection(client: Client) -> int | None:
    """Return a number of the connection on which hints come, None while there is none."""
    return client.stats["reconnects"] if client.is_connected else None


async def listen(client: Client, hint: Callable[[Iterable[bytes]], None]) -> None:
    """Have `hint` told what comes."""

    async def named(message: Msg) -> None:
        hint(FacetsNamed.FromString(message.data).names)

    async def met(message: Msg) -> None:
        hint((message.data,))

    await client.subscribe(_NAMED, cb=named)
    await client.subscribe(_MET, cb=met)


async def tell(client: Client, name: bytes) -> None:
    """Tell all doors of one visitor."""
    try:
        await client.publish(_MET, name)
    except nats.errors.Error as error:
        # A hint may be lost: without a connection no door keeps anything, and nothing is kept for long.
        _LOG.warning("hint.lost", exc_info=error)
