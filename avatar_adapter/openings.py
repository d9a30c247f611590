"""Openings that worlds were answered before the avatar service heard of them: it is told in batches."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from prometheus_client import Counter

from contracts.avatar.v1 import avatar_pb2 as pb
from kit.errors import Status, TypedError
from kit.microbatch import MicroBatcher
from kit.telemetry import logger

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceAsyncStub

_LOG = logger(__name__)
_LOST = Counter("adapter_openings_lost", "Visits that worlds were let into and that nobody knows of")
_MOST_AT_ONCE = 200
_MOST_WAITING = 5_000
_ATTEMPTS = 3
_AWAY = (Status.UNAVAILABLE, Status.DEADLINE, Status.EXHAUSTED)
#: Visits opened of late, so that the frame that opened one is known when it comes again.
_MOST_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Opening:
    """What is told, and whether the copy it was made of still holds: else the visitor is asked about again."""

    message: pb.Opening
    holds: Callable[[], bool]


class Openings:
    """Tells the avatar service. What it cannot be told within three calls is lost: the world opens another visit."""

    def __init__(self, avatars: "AvatarServiceAsyncStub") -> None:
        self._avatars = avatars
        self._batches: MicroBatcher[Opening, None] = MicroBatcher(
            self._tell, max_items=_MOST_AT_ONCE, max_bytes=_MOST_AT_ONCE, max_waiting=_MOST_WAITING
        )
        self._landing: dict[bytes, asyncio.Future[None]] = {}
        self._opened: OrderedDict[bytes, None] = OrderedDict()

    def knows(self, visit_id: bytes) -> bool:
        """Tell whether this door has opened the visit of late."""
        return visit_id in self._opened

    def remember(self, visit_id: bytes) -> None:
        """Note that a visit is open."""
        self._opened[visit_id] = None
        if len(self._opened) > _MOST_REMEMBERED:
            self._opened.popitem(last=False)

    def put(self, opening: Opening) -> None:
        """Have an opening told; raises ExhaustedError when too many wait."""
        visit_id = opening.message.visit.visit_id
        self._landing[visit_id] = landing = self._batches.put(0, (opening,), 1)
        landing.add_done_callback(lambda _: self._landing.pop(visit_id, None))
        self.remember(visit_id)

    async def landed(self, visit_id: bytes) -> None:
        """Return once the avatar service knows the visit, as far as this door has to tell it."""
        landing = self._landing.get(visit_id)
        if landing is not None:
            await asyncio.wait((landing,))

    async def drain(self) -> None:
        """Return once nothing waits to be told."""
        await self._batches.drain()

    async def _tell(self, _: int, openings: list[Opening]) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._tell_once(openings)
            except TypedError as error:
                if attempt < _ATTEMPTS and error.status in _AWAY:
                    continue
                _LOST.inc(len(openings))
                _LOG.error("openings.lost", count=len(openings), exc_info=error)
            return

    async def _tell_once(self, openings: list[Opening]) -> None:
        standing = [each.message for each in openings if each.holds()]
        changed = [each.message for each in openings if not each.holds()]
        # A call is about one brand: what it names of another is refused.
        for _, of_brand in groupby(sorted(standing, key=_brand), key=_brand):
            await self._avatars.OpenMany(pb.OpenManyRequest(openings=of_brand))
        for each in changed:
            await self._avatars.Open(pb.OpenRequest(visit=each.visit, language=each.language))


def _brand(opening: pb.Opening) -> str:
    return opening.visit.subject.brand
