"""Says why, with the records that led there."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kit.db import Database
from services.consent.chain import Record
from services.consent.documents import document
from services.consent.domain import MAX_EXPLAINED, Decision, Holder, Purpose, holds_until, is_allowed, judge
from services.consent.repository import histories
from services.consent.use_cases.check import floored
from services.consent.use_cases.surroundings import Surroundings
from services.consent.use_cases.truth import read


@dataclass(frozen=True, slots=True)
class Kept:
    """A record with the content of the notice that it rests on."""

    record: Record
    notice: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a read is told, by which rule, and what was recorded, newest first."""

    decision: Decision
    purpose: Purpose
    records: list[Record]
    #: The record in force as JSON-LD; empty when there is none.
    document: str


async def explain(database: Database, around: Surroundings, holder: Holder, purpose: str, handle: str) -> Explanation:
    """Explain one purpose; raises UnknownPurposeError."""
    [known] = around.purposes.known([purpose])
    truth = await read(database, around, holder, [purpose])
    known = floored(around, truth, purpose) or known
    consent = truth.consents.get(purpose)
    reason = judge(known, consent, around.now_ms())
    record_id = consent.record_id if consent else ""
    decision = Decision(purpose, is_allowed(reason), reason, truth.sequence, record_id, holds_until(reason, consent))
    async with database.reading() as reading:
        found = await histories.read_history(reading, holder, purpose, MAX_EXPLAINED)
        # A statement made between the two reads is the next question's.
        found = [record for record in found if consent is not None and record.sequence <= consent.sequence]
    kept = await _with_notices(database, found[:1])
    written = json.dumps(document(kept[0].record, kept[0].notice, handle), ensure_ascii=False) if kept else ""
    return Explanation(decision, known, found, written)


async def in_force(database: Database, holder: Holder) -> list[Kept]:
    """Return the record in force of every purpose, each with what it rests on."""
    async with database.reading() as reading:
        records = await histories.read_in_force(reading, holder)
    return await _with_notices(database, records)


async def recorded(database: Database, holder: Holder, record_ids: Iterable[str]) -> list[Kept]:
    """Return records by their ids, each with what it rests on, whether or not they are in force any more."""
    return await _with_notices(database, await histories.read_by_id(database, holder, record_ids))


async def _with_notices(database: Database, records: Sequence[Record]) -> list[Kept]:
    bodies = await histories.read_notices(database, {record.notice_hash for record in records})
    contents = {digest: _content(body) for digest, body in bodies.items()}
    # Records from before notices were kept rest on none that we could show.
    return [Kept(record, contents.get(record.notice_hash, {})) for record in records]


@lru_cache(maxsize=16)
def _content(body: bytes) -> Mapping[str, Any]:
    # There are few, and every receipt shows one.
    content: dict[str, Any] = json.loads(body)
    return content
