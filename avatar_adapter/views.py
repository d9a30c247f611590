"""What an avatar is shown of a persona, from everything down to a few flags."""

from collections.abc import Iterator
from typing import Any

import msgspec

from contracts.avatar.v1.avatar_pb2 import Memory, OpenResponse
from contracts.profile.v1.profile_pb2 import View

Shown = dict[str, Any]

#: Sizes in bytes that the shorter views never pass, largest first.
SHORT, SMALL, FLAGS = 1600, 600, 160
_DAY_MS = 86_400_000
# One letter each: the flags must fit where a world takes 160 bytes for a whole answer.
_FLAGS = {"personalise.world": "p", "remember.conversation": "r", "recommend.offer": "o", "collect.behaviour": "c"}


def tiers(opened: OpenResponse, now_ms: int) -> Iterator[Shown]:
    """Yield the same persona ever shorter; the last one always fits into 160 bytes."""
    flags = _flags(opened)
    view, memory = opened.view, opened.memory
    if opened.HasField("view") or opened.HasField("memory"):
        yield flags | _view(view, kinds=len(view.kinds), evidence=True) | _memory(memory, now_ms, most=8)
        short = flags | _view(view, kinds=6, evidence=True) | _memory(memory, now_ms, most=3)
        if _size(short) <= SHORT:
            yield short
        small = flags | _view(view, kinds=0, evidence=False) | _memory(memory, now_ms, most=1)
        if _size(small) <= SMALL:
            yield small
        least = flags | ({"likes": list(view.likes)} if view.likes else {})
        if _size(least) <= FLAGS:
            yield least
    yield flags


def _flags(opened: OpenResponse) -> Shown:
    allowed = "".join(_FLAGS.get(decision.purpose, "") for decision in opened.decisions if decision.is_allowed)
    remembered = "m" if opened.HasField("memory") else ""
    flags: Shown = {"f": allowed + remembered}
    if not opened.HasField("view"):
        reasons = (decision.reason for decision in opened.decisions if decision.purpose == "personalise.world")
        flags["no"] = next(reasons, "NEVER_ASKED")[:24]
    return flags


def _view(view: View, *, kinds: int, evidence: bool) -> Shown:
    shown: Shown = {"h": view.handle, "likes": list(view.likes), "dislikes": list(view.dislikes)}
    shown["wishes"] = [{"ref": wish.ref, "ev": list(wish.evidence)} if evidence else wish.ref for wish in view.wishes]
    shown["kinds"] = {count.kind: count.at_least for count in view.kinds[:kinds]}
    shown["ch"] = list(view.channels) if kinds else []
    shown["day"] = view.day_part if kinds else ""
    shown["rel"] = view.relationship if kinds else ""
    kept = {key: value for key, value in shown.items() if value}
    is_told = view.handle and "recency_periods" not in view.withheld
    return kept | ({"ago30": view.recency_periods} if is_told else {})


def _memory(memory: Memory, now_ms: int, *, most: int) -> Shown:
    lists = {"asked": memory.asked, "tried": memory.tried, "dismissed": memory.dismissed}
    remembered: Shown = {key: list(refs[:most]) for key, refs in lists.items() if refs}
    if memory.last_met_at_ms:
        remembered["days"] = max(0, now_ms - memory.last_met_at_ms) // _DAY_MS
    return {"mem": remembered} if remembered else {}


def _size(shown: Shown) -> int:
    return len(msgspec.json.encode(shown))
