"""What is open to each audience of a brand: counted now and then, looked up with every read."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import sqlalchemy.exc

from kit.db import Database
from kit.telemetry import logger
from services.profile.boundary import Crowd
from services.profile.repository import crowds
from services.profile.views import View

_LOG = logger(__name__)
#: Codec of a counted crowd: msgpack [views, likes by topic].
CODEC = 1


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """A crowd as it is kept. Whatever is in it, enough personas share: it names none and outlives any."""

    opened: list[View]
    liked: dict[str, int]


@dataclass(frozen=True, slots=True)
class Boundary:
    """What may cross to one audience."""

    crowd: Crowd | None
    #: Whether another audience of the brand has personas, too: then offers must not say more than views do.
    is_compared: bool

    def publish(self, view: View) -> View:
        """Return what may be told of the view."""
        return view if self.crowd is None else self.crowd.publish(view)


#: Of an audience that nobody has counted yet: nothing is told, and somebody may compare.
_CLOSED = Boundary(Crowd(), is_compared=True)
_OPEN = Boundary(None, is_compared=False)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Counted)


def encode(crowd: Crowd) -> bytes:
    """Return a crowd as it is kept."""
    return _encoder.encode(Counted(sorted(crowd.opened, key=repr), dict(crowd.liked or {})))


def decode(body: bytes) -> Crowd:
    """Return the crowd that `encode` wrote."""
    counted = _decoder.decode(body)
    return Crowd(frozenset(counted.opened), counted.liked)


class Crowds:
    """The boundaries of all audiences, as they were counted last."""

    def __init__(self, source: Database, least: int) -> None:
        """Take how many must share what is told; with 1 all is told, and nothing has to be counted."""
        self._source = source
        self._is_open = least == 1
        self._boundaries: Mapping[tuple[str, str], Boundary] = {}

    def of(self, brand: str, audience: str) -> Boundary:
        """Return the boundary of an audience; a closed one when it was not counted."""
        return _OPEN if self._is_open else self._boundaries.get((brand, audience), _CLOSED)

    async def refresh(self) -> None:
        """Read what was counted last."""
        if self._is_open:
            return
        rows = await crowds.load(self._source)
        self._boundaries = {
            (row.brand, row.audience): Boundary(decode(row.body), is_compared=row.is_compared) for row in rows
        }

    async def follow(self, every_s: float) -> None:
        """Read again and again until cancelled; what cannot be read stays as it was."""
        while True:
            try:
                await self.refresh()
            except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
                _LOG.warning("crowds.unread", exc_info=error)
            await asyncio.sleep(every_s)
