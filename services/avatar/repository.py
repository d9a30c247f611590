"""Queries of the avatar database within a transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, Table, and_, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.avatar import packing
from services.avatar.domain import Effect, Frame, Item, Persona, Visit
from services.avatar.encounter import Encounter
from services.avatar.tables import catalogues, effects, encounters, items, memories, receipts

_MOST_ITEMS = 100_000


@dataclass(frozen=True, slots=True)
class Kept:
    """An encounter as it is kept."""

    encounter: Encounter
    expires_at_ms: int
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Sealed:
    """A memory as it is kept."""

    key_id: str
    body: bytes


async def read_encounter(connection: AsyncConnection, visit: Visit, *, locked: bool) -> Kept | None:
    """Return the encounter of this visit with this avatar in this audience. Locked, frames of one visit take turns."""
    query = select(encounters.c.state, encounters.c.expires_at_ms, encounters.c.closed_at_ms).where(
        _is_visit(encounters, visit),
        encounters.c.audience == visit.subject.audience,
        encounters.c.avatar == visit.avatar,
    )
    row = (await connection.execute(query.with_for_update() if locked else query)).one_or_none()
    if row is None:
        return None
    return Kept(packing.unpack_encounter(row.state), row.expires_at_ms, row.closed_at_ms is not None)


async def save_encounter(connection: AsyncConnection, visit: Visit, encounter: Encounter) -> None:
    await _change(connection, visit, codec=packing.CODEC, state=packing.pack(encounter))


async def begin_again(
    connection: AsyncConnection, visit: Visit, encounter: Encounter, now_ms: int, persona: Persona | None
) -> None:
    """Replace an encounter that ran out, with all that its frames did, by a new one under the same id."""
    await connection.execute(delete(effects).where(_is_visit(effects, visit)))
    times = {"opened_at_ms": now_ms, "expires_at_ms": visit.expires_at_ms, "closed_at_ms": None}
    whose = {"pid": persona.pid if persona is not None else b""}
    await _change(connection, visit, codec=packing.CODEC, state=packing.pack(encounter), **times, **whose)


async def name_encounter(connection: AsyncConnection, visit: Visit, persona: Persona) -> None:
    """Say whose the encounter is, once the visitor has become somebody."""
    await _change(connection, visit, pid=persona.pid)


async def extend_encounter(connection: AsyncConnection, visit: Visit) -> None:
    await _change(connection, visit, expires_at_ms=func.greatest(encounters.c.expires_at_ms, visit.expires_at_ms))


async def close_encounter(connection: AsyncConnection, visit: Visit, now_ms: int) -> None:
    await _change(connection, visit, closed_at_ms=now_ms)


async def sweep(connection: AsyncConnection, before_ms: int) -> int:
    """Delete the encounters, with their effects, that ran out before; return how many."""
    return (await connection.execute(delete(encounters).where(encounters.c.expires_at_ms < before_ms))).rowcount


async def read_effect(connection: AsyncConnection, frame: Frame) -> Effect | None:
    if not frame.id:
        return None
    query = select(effects.c.body).where(_is_visit(effects, frame.visit), effects.c.frame_id == frame.id)
    body = (await connection.execute(query)).scalar_one_or_none()
    return None if body is None else packing.unpack_effect(body)


async def add_effect(connection: AsyncConnection, frame: Frame, effect: Effect) -> None:
    if frame.id:
        row = {"frame_id": frame.id, "codec": packing.CODEC, "body": packing.pack(effect)}
        await connection.execute(insert(effects).values(**_visit_key(frame.visit), **row))


async def replace_effects(connection: AsyncConnection, visit: Visit, effect: Effect) -> None:
    """Put one effect in the place of all that the visit's frames had."""
    await connection.execute(
        update(effects).where(_is_visit(effects, visit)).values(codec=packing.CODEC, body=packing.pack(effect))
    )


async def lock_memory(connection: AsyncConnection, visit: Visit, persona: Persona) -> Sealed | None:
    """Return the memory and keep others from writing it; an empty row is made so that there is something to lock."""
    key = _memory_key(visit, persona)
    await connection.execute(
        insert(memories).values(**key, key_id="", codec=packing.CODEC, body=b"").on_conflict_do_nothing()
    )
    query = select(memories.c.key_id, memories.c.body).where(_is_memory(visit, persona)).with_for_update()
    row = (await connection.execute(query)).one()
    return Sealed(row.key_id, row.body) if row.body else None


async def read_memories(connection: AsyncConnection, audience: str, persona: Persona) -> list[tuple[str, Sealed]]:
    """Return what is remembered of a persona in one audience, by avatar."""
    theirs = (
        (memories.c.brand, persona.brand),
        (memories.c.shard, persona.shard),
        (memories.c.pid, persona.pid),
        (memories.c.audience, audience),
    )
    query = select(memories.c.avatar, memories.c.key_id, memories.c.body).where(
        *(column == value for column, value in theirs), memories.c.body != b""
    )
    rows = await connection.execute(query.order_by(memories.c.avatar))
    return [(row.avatar, Sealed(row.key_id, row.body)) for row in rows]


async def write_memory(connection: AsyncConnection, visit: Visit, persona: Persona, sealed: Sealed) -> None:
    await connection.execute(
        update(memories)
        .where(_is_memory(visit, persona))
        .values(key_id=sealed.key_id, codec=packing.CODEC, body=sealed.body)
    )


async def delete_memory(connection: AsyncConnection, visit: Visit, persona: Persona) -> bool:
    """Return whether there was one."""
    return (await connection.execute(delete(memories).where(_is_memory(visit, persona)))).rowcount > 0


async def erase(connection: AsyncConnection, personas: Sequence[Persona]) -> tuple[int, int]:
    """Delete what any avatar remembers of these personas and their encounters; return how many there were of each."""
    keys = [(persona.brand, persona.shard, persona.pid) for persona in personas]
    gone = []
    for table in (memories, encounters):
        is_theirs = tuple_(table.c.brand, table.c.shard, table.c.pid).in_(keys)
        gone.append((await connection.execute(delete(table).where(is_theirs, table.c.pid != b""))).rowcount)
    return gone[0], gone[1]


async def add_receipt(connection: AsyncConnection, visit: Visit, effect: Effect, now_ms: int) -> None:
    row = {"brand": visit.subject.brand, "audience": visit.subject.audience, "avatar": visit.avatar}
    await connection.execute(
        insert(receipts).values(receipt=effect.receipt, was_known=effect.was_known, forgotten_at_ms=now_ms, **row)
    )


async def put_items(connection: AsyncConnection, brand: str, new: Sequence[Item]) -> int:
    """Add or replace; return how many the brand has now."""
    raised = insert(catalogues).values(brand=brand, revision=1)
    await connection.execute(
        raised.on_conflict_do_update(index_elements=["brand"], set_={"revision": catalogues.c.revision + 1})
    )
    put = insert(items)
    changed = {name: put.excluded[name] for name in ("title", "topics", "price", "place")}
    await connection.execute(
        put.on_conflict_do_update(index_elements=["brand", "item"], set_=changed),
        [{"brand": brand, **asdict(item), "topics": list(item.topics)} for item in new],
    )
    counted = select(func.count()).select_from(items).where(items.c.brand == brand)
    return (await connection.execute(counted)).scalar_one()


async def list_items(connection: AsyncConnection, brand: str, ids: Iterable[str]) -> dict[str, Item]:
    """Return those that are known, by id."""
    wanted = list(ids)
    if not wanted:
        return {}
    return {
        item.item: item for item in await _items(connection, and_(items.c.brand == brand, items.c.item.in_(wanted)))
    }


async def read_revision(connection: AsyncConnection, brand: str) -> int:
    """Return the number of changes of the brand's catalogue."""
    query = select(catalogues.c.revision).where(catalogues.c.brand == brand)
    return (await connection.execute(query)).scalar_one_or_none() or 0


async def read_catalogue(connection: AsyncConnection, brand: str) -> list[Item]:
    return await _items(connection, items.c.brand == brand)


async def _items(connection: AsyncConnection, where: ColumnElement[bool]) -> list[Item]:
    columns = (items.c.item, items.c.title, items.c.topics, items.c.price, items.c.place)
    rows = await connection.execute(select(*columns).where(where).limit(_MOST_ITEMS))
    return [Item(row.item, row.title, tuple(row.topics), row.price, row.place) for row in rows]


async def _change(connection: AsyncConnection, visit: Visit, **values: object) -> None:
    await connection.execute(update(encounters).where(_is_visit(encounters, visit)).values(**values))


def _visit_key(visit: Visit) -> dict[str, object]:
    return {"brand": visit.subject.brand, "shard": visit.subject.shard, "visit_id": visit.id}


def _is_visit(table: Table, visit: Visit) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in _visit_key(visit).items()))


def _memory_key(visit: Visit, persona: Persona) -> dict[str, object]:
    place = {"audience": visit.subject.audience, "avatar": visit.avatar}
    return {"brand": persona.brand, "shard": persona.shard, "pid": persona.pid, **place}


def _is_memory(visit: Visit, persona: Persona) -> ColumnElement[bool]:
    return and_(*(memories.c[name] == value for name, value in _memory_key(visit, persona).items()))
