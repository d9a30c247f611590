"""Carries out many frames of one request and packs the answers that fit."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from msgspec import Raw

from avatar_adapter import frames
from avatar_adapter.answers import Limits, refused, room_needed
from avatar_adapter.cutting import Answer, first_fitting
from avatar_adapter.domain import DEFAULT_ANSWER_BYTES, LINDEN_ANSWER_BYTES, AnswerRoomError, World, as_told
from avatar_adapter.use_cases import Door, Reply, answer
from kit.errors import InvalidArgumentError, TypedError

# {"b":[…],"more":1}
_AROUND = len('{"b":[],"more":1}')
_DEFAULT_ROOM = 16_384


@dataclass(frozen=True, slots=True)
class _Asked:
    """One frame of the batch with its place and its id; a refusal where it could not be read."""

    place: int
    i: str
    frame: frames.AnyFrame | TypedError

    @property
    def lane(self) -> str:
        """What must stay in order: the frames of one visit."""
        return getattr(self.frame, "s", f"open {self.place}")


async def answer_batch(door: Door, world: World, batch: frames.Batch, limits: Limits) -> bytes:
    """Return {"b": answers in the order asked, "more": 1 when some did not fit}; refusals stand among the answers."""
    asked = [_read(place, raw) for place, raw in enumerate(batch.b)]
    lanes: dict[str, list[_Asked]] = defaultdict(list)
    for one in asked:
        lanes[one.lane].append(one)
    replies: dict[int, Reply] = {}
    async with asyncio.TaskGroup() as group:
        for lane in lanes.values():
            group.create_task(_in_order(door, world, lane, limits, replies))
    room = int(batch.max) or (LINDEN_ANSWER_BYTES if world.is_linden_script else _DEFAULT_ROOM)
    return _pack(asked, replies, room)


def _read(place: int, raw: Raw) -> _Asked:
    try:
        frame = frames.parse_frame(raw)
    except TypedError as error:
        return _Asked(place, frames.frame_id(raw), error)
    if not frame.i:
        # What does not fit is asked for again, and only an id makes that harmless.
        return _Asked(place, "", InvalidArgumentError("a frame in a batch needs an id", field="i"))
    return _Asked(place, frame.i, frame)


async def _in_order(door: Door, world: World, lane: list[_Asked], limits: Limits, replies: dict[int, Reply]) -> None:
    for one in lane:
        replies[one.place] = await _one(door, world, one.frame, limits)


async def _one(door: Door, world: World, frame: frames.AnyFrame | TypedError, limits: Limits) -> Reply:
    if isinstance(frame, TypedError):
        return Reply(refused(frame), DEFAULT_ANSWER_BYTES)
    try:
        return await answer(door, world, frame, limits)
    except TypedError as error:
        return Reply(refused(as_told(error)), DEFAULT_ANSWER_BYTES)


def _pack(asked: list[_Asked], replies: dict[int, Reply], room: int) -> bytes:
    packed: list[bytes] = []
    left = room - _AROUND
    for one in asked:
        encoded = _fit(one.i, replies[one.place], left, is_first=not packed)
        if encoded is None:
            break
        packed.append(encoded)
        left -= len(encoded) + 1
    more = b',"more":1}' if len(packed) < len(asked) else b"}"
    return b'{"b":[' + b",".join(packed) + b"]" + more


def _fit(name: str, reply: Reply, left: int, *, is_first: bool) -> bytes | None:
    named: Answer = {"i": name} if name else {}
    candidates = [named | candidate for candidate in reply.candidates]
    if not is_first:
        # Later answers are given whole or asked for again; the first must be cut, or nothing would ever get through.
        whole = first_fitting(candidates, reply.room)
        return whole if whole is not None and len(whole) <= left else None
    fitting = first_fitting(candidates, min(left, reply.room))
    if fitting is not None:
        return fitting
    short = AnswerRoomError("the world takes too little", field="max", limit=str(room_needed(candidates) + _AROUND))
    return first_fitting([named | candidate for candidate in refused(short)], left)
