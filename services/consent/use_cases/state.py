"""Records what people say: one statement, or the same of many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.fence import Change, Scope
from services.consent.chain import Head, Record
from services.consent.domain import (
    GPC,
    Consent,
    Intent,
    Purpose,
    Statement,
    actor,
    expires_at,
    heard,
    never_asked,
    next_state,
    stated_at,
    takes_effect_at,
)
from services.consent.repository import consents as repository
from services.consent.use_cases import truth
from services.consent.use_cases.surroundings import Surroundings


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
    refused = _refused(around, statement, purposes)
    head = (await truth.lock(connection, around, holder.brand, [holder.shard]))[holder.shard]
    taken_back = [*purposes, *refused] if statement.intent is Intent.WITHDRAW else refused
    kinds = [purpose.id for purpose in taken_back if around.purposes.has_sides(purpose)]
    asked_about = [each.id for each in (*purposes, *refused)]
    consents = (await repository.read_many(connection, [holder], asked_about, kinds)).get(holder, {})
    if statement.intent is Intent.WITHDRAW:
        purposes += _named(around, consents, purposes)
    refused += _named(around, consents, refused)
    new = _said(around, statement, purposes, consents, head)
    new += _said(around, _signal(statement), refused, consents, _behind(head, new))
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
    heads = await truth.lock(connection, around, brand, sorted(by_shard))
    holders = list(dict.fromkeys(statement.holder for statement in statements))
    in_force = await repository.read_many(connection, holders, [purpose.id for purpose in purposes])
    additions: list[tuple[Head, list[Record]]] = []
    changes = []
    for shard, head in heads.items():
        new: list[Record] = []
        for statement in by_shard[shard]:
            consents = in_force.setdefault(statement.holder, {})
            new += _said(around, statement, purposes, consents, _behind(head, new))
        if new:
            additions.append((head, new))
        pids = dict.fromkeys(statement.holder.pid for statement in by_shard[shard])
        changes.append(_change(brand, shard, head, new, pids))
    if additions:
        await repository.append(connection, additions)
    return sum(len(new) for _, new in additions), changes


def _refused(around: Surroundings, statement: Statement, purposes: Sequence[Purpose]) -> list[Purpose]:
    """Return what the signal of a request refuses beside the purposes that the statement names."""
    named = {purpose.id for purpose in purposes}
    return around.purposes.refused_under_gpc(named) if statement.has_gpc else []


def _named(around: Surroundings, consents: Iterable[str], purposes: Sequence[Purpose]) -> list[Purpose]:
    """Return what was allowed to others by name under these purposes: taken back with them."""
    kinds = {purpose.id for purpose in purposes if around.purposes.has_sides(purpose)}
    known = {purpose.id for purpose in purposes}
    found = (around.purposes.find(id_) for id_ in consents if id_ not in known)
    return [each for each in found if each is not None and each.kind in kinds]


def _signal(statement: Statement) -> Statement:
    return replace(statement, intent=Intent.WITHDRAW, method=GPC)


def _change(brand: str, shard: int, head: Head, new: Sequence[Record], pids: Iterable[bytes]) -> Change:
    return Change(Scope(brand, shard), head.sequence, head.sequence + len(new), tuple(pids))


def _behind(head: Head, new: Sequence[Record]) -> Head:
    return replace(head, sequence=head.sequence + len(new))


def _said(
    around: Surroundings, statement: Statement, purposes: Sequence[Purpose], consents: dict[str, Consent], head: Head
) -> list[Record]:
    """Return the records of a statement behind the head, and put into `consents` what is then in force."""
    now_ms = around.now_ms()
    said_at_ms = stated_at(statement.stated_at_ms, now_ms)
    new: list[Record] = []
    # What was allowed before the shard was mended may have been taken back since, and that be lost.
    is_lost = statement.intent is Intent.GRANT and said_at_ms <= head.mended_at_ms
    for purpose in purposes:
        if purpose.is_always_on:
            consents[purpose.id] = never_asked(purpose)
            continue
        in_force = consents.get(purpose.id)
        consent = None if is_lost else _reached(statement, purpose, in_force, (said_at_ms, now_ms))
        if consent is None:
            consents.setdefault(purpose.id, never_asked(purpose))
            continue
        consent = replace(consent, record_id=around.new_id(), sequence=head.sequence + len(new) + 1)
        consents[purpose.id] = consent
        new.append(_record(statement, consent, around, now_ms))
    return new


def _reached(
    statement: Statement, purpose: Purpose, in_force: Consent | None, times_ms: tuple[int, int]
) -> Consent | None:
    said_at_ms, now_ms = times_ms
    meant = heard(statement, purpose, in_force)
    if meant is None:
        return None
    intent, method, conflicts_with = meant
    at_ms = takes_effect_at(replace(statement, intent=intent, method=method), in_force, said_at_ms)
    reached = next_state(intent, purpose, in_force, at_ms, now_ms)
    if reached is None:
        return None
    return Consent(
        purpose.id,
        purpose.version,
        reached,
        stated_at_ms=at_ms,
        expires_at_ms=expires_at(reached, at_ms),
        method=method,
        conflicts_with=conflicts_with,
    )


def _record(statement: Statement, consent: Consent, around: Surroundings, now_ms: int) -> Record:
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
        pack_version=around.purposes.version,
        state=consent.state.value,
        stated_at_ms=consent.stated_at_ms,
        expires_at_ms=consent.expires_at_ms,
        recorded_at_ms=now_ms,
        method=consent.method,
        notice_version=statement.notice_version,
        language=statement.language,
        actor=actor(consent.method),
        conflicts_with=consent.conflicts_with,
        notice_hash=around.notice.hash,
    )
