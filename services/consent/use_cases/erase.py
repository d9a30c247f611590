"""Erases personas: everything ever recorded of them is denied from now on, whatever is said later."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.fence import Change, Scope
from services.consent.chain import Record
from services.consent.domain import State, Statement, actor, stated_at
from services.consent.repository import consents as repository
from services.consent.use_cases import truth
from services.consent.use_cases.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Erased:
    """How many records are new, and what every reader has to know."""

    recorded: int
    changes: list[Change]


async def erase(connection: AsyncConnection, around: Surroundings, statements: Sequence[Statement]) -> Erased:
    """Record that these holders, of one brand and whatever audience, are erased; one statement each.

    Personas erased before are named again: nobody may have been told.
    """
    by_shard: dict[int, list[Statement]] = {}
    for statement in statements:
        by_shard.setdefault(statement.holder.shard, []).append(statement)
    brand, recorded, changes = statements[0].holder.brand, 0, []
    # In one order for all, so that two of these never wait for each other.
    heads = await truth.lock(connection, around, brand, sorted(by_shard))
    for shard, head in heads.items():
        new: list[Record] = []
        for statement in by_shard[shard]:
            new += await _records(connection, around, statement, head.sequence + len(new))
        if new:
            await repository.append(connection, [(head, new)])
        pids = tuple(statement.holder.pid for statement in by_shard[shard])
        changes.append(Change(Scope(brand, shard), head.sequence, head.sequence + len(new), pids))
        recorded += len(new)
    return Erased(recorded, changes)


async def _records(
    connection: AsyncConnection, around: Surroundings, statement: Statement, sequence: int
) -> list[Record]:
    holder, now_ms = statement.holder, around.now_ms()
    in_force = await repository.read_everywhere(connection, holder)
    return [
        Record(
            brand=holder.brand,
            shard=holder.shard,
            sequence=sequence + number,
            record_id=around.new_id(),
            pid=holder.pid,
            audience=audience,
            purpose=consent.purpose,
            purpose_version=consent.purpose_version,
            pack_version=around.purposes.version,
            state=State.ERASED.value,
            stated_at_ms=stated_at(statement.stated_at_ms, now_ms),
            expires_at_ms=0,
            recorded_at_ms=now_ms,
            method=statement.method,
            notice_version=statement.notice_version,
            language=statement.language,
            actor=actor(statement.method),
            notice_hash=around.notice.hash,
        )
        for number, (audience, consent) in enumerate(in_force, start=1)
    ]
