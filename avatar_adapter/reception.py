"""Lets visitors in: by a copy where one may be used, else by asking the avatar service."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from avatar_adapter.again import Again
from avatar_adapter.clients import visit_message
from avatar_adapter.copies import Copies, Copy, Who
from avatar_adapter.domain import Visit, World
from avatar_adapter.openings import Opening, Openings
from contracts.avatar.v1 import avatar_pb2 as pb
from kit.errors import ExhaustedError

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceAsyncStub

_REF_BYTES = 8


class Reception:
    """Opens visits, and says when one is known to the avatar service.

    `tell_doors` hands the name of whoever went on to the other doors; `random_bytes` makes refs.
    """

    def __init__(
        self,
        avatars: "AvatarServiceAsyncStub",
        copies: Copies,
        tell_doors: Callable[[bytes], Awaitable[None]],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._avatars = avatars
        self._copies = copies
        self._tell_doors = tell_doors
        self._random = random_bytes
        self._openings = Openings(avatars)

    async def open(self, world: World, visit: Visit, language: str, now_ms: int) -> pb.OpenResponse | Again:
        """Return what the avatar service says of the visit, or has said a moment ago of one like it."""
        who, hints = _who(world, visit, language), self._copies.hints
        copy = None if self._openings.knows(visit.id) else self._copies.get(who, now_ms)
        if copy is not None and (again := self._again(world, visit, who, copy, now_ms)):
            return again
        # One that comes again must find the encounter that the world was told of.
        await self._openings.landed(visit.id)
        answer = await self._avatars.Open(pb.OpenRequest(visit=visit_message(world, visit), language=language))
        self._openings.remember(visit.id)
        self._copies.keep(who, answer, now_ms, hints)
        return answer

    async def landed(self, visit: Visit) -> None:
        """Return once the avatar service knows the visit, as far as this door has to tell it."""
        await self._openings.landed(visit.id)

    async def went_on(self, world: World, visit: Visit) -> None:
        """Note that a frame of the visit was carried out: what doors keep of the visitor is of before."""
        await self._tell_doors(self._copies.drop(_who(world, visit, "")))

    async def drain(self) -> None:
        """Return once the avatar service knows of every visit."""
        await self._openings.drain()

    def _again(self, world: World, visit: Visit, who: Who, copy: Copy, now_ms: int) -> Again | None:
        ref = self._random(_REF_BYTES).hex()
        message = pb.Opening(
            visit=visit_message(world, visit),
            language=who.language,
            opening=copy.answer.again.opening,
            ref=ref,
            opened_at_ms=now_ms,
        )
        try:
            self._openings.put(Opening(message, lambda: self._copies.holds(who, copy, now_ms)))
        except ExhaustedError:
            # Whoever waits for the avatar service holds the worlds back.
            return None
        return Again(copy.answer, copy.forms, ref)


def _who(world: World, visit: Visit, language: str) -> Who:
    return Who(world.brand, world.audience, visit.eid, visit.avatar, language)
