"""Links between facets, and the faces of ids that several users have stood behind."""

from collections.abc import Sequence

import asyncpg

from services.profile.domain import MAX_LINKED, Bound, Persona, Subject

IDENTIFIED = "identified"


async def user_behind(connection: asyncpg.Connection, anonymous: Persona) -> Persona | None:
    """Return the user that a facet of an anonymous id is linked to."""
    row = await connection.fetchrow(
        """
        SELECT user_shard, user_pid FROM faces
        WHERE brand = $1 AND coalesce(home, shard) = $2 AND pid = $3
        """,
        anonymous.brand,
        anonymous.shard,
        anonymous.pid,
    )
    return None if row is None else Persona(anonymous.brand, row["user_shard"], row["user_pid"])


async def face(connection: asyncpg.Connection, subject: Subject, user: Persona) -> Persona | None:
    """Return the facet that this user has had behind this id."""
    row = await connection.fetchrow(
        """
        SELECT coalesce(home, shard) AS shard, pid FROM faces
        WHERE brand = $1 AND shard = $2 AND audience = $3 AND eid = $4 AND user_shard = $5 AND user_pid = $6
        """,
        subject.brand,
        subject.shard,
        subject.audience,
        subject.eid,
        user.shard,
        user.pid,
    )
    return None if row is None or row["pid"] is None else Persona(subject.brand, row["shard"], row["pid"])


async def keep_face(
    connection: asyncpg.Connection, subject: Subject, user: Persona, facet: Persona | None, at_ms: int
) -> None:
    """Remember that this user stands behind this id; without a facet until something is bound to it."""
    await connection.execute(
        """
        INSERT INTO faces (brand, shard, audience, eid, user_shard, user_pid, pid, seen_at_ms, home, edge_version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (brand, shard, audience, eid, user_shard, user_pid)
        DO UPDATE SET pid = coalesce(excluded.pid, faces.pid), home = coalesce(excluded.home, faces.home),
            seen_at_ms = excluded.seen_at_ms
        """,
        subject.brand,
        subject.shard,
        subject.audience,
        subject.eid,
        user.shard,
        user.pid,
        None if facet is None else facet.pid,
        at_ms,
        None if facet is None else facet.shard,
        subject.version,
    )


async def awaited(
    connection: asyncpg.Connection, brand: str, subjects: Sequence[Subject]
) -> list[tuple[Subject, Persona]]:
    """Return the user who last said to be behind each of these ids before anything was bound to it."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (f.shard, f.audience, f.eid) f.audience, f.eid, f.user_shard, f.user_pid
        FROM unnest($2::smallint[], $3::text[], $4::bytea[]) AS q(shard, audience, eid)
        JOIN faces f ON f.brand = $1 AND f.shard = q.shard AND f.audience = q.audience AND f.eid = q.eid
        WHERE f.pid IS NULL
        ORDER BY f.shard, f.audience, f.eid, f.seen_at_ms DESC
        """,
        brand,
        [each.shard for each in subjects],
        [each.audience for each in subjects],
        [each.eid for each in subjects],
    )
    return [
        (Subject(brand, audience, eid), Persona(brand, user_shard, user_pid))
        for audience, eid, user_shard, user_pid in rows
    ]


async def link(connection: asyncpg.Connection, one: Persona, other: Persona, at_ms: int) -> None:
    """Link two facets; linking twice changes nothing."""
    await connection.executemany(
        """
        INSERT INTO links (brand, shard, pid, other_shard, other_pid, kind, linked_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        """,
        [
            (one.brand, one.shard, one.pid, other.shard, other.pid, IDENTIFIED, at_ms),
            (one.brand, other.shard, other.pid, one.shard, one.pid, IDENTIFIED, at_ms),
        ],
    )


async def unlink(connection: asyncpg.Connection, one: Persona, other: Persona) -> None:
    """Undo a link. Nothing was merged at rest, so nothing of it is left."""
    await connection.executemany(
        "DELETE FROM links WHERE brand = $1 AND shard = $2 AND pid = $3 AND other_shard = $4 AND other_pid = $5",
        [
            (one.brand, one.shard, one.pid, other.shard, other.pid),
            (one.brand, other.shard, other.pid, one.shard, one.pid),
        ],
    )
    await connection.executemany(
        """
        DELETE FROM faces
        WHERE brand = $1 AND coalesce(home, shard) = $2 AND pid = $3 AND user_shard = $4 AND user_pid = $5
        """,
        [
            (one.brand, one.shard, one.pid, other.shard, other.pid),
            (one.brand, other.shard, other.pid, one.shard, one.pid),
        ],
    )


async def linked(connection: asyncpg.Connection, persona: Persona) -> list[Bound]:
    """Return the other facets that are one with this one in its audience: of its user and of that user's other ids."""
    rows = await connection.fetch(
        """
        WITH RECURSIVE reached(shard, pid) AS (
            SELECT $2::smallint, $3::bytea
            UNION
            SELECT l.other_shard, l.other_pid
            FROM reached r JOIN links l ON l.brand = $1 AND l.shard = r.shard AND l.pid = r.pid AND l.kind = $5
        )
        SELECT k.shard, k.pid, k.generation, k.key_id, k.wrapped, k.wrapped_by, k.choices
        FROM reached r JOIN personas k ON k.brand = $1 AND k.shard = r.shard AND k.pid = r.pid
        WHERE k.pid <> $3
        ORDER BY k.shard, k.pid LIMIT $4
        """,
        persona.brand,
        persona.shard,
        persona.pid,
        MAX_LINKED,
        IDENTIFIED,
    )
    return [
        Bound(Persona(persona.brand, shard, pid), generation, key_id, wrapped, wrapped_by, choices=choices)
        for shard, pid, generation, key_id, wrapped, wrapped_by, choices in rows
    ]
