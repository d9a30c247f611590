"""Shows people what was decided about them, page by page, and what is remembered of when to speak to them."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kit.errors import InvalidArgumentError
from services.recommendation.deciding import Habits, Outcome
from services.recommendation.domain import Circle, Keyed
from services.recommendation.repository import decisions
from services.recommendation.repository.decisions import HeldState, Logged
from services.recommendation.sealed import open_habits, open_record
from services.recommendation.use_cases.decide import ID_BYTES, Deciding, time_of
from services.recommendation.use_cases.keep import KEPT

_MOST = 100
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = struct.Struct(f">q{ID_BYTES}s")


@dataclass(frozen=True, slots=True)
class Listed:
    """A page, newest first, where the next begins, and what is remembered of each with the first one."""

    documents: list[dict[str, Any]]
    next: bytes
    habits: list[Habits]


async def list_decisions(around: Deciding, circle: Circle, after: bytes) -> Listed:
    """Return a page of what was decided about any of these; raises InvalidArgumentError for a place that is none."""
    now = time_of(around.now_ms())
    before = _place(after) if after else (now + timedelta(days=1), b"")
    personas = [each.persona for each in circle]
    found = await decisions.list_decisions(around.database, personas, now - KEPT, before, _MOST)
    keys = {each.persona: each for each in circle}
    documents = [_document(keys[each.persona], each) for each in found]
    habits = [] if after else await _habits(around, circle)
    return Listed(documents, _after(found[-1]) if len(found) == _MOST else b"", habits)


async def _habits(around: Deciding, circle: Circle) -> list[Habits]:
    kept = await decisions.read_states(around.database, circle)
    return [open_habits(each, kept.get(each.persona.pid, HeldState()).habits) for each in circle]


def _document(keyed: Keyed, logged: Logged) -> dict[str, Any]:
    told = open_record(keyed, logged.decision_id, logged.body)
    return {"decision": logged.decision_id.hex(), **told, "outcome": Outcome(logged.outcome).name.lower()}


def _after(last: Logged) -> bytes:
    at = last.decided_at or _EPOCH
    return _PLACE.pack((at - _EPOCH) // _MICROSECOND, last.decision_id)


def _place(after: bytes) -> tuple[datetime, bytes]:
    try:
        microseconds, decision_id = _PLACE.unpack(after)
        return _EPOCH + microseconds * _MICROSECOND, decision_id
    except (struct.error, OverflowError):
        raise InvalidArgumentError("this is no place in a list", field="after") from None


def shown(habits: Sequence[Habits]) -> list[dict[str, dict[str, float]]]:
    """Return for people to read what is remembered of each, but for those of whom nothing is."""
    return [told for each in habits if any((told := each.shown()).values())]
