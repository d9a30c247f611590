"""What is kept of one persona: when the brand began a contact, and what the persona made of decisions.

States of linked personas merge while reading; each keeps its own, so that unlinking leaves nothing behind.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from services.recommendation.deciding.words import Outcome

DAY_MS = 86_400_000
#: Limits of contact speak of so long.
WINDOW_MS = 30 * DAY_MS
#: After a complaint the brand begins nothing for so long.
COMPLAINT_MS = 90 * DAY_MS
#: More than any treatment allows.
_MOST_CONTACTS = 32
_MOST_HEARD = 24
_HEARD_MS = 90 * DAY_MS


class Heard(NamedTuple):
    """What became of one decision."""

    at_ms: int
    outcome: int
    item: str


@dataclass(frozen=True, slots=True)
class State:
    """Times are milliseconds since 1970 UTC; oldest first."""

    contacts: tuple[int, ...] = ()
    heard: tuple[Heard, ...] = ()
    complained_at_ms: int = 0


EMPTY = State()


def encode_state(state: State) -> bytes:
    return msgspec.msgpack.encode((state.contacts, state.heard, state.complained_at_ms))


def decode_state(body: bytes) -> State:
    return State(*msgspec.msgpack.decode(body, type=tuple[tuple[int, ...], tuple[Heard, ...], int]))


def merge(states: Iterable[State]) -> State:
    """Return what holds for all together."""
    every = tuple(states)
    return State(
        tuple(sorted(at_ms for each in every for at_ms in each.contacts)),
        tuple(sorted(heard for each in every for heard in each.heard)),
        max((each.complained_at_ms for each in every), default=0),
    )


def contacted(state: State, at_ms: int) -> State:
    """Note that the brand began a contact."""
    recent = (each for each in state.contacts if each > at_ms - WINDOW_MS)
    return replace(state, contacts=tuple(sorted((*recent, at_ms)))[-_MOST_CONTACTS:])


def heard(state: State, at_ms: int, outcome: Outcome, item: str) -> State:
    """Note what became of a decision."""
    recent = (each for each in state.heard if each.at_ms > at_ms - _HEARD_MS)
    kept = tuple(sorted((*recent, Heard(at_ms, int(outcome), item))))[-_MOST_HEARD:]
    complained_at_ms = at_ms if outcome is Outcome.COMPLAINED else state.complained_at_ms
    return replace(state, heard=kept, complained_at_ms=complained_at_ms)
