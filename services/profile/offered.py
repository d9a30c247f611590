"""Offers one by one: what a person was shown, where and why, and what they said to it."""

from collections.abc import Iterable

import msgspec

from services.profile.choices import Choices, Unwanted

ANSWERS = frozenset({"ignored", "accepted", "dismissed", "removed", "complained"})
_MOST_SHOWN = 20


class Offered(msgspec.Struct, array_like=True, frozen=True):
    """One offer as it is kept, or what was said to one: `answer` is empty where it was shown."""

    at_ms: int
    item: str
    #: Kind and ref of each reason.
    grounds: tuple[tuple[str, str], ...] = ()
    channel: str = ""
    #: In hex; an answer may name it in place of the item.
    decision: str = ""
    answer: str = ""
    times: int = 1


class Ground(msgspec.Struct, frozen=True):
    """What an offer rested on: an item or a topic, and how."""

    kind: str
    ref: str


class Line(msgspec.Struct, frozen=True):
    """One offer of the archive, or what was said to one."""

    at_ms: int
    brand: str
    audience: str
    channel: str
    item: str
    because: tuple[Ground, ...]
    decision: str
    answer: str
    times: int


class Shown(msgspec.Struct, frozen=True):
    """One offer: when and where it was made, by whom, why, and what was said to it."""

    at_ms: int
    brand: str
    audience: str
    channel: str
    item: str
    because: tuple[Ground, ...]
    #: Empty, "ignored", "accepted", "dismissed", "removed" or "complained".
    answer: str
    #: 0 for not yet.
    answered_at_ms: int
    #: Whether it is not made any more.
    is_removed: bool


def shown(brand: str, audience: str, kept: Iterable[Offered], chosen: Choices) -> tuple[Shown, ...]:
    """Return the newest offers, newest first, each with the last that was said to it before it was shown again."""
    told: list[Shown] = []
    answers: dict[str, Offered] = {}
    # A report whose acknowledgement was lost comes again: the same words are one offer.
    for each in sorted(set(kept), key=lambda each: (each.at_ms, bool(each.answer)), reverse=True):
        if each.answer:
            answers.setdefault(each.decision or each.item, each)
        elif len(told) < _MOST_SHOWN:
            told.append(_shown(brand, audience, each, _answer(answers, each), chosen))
    return tuple(told)


def line(brand: str, audience: str, each: Offered) -> Line:
    """Return an offer, or what was said to one, as the archive has it."""
    because = tuple(Ground(*ground) for ground in each.grounds)
    where = brand, audience, each.channel
    return Line(each.at_ms, *where, each.item, because, each.decision, each.answer, each.times)


def _answer(answers: dict[str, Offered], each: Offered) -> Offered | None:
    by_item = answers.pop(each.item, None)
    return answers.get(each.decision, by_item) if each.decision else by_item


def _shown(brand: str, audience: str, each: Offered, answer: Offered | None, chosen: Choices) -> Shown:
    removal = chosen.find(Unwanted("offer", each.item))
    said, said_at_ms = ("", 0) if answer is None else (answer.answer, answer.at_ms)
    if removal is not None and removal.at_ms >= each.at_ms:
        said, said_at_ms = "removed", removal.at_ms
    because = tuple(Ground(*ground) for ground in each.grounds)
    where = brand, audience, each.channel
    return Shown(each.at_ms, *where, each.item, because, said, said_at_ms, removal is not None)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Offered, ...])


def encode(offered: Iterable[Offered]) -> bytes:
    return _encoder.encode(tuple(offered))


def decode(body: bytes) -> tuple[Offered, ...]:
    return _decoder.decode(body)
