"""Says what is allowed and what is in force."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database
from kit.fence import Scope
from services.consent.domain import Consent, Decision, Holder, Purpose, holds_until, is_allowed, judge, never_asked
from services.consent.repository import consents as repository
from services.consent.use_cases.surroundings import Surroundings
from services.consent.use_cases.truth import read


async def check(database: Database, around: Surroundings, holder: Holder, purposes: Sequence[str]) -> list[Decision]:
    """Decide every purpose, in the order asked, from one snapshot of the truth."""
    truth = await read(database, around, holder, purposes)
    now_ms = around.now_ms()
    decisions = []
    for purpose in purposes:
        consent = truth.consents.get(purpose)
        reason = judge(floored(around, truth, purpose), consent, now_ms)
        record_id = consent.record_id if consent else ""
        until_ms = holds_until(reason, consent)
        decisions.append(Decision(purpose, is_allowed(reason), reason, truth.sequence, record_id, until_ms))
    return decisions


def floored(around: Surroundings, truth: repository.Truth, purpose: str) -> Purpose | None:
    """Return a purpose with the floor that holds for it, or None where there is none."""
    found = around.purposes.find(purpose)
    return found and found.raised_to(truth.floors.get(found.kind, 0))


@dataclass(frozen=True, slots=True)
class Masks:
    """One mask per persona asked about, until when time alone changes none (0 for ever), and the shards' heads."""

    allowed: list[int]
    holds_until_ms: list[int]
    heads: dict[int, int]


async def check_many(
    connection: AsyncConnection,
    around: Surroundings,
    who: tuple[str, str, Sequence[int], Sequence[bytes]],
    purposes: Sequence[str],
) -> Masks:
    """Decide for each persona of `who` (brand, audience, shards, pids): bit i is set when purposes[i] is allowed."""
    everyone = 0
    asked: list[tuple[str, int, int]] = []
    for place, purpose in enumerate(purposes):
        found = around.purposes.find(purpose)
        if found is None:
            continue
        if found.is_always_on:
            everyone |= 1 << place
        else:
            asked.append((found.id, found.floor, 1 << place))
    # In this order: what is acknowledged before the heads are read is no loss, and the consents are as new as those.
    kept = around.marks.read()
    heads, allowed = await repository.check_many(connection, who, asked, around.now_ms())
    masks = Masks([everyone] * len(who[3]), [0] * len(who[3]), heads)
    for place, mask, until_ms in allowed:
        shard = who[2][place]
        if heads[shard] >= kept.heads.get(Scope(who[0], shard), 0):
            masks.allowed[place] |= mask
            masks.holds_until_ms[place] = until_ms
    return masks


async def list_consents(database: Database, around: Surroundings, holder: Holder) -> list[Consent]:
    """Return what is in force for every purpose of the pack, in its order."""
    purposes = around.purposes.ordered
    truth = await read(database, around, holder, [purpose.id for purpose in purposes])
    return [truth.consents.get(purpose.id) or never_asked(purpose) for purpose in purposes]
