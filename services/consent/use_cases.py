"""What can be done with consents: state, check, check many, list."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database
from kit.errors import UnavailableError
from kit.fence import Change, Marks, NoMarks, Scope
from services.consent import repository
from services.consent.chain import Head, Record
from services.consent.domain import (
    Consent,
    Decision,
    Holder,
    Intent,
    Purpose,
    Statement,
    expires_at,
    holds_until,
    is_allowed,
    judge,
    never_asked,
    next_state,
    stated_at,
    takes_effect_at,
)
from services.consent.purposes import Purposes


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the use cases need from outside: the pack, a clock in milliseconds, ids of 32 hexadecimal characters."""

    purposes: Purposes
    now_ms: Callable[[], int]
    new_id: Callable[[], str]
    #: How far each shard was acknowledged: a database that is behind has lost what may be read.
    marks: Marks = field(default_factory=NoMarks)


@dataclass(frozen=True, slots=True)
class Stated:
    """What is now in force, one per purpose in the order asked, and what every reader has to know of it."""

    consents: list[Consent]
    change: Change


async def state(connection: AsyncConnection, around: Surroundings, statement: Statement) -> Stated:
    """Record a statement. One that was recorded before names its change again: nobody may have been told."""
    if statement.intent is Intent.WITHDRAW:
        purposes = around.purposes.withdrawable(statement.purposes)
    else:
        purposes = around.purposes.known(statement.purposes)
    holder = statement.holder
    head = (await _lock_heads(connection, around, holder.brand, [holder.shard]))[holder.shard]
    consents = await repository.read_current(connection, holder, [purpose.id for purpose in purposes])
    new = _said(around, statement, purposes, consents, head.sequence)
    if new:
        await repository.append(connection, [(head, new)])
    asked = statement.purposes or [purpose.id for purpose in purposes]
    return Stated(
        [consents[purpose] for purpose in asked], _change(holder.brand, holder.shard, head, new, [holder.pid])
    )


async def grant_many(
    connection: AsyncConnection, around: Surroundings, statements: Sequence[Statement]
) -> tuple[int, list[Change]]:
    """Record grants of one brand and audience about the same purposes; return how many are new, and the changes."""
    if not statements:
        return 0, []
    purposes = around.purposes.known(statements[0].purposes)
    brand = statements[0].holder.brand
    by_shard: dict[int, list[Statement]] = {}
    for statement in statements:
        by_shard.setdefault(statement.holder.shard, []).append(statement)
    # In one order for all, so that two of these never wait for each other; read only once nobody else can write.
    heads = await _lock_heads(connection, around, brand, sorted(by_shard))
    holders = list(dict.fromkeys(statement.holder for statement in statements))
    in_force = await repository.read_many(connection, holders, [purpose.id for purpose in purposes])
    additions: list[tuple[Head, list[Record]]] = []
    changes = []
    for shard, head in heads.items():
        new: list[Record] = []
        for statement in by_shard[shard]:
            consents = in_force.setdefault(statement.holder, {})
            new += _said(around, statement, purposes, consents, head.sequence + len(new))
        if new:
            additions.append((head, new))
        pids = dict.fromkeys(statement.holder.pid for statement in by_shard[shard])
        changes.append(_change(brand, shard, head, new, pids))
    if additions:
        await repository.append(connection, additions)
    return sum(len(new) for _, new in additions), changes


async def _lock_heads(
    connection: AsyncConnection, around: Surroundings, brand: str, shards: Sequence[int]
) -> dict[int, Head]:
    # Before the heads, as everywhere: what is acknowledged in between is no loss.
    kept = around.marks.read()
    heads = {shard: await repository.lock_head(connection, brand, shard) for shard in shards}
    if any(head.sequence < kept.heads.get(Scope(brand, shard), 0) for shard, head in heads.items()):
        # Its numbers have been given out before, and readers take them for applied.
        raise UnavailableError("the database was restored, and is not mended yet", retry_after_s=1)
    return heads


def _change(brand: str, shard: int, head: Head, new: Sequence[Record], pids: Iterable[bytes]) -> Change:
    return Change(Scope(brand, shard), head.sequence, head.sequence + len(new), tuple(pids))


def _said(
    around: Surroundings, statement: Statement, purposes: Sequence[Purpose], consents: dict[str, Consent], sequence: int
) -> list[Record]:
    """Return the records of a statement behind `sequence`, and put into `consents` what is then in force."""
    now_ms = around.now_ms()
    said_at_ms = stated_at(statement.stated_at_ms, now_ms)
    new: list[Record] = []
    for purpose in purposes:
        if purpose.is_always_on:
            consents[purpose.id] = never_asked(purpose)
            continue
        effective_at_ms = takes_effect_at(statement, consents.get(purpose.id), said_at_ms)
        reached = next_state(statement.intent, purpose, consents.get(purpose.id), effective_at_ms, now_ms)
        if reached is None:
            continue
        consent = Consent(
            purpose.id,
            purpose.version,
            reached,
            around.new_id(),
            sequence + len(new) + 1,
            effective_at_ms,
            expires_at(reached, effective_at_ms),
        )
        consents[purpose.id] = consent
        new.append(_record(statement, consent, around.purposes.version, now_ms))
    return new


def _record(statement: Statement, consent: Consent, pack_version: str, now_ms: int) -> Record:
    holder = statement.holder
    return Record(
        brand=holder.brand,
        shard=holder.shard,
        sequence=consent.sequence,
        record_id=consent.record_id,
        pid=holder.pid,
        audience=holder.audience,
        purpose=consent.purpose,
        purpose_version=consent.purpose_version,
        pack_version=pack_version,
        state=consent.state.value,
        stated_at_ms=consent.stated_at_ms,
        expires_at_ms=consent.expires_at_ms,
        recorded_at_ms=now_ms,
        method=statement.method,
        notice_version=statement.notice_version,
        language=statement.language,
    )


async def check(database: Database, around: Surroundings, holder: Holder, purposes: Sequence[str]) -> list[Decision]:
    """Decide every purpose, in the order asked, from one snapshot of the truth."""
    sequence, consents = await _read(database, around, holder, purposes)
    now_ms = around.now_ms()
    decisions = []
    for purpose in purposes:
        consent = consents.get(purpose)
        reason = judge(around.purposes.find(purpose), consent, now_ms)
        record_id = consent.record_id if consent else ""
        until_ms = holds_until(reason, consent)
        decisions.append(Decision(purpose, is_allowed(reason), reason, sequence, record_id, until_ms))
    return decisions


async def _read(
    database: Database, around: Surroundings, holder: Holder, purposes: Sequence[str]
) -> tuple[int, dict[str, Consent]]:
    # Before the truth: what is acknowledged in between is no loss.
    kept = around.marks.read()
    sequence, consents = await repository.check(database, holder, purposes)
    is_lost = sequence < kept.heads.get(Scope(holder.brand, holder.shard), 0)
    return sequence, {} if is_lost else consents


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
    # In this order: what is acknowledged before the heads are read is no loss, and the consents are as new as those.
    kept = around.marks.read()
    heads = await repository.read_heads(connection, who[0], set(who[2]))
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
    masks = Masks([everyone] * len(who[3]), [0] * len(who[3]), heads)
    if asked and who[3]:
        for place, mask, until_ms in await repository.check_many(connection, who, asked, around.now_ms()):
            shard = who[2][place]
            if heads[shard] >= kept.heads.get(Scope(who[0], shard), 0):
                masks.allowed[place] |= mask
                masks.holds_until_ms[place] = until_ms
    return masks


async def list_consents(database: Database, around: Surroundings, holder: Holder) -> list[Consent]:
    """Return what is in force for every purpose of the pack, in its order."""
    purposes = around.purposes.ordered
    _, consents = await _read(database, around, holder, [purpose.id for purpose in purposes])
    return [consents.get(purpose.id) or never_asked(purpose) for purpose in purposes]
