"""Frames about names and links: what was replaced in this world, and codes that make two worlds one to a visitor."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from avatar_adapter import frames
from avatar_adapter.clients import subject_message, told
from avatar_adapter.cutting import Answer
from avatar_adapter.domain import Visit, World
from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1 import profile_pb2

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub

# A pair of handles in an answer; of one persona there may be two pairs.
_PAIR_BYTES = 80
_AROUND_BYTES = 200
# Two consents, each acknowledged once no reader can miss it.
_AGREED_S = 8.0
_METHOD = "frame"


class Names:
    """What the profile service is asked of names. It may be unknown to this door: such frames are then refused."""

    def __init__(self, profiles: "ProfileServiceAsyncStub | None") -> None:
        self._known = profiles

    async def answer(self, world: World, visit: Visit, frame: frames.Link | frames.Unlink) -> Iterable[Answer]:
        """Carry out one frame of a visit."""
        if isinstance(frame, frames.Link):
            return await self._link(world, visit, frame)
        return await self._unlink(world, visit, frame)

    async def replaced(self, world: World, frame: frames.Handles) -> Iterable[Answer]:
        """List handles of this world that were replaced, as many personas as fit."""
        count = max(1, (world.answer_bytes - _AROUND_BYTES) // (2 * _PAIR_BYTES))
        request = profile_pb2.ListReplacedHandlesRequest(
            brand=world.brand, audience=world.audience, count=count, after=bytes.fromhex(frame.after)
        )
        answer = await self._profiles.ListReplacedHandles(request)
        shown: Answer = {"r": [[each.old, each.new] for each in answer.replaced]}
        return [shown | ({"next": answer.next.hex()} if answer.next else {})]

    async def _link(self, world: World, visit: Visit, frame: frames.Link) -> Iterable[Answer]:
        subject = subject_message(world, visit)
        if not frame.code:
            issued = await self._profiles.IssueLinkCode(profile_pb2.IssueLinkCodeRequest(subject=subject))
            return [{"ok": 1, "code": issued.code}]
        statement = Statement(method=_METHOD, has_gpc=world.has_gpc, named_brand=frame.brand)
        request = profile_pb2.RedeemLinkCodeRequest(subject=subject, code=frame.code, statement=statement)
        answer = await self._profiles.RedeemLinkCode(request, timeout=_AGREED_S)
        return [{"ok": 1, "with": answer.issued_by}]

    async def _unlink(self, world: World, visit: Visit, frame: frames.Unlink) -> Iterable[Answer]:
        request = profile_pb2.UnlinkRequest(
            subject=subject_message(world, visit), audience=frame.w, statement=Statement(method=_METHOD)
        )
        answer = await self._profiles.Unlink(request, timeout=_AGREED_S)
        return [{"ok": 1, "gone": list(answer.audiences)}, {"ok": 1}]

    @property
    def _profiles(self) -> "ProfileServiceAsyncStub":
        return told(self._known)
