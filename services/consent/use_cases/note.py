"""Says something of many personas at once: that they are erased, or that they have chosen."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.fence import Change, Scope
from services.consent.chain import Record
from services.consent.domain import State, Statement, actor, stated_at
from services.consent.repository import consents as repository
from services.consent.use_cases import truth
from services.consent.use_cases.surroundings import Surroundings

#: Returns the records of one statement behind a sequence.
_Make = Callable[[AsyncConnection, Surroundings, Statement, int], Awaitable[list[Record]]]
#: To answer people and to keep their choices.
_KEEPING = "core.service"


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many records are new, and what every reader has to know."""

    recorded: int
    changes: list[Change]


async def erase(connection: AsyncConnection, around: Surroundings, statements: Sequence[Statement]) -> Recorded:
    """Record that these holders, of one brand and whatever audience, are erased; one statement each.

    Everything ever recorded of them is denied from now on, whatever is said later. Personas erased before are named
    again: nobody may have been told.
    """
    return await _record(connection, around, statements, _erased)


async def note_choice(connection: AsyncConnection, around: Surroundings, statements: Sequence[Statement]) -> Recorded:
    """Record that these holders have chosen what is offered to them, or inferred; one statement each.

    A record each time, however often the same is said: readers wait for its number, and drop what they read before.
    """
    return await _record(connection, around, statements, _chosen)


async def _record(
    connection: AsyncConnection, around: Surroundings, statements: Sequence[Statement], make: _Make
) -> Recorded:
    by_shard: dict[int, list[Statement]] = {}
    for statement in statements:
        by_shard.setdefault(statement.holder.shard, []).append(statement)
    brand, recorded, changes = statements[0].holder.brand, 0, []
    # In one order for all, so that two of these never wait for each other.
    heads = await truth.lock(connection, around, brand, sorted(by_shard))
    for shard, head in heads.items():
        new: list[Record] = []
        for statement in by_shard[shard]:
            new += await make(connection, around, statement, head.sequence + len(new))
        if new:
            await repository.append(connection, [(head, new)])
        pids = tuple(statement.holder.pid for statement in by_shard[shard])
        changes.append(Change(Scope(brand, shard), head.sequence, head.sequence + len(new), pids))
        recorded += len(new)
    return Recorded(recorded, changes)


async def _erased(
    connection: AsyncConnection, around: Surroundings, statement: Statement, sequence: int
) -> list[Record]:
    in_force = await repository.read_everywhere(connection, statement.holder)
    return [
        _said(around, statement, sequence + number, (audience, consent.purpose, consent.purpose_version, State.ERASED))
        for number, (audience, consent) in enumerate(in_force, start=1)
    ]


async def _chosen(_: AsyncConnection, around: Surroundings, statement: Statement, sequence: int) -> list[Record]:
    [keeping] = around.purposes.known([_KEEPING])
    about = (statement.holder.audience, keeping.id, keeping.version, State.CHOSEN)
    return [_said(around, statement, sequence + 1, about)]


def _said(around: Surroundings, statement: Statement, sequence: int, about: tuple[str, str, int, State]) -> Record:
    holder, now_ms = statement.holder, around.now_ms()
    audience, purpose, version, reached = about
    return Record(
        brand=holder.brand,
        shard=holder.shard,
        sequence=sequence,
        record_id=around.new_id(),
        pid=holder.pid,
        audience=audience,
        purpose=purpose,
        purpose_version=version,
        pack_version=around.purposes.version,
        state=reached.value,
        stated_at_ms=stated_at(statement.stated_at_ms, now_ms),
        expires_at_ms=0,
        recorded_at_ms=now_ms,
        method=statement.method,
        notice_version=statement.notice_version,
        language=statement.language,
        actor=actor(statement.method),
        notice_hash=around.notice.hash,
    )
