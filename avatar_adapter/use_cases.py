"""What each frame does: asks the avatar service, tells the stream, and says what the world may hear."""

import asyncio
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from avatar_adapter import answers, frames
from avatar_adapter.again import Again
from avatar_adapter.answers import Limits, Moment
from avatar_adapter.clients import Catalogue, visit_message
from avatar_adapter.cutting import Answer
from avatar_adapter.denying import denied, require_scope
from avatar_adapter.domain import IdentityRefusedError, UnknownWorldError, Visit, World
from avatar_adapter.names import Names
from avatar_adapter.persons import Persons
from avatar_adapter.reception import Reception
from avatar_adapter.visits import Visits
from avatar_adapter.vocabulary import Happening, Vocabulary
from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.consent.v1.consent_pb2 import Statement
from contracts.interaction.v1.payload import Interaction
from doors.texts import SPOKEN, Texts
from kit.errors import InvalidArgumentError
from kit.refusal import identity_in
from relationships.judging import load_judge

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceAsyncStub

_MOST_QUESTION = 500


@dataclass(frozen=True, slots=True)
class Door:
    """What the frames work with."""

    avatars: "AvatarServiceAsyncStub"
    reception: Reception
    catalogue: Catalogue
    visits: Visits
    vocabulary: Vocabulary
    #: Returns once the interaction is durable; raises UnavailableError or ExhaustedError when it is not.
    publish: Callable[[World, Interaction], Awaitable[None]]
    #: Seconds since 1970 UTC.
    clock: Callable[[], float]
    persons: Persons
    names: Names = field(default_factory=lambda: Names(None))
    texts: Texts = field(default_factory=lambda: Texts(load_judge))

    def now_ms(self) -> int:
        """Return milliseconds since 1970 UTC."""
        return int(self.clock() * 1000)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, fullest candidate first, and the bytes it may take."""

    candidates: Iterable[Answer]
    room: int


async def answer(door: Door, world: World, frame: frames.AnyFrame, limits: Limits) -> Reply:
    """Carry out one frame; raises typed errors."""
    require_scope(world, frame)
    if isinstance(frame, frames.Open):
        return await _open(door, world, frame, limits)
    if isinstance(frame, frames.Handles):
        return Reply(await door.names.replaced(world, frame), world.answer_bytes)
    visit = door.visits.read(world, frame.s)
    await door.reception.landed(visit)
    try:
        return Reply(await _carry_out(door, world, visit, frame), visit.answer_bytes)
    finally:
        # Behind what the frame has changed, also where it failed half-way: who asked before that asked too early.
        await door.reception.went_on(world, visit)


async def _carry_out(door: Door, world: World, visit: Visit, frame: frames.AnyVisitFrame) -> Iterable[Answer]:
    if isinstance(frame, frames.Link | frames.Unlink):
        return await door.names.answer(world, visit, frame)
    if isinstance(frame, frames.PersonFrame):
        return await door.persons.answer(world, visit, frame, door.now_ms())
    if isinstance(frame, frames.Correct):
        return await _correct(door, world, visit, frame)
    if isinstance(frame, frames.Play):
        return await _play(door, world, visit, frame)
    return await _go_on(door, world, visit, frame)


async def _go_on(door: Door, world: World, visit: Visit, frame: frames.EncounterFrame) -> Iterable[Answer]:
    match frame:
        case frames.Observe():
            return await _observe(door, world, visit, frame)
        case frames.Ask():
            return await _ask(door, world, visit, frame)
        case frames.Act():
            return await _act(door, world, visit, frame)
        case frames.Consent():
            return await _consent(door, world, visit, frame)
        case frames.Forget():
            return await _forget(door, world, visit, frame)
        case frames.Close():
            return await _close(door, world, visit)


async def _open(door: Door, world: World, frame: frames.Open, limits: Limits) -> Reply:
    if frame.w and frame.w != world.id:
        raise denied(world, UnknownWorldError("the token stands for another world", field="w"), "open")
    visit, token = door.visits.open(world, frame)
    now_ms = door.now_ms()
    said = await door.reception.open(world, visit, frame.lang, now_ms)
    tell = said.candidates if isinstance(said, Again) else partial(answers.opened, said)
    return Reply(tell(token, limits, Moment(visit, now_ms)), visit.answer_bytes)


async def _observe(door: Door, world: World, visit: Visit, frame: frames.Observe) -> Iterable[Answer]:
    door.vocabulary.knows(frame.e)
    _refuse_identity(frame.ref, "ref")
    happening = await _happening(door, world, visit, frame)
    interaction = door.vocabulary.observed(frame.e, happening)
    if frame.t:
        interaction = await _heard(door, interaction, _plain(world, frame.t))
    # The stream first: when it is away nothing has happened yet, and a repeat of both is harmless.
    if interaction:
        await door.publish(world, interaction)
    said = await door.avatars.Observe(
        pb.ObserveRequest(
            visit=visit_message(world, visit),
            frame_id=_frame_id(door, world, visit, frame.i),
            event=frame.e,
            ref=frame.ref,
        )
    )
    return answers.noted(said.grants, is_repeat=said.is_repeat, now_ms=door.now_ms())


async def _heard(door: Door, interaction: Interaction | None, text: str) -> Interaction:
    if interaction is None or interaction.kind not in SPOKEN:
        raise InvalidArgumentError("this event comes without a text", field="t")
    [heard] = await door.texts.hear([interaction], {interaction.mid: text})
    return heard


async def _happening(door: Door, world: World, visit: Visit, frame: frames.Observe) -> Happening:
    return Happening(
        audience=world.audience,
        visit=visit,
        mid=door.visits.message_id(world, visit, frame.i),
        at_ms=door.now_ms() - int(frame.dt * 1000),
        item=frame.ref,
        topics=await door.catalogue.topics(world.brand, frame.ref) if frame.ref else (),
    )


async def _ask(door: Door, world: World, visit: Visit, frame: frames.Ask) -> Iterable[Answer]:
    question = _plain(world, frame.q)
    said = await door.avatars.Ask(
        pb.AskRequest(
            visit=visit_message(world, visit),
            frame_id=_frame_id(door, world, visit, frame.i),
            kind=frame.k or door.vocabulary.meant(question),
            question=question[:_MOST_QUESTION],
            is_visitor_asking=not frame.unasked,
        )
    )
    return answers.advised(said, Moment(visit, door.now_ms()))


async def _act(door: Door, world: World, visit: Visit, frame: frames.Act) -> Iterable[Answer]:
    # One outcome of one step can happen once, so it names the frame where the world did not.
    mid = door.visits.message_id(world, visit, frame.i or f"{frame.ref}:{frame.r}")
    said = await door.avatars.Act(
        pb.ActRequest(visit=visit_message(world, visit), frame_id=mid.hex(), ref=frame.ref, outcome=frame.r)
    )
    happening = Happening(
        audience=world.audience,
        visit=visit,
        mid=mid,
        at_ms=door.now_ms(),
        item=said.item,
        topics=await door.catalogue.topics(world.brand, said.item) if said.item else (),
    )
    if interaction := door.vocabulary.stepped(frame.r, happening):
        await door.publish(world, interaction)
    return answers.reported(said, door.now_ms())


async def _correct(door: Door, world: World, visit: Visit, frame: frames.Correct) -> Iterable[Answer]:
    _refuse_identity(frame.ref, "ref")
    mid = door.visits.message_id(world, visit, frame.i)
    happening = Happening(world.audience, visit, mid, door.now_ms(), "", (frame.ref,))
    await door.publish(world, door.vocabulary.corrected(frame.says, happening))
    return [{"ok": 1}]


async def _play(door: Door, world: World, visit: Visit, frame: frames.Play) -> Iterable[Answer]:
    now_ms, counted = door.now_ms(), msgspec.to_builtins(frame.n)
    # No frame id has a slash: each part of a repeated frame is the same again, and nothing else is.
    mids = {name: door.visits.message_id(world, visit, frame.i and f"{frame.i}/{name}") for name in counted}
    told = (
        door.vocabulary.played(much, Happening(world.audience, visit, mids[name], now_ms, "", (name,)))
        for name, much in counted.items()
    )
    await asyncio.gather(*(door.publish(world, each) for each in told))
    return [{"ok": 1}]


async def _forget(door: Door, world: World, visit: Visit, frame: frames.Forget) -> Iterable[Answer]:
    frame_id = _frame_id(door, world, visit, frame.i)
    said = await door.avatars.Forget(
        pb.ForgetRequest(
            visit=visit_message(world, visit),
            frame_id=frame_id,
            everything=bool(frame.all),
            new_face=bool(frame.face),
        )
    )
    return answers.forgotten(said.receipt, is_repeat=said.is_repeat, was_known=said.was_known)


async def _close(door: Door, world: World, visit: Visit) -> Iterable[Answer]:
    said = await door.avatars.Close(pb.CloseRequest(visit=visit_message(world, visit)))
    return answers.closed(is_repeat=said.is_repeat)


async def _consent(door: Door, world: World, visit: Visit, frame: frames.Consent) -> Iterable[Answer]:
    statement = Statement(
        stated_at_ms=door.now_ms(),
        method="frame",
        notice_version=frame.notice,
        language=frame.lang,
        has_gpc=world.has_gpc,
    )
    said = await door.avatars.ChangeConsent(
        pb.ChangeConsentRequest(
            visit=visit_message(world, visit), give=frame.give, take=frame.take, statement=statement
        )
    )
    return answers.consented(said.records)


def _plain(world: World, words: str) -> str:
    # Scripts of Linden worlds cannot write JSON strings safely and send the words percent-encoded.
    return urllib.parse.unquote(words) if world.is_linden_script else words


def _frame_id(door: Door, world: World, visit: Visit, frame_id: str) -> str:
    return door.visits.message_id(world, visit, frame_id).hex() if frame_id else ""


def _refuse_identity(ref: str, field: str) -> None:
    if ref and identity_in(ref):
        raise IdentityRefusedError("looks like an identity; name things by ids of their own", field=field)
