"""Raises the lowest version of a purpose whose consents are still read: a change for everybody at once."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.fence import EVERY, Change, Scope
from services.consent.chain import Head, Record
from services.consent.domain import FloorError, Purpose, State
from services.consent.repository import consents as repository
from services.consent.use_cases import truth
from services.consent.use_cases.surroundings import Surroundings

_ACTOR = "brand"


@dataclass(frozen=True, slots=True)
class Raised:
    """The floor in force, and what every reader has to know of it."""

    floor: int
    changes: list[Change]


async def raise_floor(connection: AsyncConnection, around: Surroundings, brand: str, asked: tuple[str, int]) -> Raised:
    """Raise the floor of a purpose, both `asked`, in every shard; raises UnknownPurposeError and FloorError.

    A shard without a record has no consents that could fall below it: its first one is to the version of the pack.
    """
    [purpose] = around.purposes.known([asked[0]])
    if not 1 <= asked[1] <= purpose.version:
        raise FloorError("no such version of the purpose", field="floor", limit=f"1 to {purpose.version}")
    # Before the floor: a grant that is being written ends first, and the next one finds it.
    heads = await truth.lock_all(connection, around, brand)
    floor = await repository.keep_floor(connection, brand, purpose.kind, asked[1])
    new = {shard: _record(around, Scope(brand, shard), head, purpose, floor) for shard, head in heads.items()}
    if new:
        await repository.append(connection, [(heads[shard], [record]) for shard, record in new.items()])
    changes = [Change(Scope(brand, shard), head.sequence, head.sequence + 1, (EVERY,)) for shard, head in heads.items()]
    return Raised(floor, changes)


def _record(around: Surroundings, scope: Scope, head: Head, purpose: Purpose, floor: int) -> Record:
    now_ms = around.now_ms()
    return Record(
        brand=scope.brand,
        shard=scope.shard,
        sequence=head.sequence + 1,
        record_id=around.new_id(),
        pid=b"",
        audience="",
        purpose=purpose.kind,
        purpose_version=floor,
        pack_version=around.purposes.version,
        state=State.FLOOR_RAISED.value,
        stated_at_ms=now_ms,
        expires_at_ms=0,
        recorded_at_ms=now_ms,
        method="",
        notice_version="",
        language="",
        actor=_ACTOR,
        notice_hash=around.notice.hash,
    )
