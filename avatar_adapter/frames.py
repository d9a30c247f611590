"""Reads frames: closed shapes, and refusals that name the key and never the value."""

import re
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from avatar_adapter.domain import (
    LEAST_ANSWER_BYTES,
    MOST_ANSWER_BYTES,
    MOST_FRAMES,
    BadJsonError,
    BodySignalError,
    UnknownKeyError,
    UnknownOpError,
)
from kit.errors import InvalidArgumentError, TypedError
from kit.refusal import identity_in

FrameId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
# An opaque id and never free text: no space, no "@", so that neither a name nor an address fits in.
Ref = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
#: What an offer rests on: an item or a topic.
Ground = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
VisitToken = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,256}\Z")]
WorldId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
AvatarId = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,64}\Z")]
Language = Annotated[str, Meta(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?)?\Z")]
# One that there is per brand or per pair may name the other side, as in REST: under a signal only that is an opt-in.
_OTHER = r"(@(app|world|brand):[A-Za-z0-9._-]{1,74})?"
Purpose = Annotated[str, Meta(pattern=rf"^(\*|[a-z_]{{1,32}}(\.[a-z_]{{1,32}}){{1,3}}{_OTHER})\Z")]
# Whole numbers arrive as 4000.0 from worlds whose language has but one kind of number.
AnswerBytes = Annotated[float, Meta(ge=LEAST_ANSWER_BYTES, le=MOST_ANSWER_BYTES)]


class Capabilities(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the world can take: bytes of an answer, pushes, characters of a line; 0 stands for what was not said."""

    max: AnswerBytes = 0
    push: bool | Literal[0, 1] = False
    say: Annotated[float, Meta(ge=16, le=1000)] = 0


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", kw_only=True):
    """What every frame may carry: the id that makes it safe to send again."""

    i: FrameId = ""


class Open(Frame, frozen=True, tag="open"):
    """A visitor stands before an avatar. Without `v` the visitor is a stranger in this visit and in every other."""

    w: WorldId = ""
    a: AvatarId = ""
    v: Annotated[str, Meta(max_length=128)] = ""
    lang: Language = ""
    cap: Capabilities = Capabilities()


class VisitFrame(Frame, frozen=True):
    """A frame within a visit."""

    s: VisitToken


class Observe(VisitFrame, frozen=True, tag="obs"):
    """Something happened `dt` seconds ago."""

    e: Annotated[str, Meta(pattern=r"^[a-z_]{1,32}\Z")]
    ref: Ref = ""
    dt: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    #: What the visitor said with it, of events that allow it: judged and gone.
    t: Annotated[str, Meta(max_length=500)] = ""


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much of each the visitor did in so many hours, since this was last told."""

    hours: Annotated[float, Meta(gt=0, le=24)]
    trades: Annotated[float, Meta(ge=0, le=1_000)] = 0.0
    #: Different ones.
    chat_partners: Annotated[float, Meta(ge=0, le=1_000)] = 0.0
    #: Metres from where the visitor was before; how they moved is nobody's business.
    distance_explored: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    blocks_built: Annotated[float, Meta(ge=0, le=100_000)] = 0.0
    help_given: Annotated[float, Meta(ge=0, le=1_000)] = 0.0
    rules_broken: Annotated[float, Meta(ge=0, le=1_000)] = 0.0


class Play(VisitFrame, frozen=True, tag="play"):
    """How the visitor played."""

    n: Counted


class Ask(VisitFrame, frozen=True, tag="ask"):
    """The visitor asks; with `unasked` the avatar asks for itself, which needs a grant."""

    q: Annotated[str, Meta(max_length=500)] = ""
    k: Literal["rec", "faq", "where", "price", "help", ""] = ""
    unasked: bool | Literal[0, 1] = False


class Act(VisitFrame, frozen=True, tag="act"):
    """What became of an offered step."""

    ref: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,24}\Z")]
    r: Literal["done", "refused", "ignored", "stopped"]


class Consent(VisitFrame, frozen=True, tag="con"):
    """The visitor gives and takes back consent; "*" takes everything back."""

    give: Annotated[list[Purpose], Meta(max_length=32)] = []
    take: Annotated[list[Purpose], Meta(max_length=32)] = []
    notice: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.-]{0,16}\Z")] = ""
    lang: Language = ""


class Forget(VisitFrame, frozen=True, tag="fgt"):
    """The avatar is to forget the visitor; with `all` everything about the visitor's persona is erased everywhere.

    With `face` this world alone forgets the visitor, who has a new face from then on.
    """

    all: bool | Literal[0, 1] = False
    face: bool | Literal[0, 1] = False


class Link(VisitFrame, frozen=True, tag="link"):
    """The visitor wants to be one persona here and in another world: a code is issued, or `code` is redeemed."""

    code: Annotated[str, Meta(max_length=64)] = ""
    brand: Annotated[str, Meta(pattern=r"^[a-z0-9-]{0,64}\Z")] = ""


class Unlink(VisitFrame, frozen=True, tag="unl"):
    """The visitor wants to be apart again: from one audience, or from all."""

    w: Annotated[str, Meta(pattern=r"^((app|world):[A-Za-z0-9._-]{1,74})?\Z")] = ""


class Handles(Frame, frozen=True, tag="hnd"):
    """The world asks which of its handles were replaced; of no visit."""

    after: Annotated[str, Meta(pattern=r"^([0-9a-f]{2}){0,64}\Z")] = ""


class See(VisitFrame, frozen=True, tag="see"):
    """The visitor wants to see what is known of them; the key in the answer opens all of it at the gateway."""


class Correct(VisitFrame, frozen=True, tag="cor"):
    """The visitor says what holds of a topic or an item, whatever was inferred."""

    ref: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
    says: Literal["likes", "dislikes", "neither"]


class Object(VisitFrame, frozen=True, tag="obj"):
    """All that the visitor objects to having inferred, from now on."""

    inf: Annotated[
        list[Literal["likes", "dislikes", "wishes", "habits", "ranking", "relationship"]], Meta(max_length=6)
    ]


class Remove(VisitFrame, frozen=True, tag="rm"):
    """An offer, all that the brand offers or all gifts are not to be offered any more; `undo` takes that back.

    An offer takes along what it rested `on`, as `ask` told it.
    """

    what: Literal["offer", "brand", "gifts"]
    ref: Ref | Literal[""] = ""
    on: Annotated[list[Ground], Meta(max_length=3)] = []
    undo: bool | Literal[0, 1] = False


class Relate(VisitFrame, frozen=True, tag="rel"):
    """Which relationship the visitor wants with the brand, a type of its pack; without one that is taken back."""

    type: Annotated[str, Meta(pattern=r"^[a-z0-9_]{0,64}\Z")] = ""


class Close(VisitFrame, frozen=True, tag="close"):
    """The visit is over."""


EncounterFrame = Observe | Ask | Act | Consent | Forget | Close
PersonFrame = See | Object | Remove | Relate
AnyVisitFrame = EncounterFrame | PersonFrame | Correct | Play | Link | Unlink
AnyFrame = Open | Handles | AnyVisitFrame


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 16 frames in one request, each read on its own so that a bad one fails alone."""

    b: Annotated[list[Raw], Meta(min_length=1, max_length=MOST_FRAMES)]
    max: AnswerBytes = 0


class _Kind(msgspec.Struct, frozen=True):
    op: Raw | UnsetType = UNSET
    b: Raw | UnsetType = UNSET


class _Named(msgspec.Struct, frozen=True):
    i: str = ""


# Keys under which engines and headsets hand over how a body moves, looks or sounds.
_BODY_SIGNALS = re.compile(
    r"(?i)(motion|gaze|voice|audio|speech|head|hand|eye|face|blink|gait|pose|skelet|bone|joint|track|rot|quat|vel|accel|pos$|"
    r"position|look|pulse|heart)"
)
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*?)`(?: - at `|$)", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(\w+)`")
_PLACE = re.compile(r" - at `\$\.?(\w+(?:\.\w+)?)[^`]*`$")
_BOUND = re.compile(r"^Expected `\w+`(?: of length)? (?:>=|<=) (\d+)")
_SAFE_KEY = re.compile(r"[A-Za-z0-9_.-]{1,32}")

T = TypeVar("T")

_kind = msgspec.json.Decoder(_Kind)
_named = msgspec.json.Decoder(_Named)
_batch = msgspec.json.Decoder(Batch)
_frame = msgspec.json.Decoder(AnyFrame)


def parse(body: bytes) -> AnyFrame | Batch:
    """Return the frame or batch in `body`; raises a typed error for anything else."""
    kind = _decode(_kind, body)
    return _decode(_batch, body) if kind.b is not UNSET and kind.op is UNSET else parse_frame(body)


def parse_frame(body: bytes | Raw) -> AnyFrame:
    """Return the one frame in `body`; raises a typed error."""
    frame: AnyFrame = _decode(_frame, body)
    return frame


def frame_id(body: Raw) -> str:
    """Return the id of a frame that may be wrong otherwise, so that its refusal can be told apart; empty for none."""
    try:
        name = _named.decode(body).i
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return ""
    return name if _SAFE_KEY.fullmatch(name) else ""


def _decode(decoder: msgspec.json.Decoder[T], body: bytes | Raw) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise BadJsonError("the body must be one JSON object") from None


def _refusal(message: str) -> TypedError:
    # Only our own words go back: the reader's messages may quote what was sent.
    if unknown := _UNKNOWN.match(message):
        return _unknown_key(unknown[1])
    if missing := _MISSING.match(message):
        if missing[1] == "op":
            return UnknownOpError("a frame needs an op", field="op")
        return InvalidArgumentError("is needed", field=missing[1])
    place = _PLACE.search(message)
    field = place[1] if place else ""
    if field == "op":
        return UnknownOpError("there is no such frame", field="op")
    if not field:
        return BadJsonError("the body must be one JSON object")
    bound = _BOUND.match(message)
    return InvalidArgumentError("does not fit the contract", field=field, limit=bound[1] if bound else "")


def _unknown_key(key: str) -> TypedError:
    name = key if _SAFE_KEY.fullmatch(key) and not identity_in(key) else ""
    if _BODY_SIGNALS.search(key):
        return BodySignalError("motion, gaze and voice are not part of the contract", field=name)
    return UnknownKeyError("the contract has no such key", field=name)
