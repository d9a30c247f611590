"""Bindings, personas with their data keys, links and faces."""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = ("faces", "links", "personas", "bindings")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE bindings (
            brand text NOT NULL, shard smallint NOT NULL, audience text NOT NULL, eid bytea NOT NULL,
            pid bytea NOT NULL, bound_at_ms bigint NOT NULL,
            preferences bytea NOT NULL DEFAULT '', preferences_at_ms bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (brand, shard, audience, eid)
        )
        """
    )
    op.execute("CREATE INDEX bindings_by_persona ON bindings (brand, shard, pid)")
    op.execute(
        """
        CREATE TABLE personas (
            brand text NOT NULL, shard smallint NOT NULL, pid bytea NOT NULL, generation bigint NOT NULL,
            key_id text NOT NULL, wrapped bytea NOT NULL, wrapped_by text NOT NULL,
            PRIMARY KEY (brand, shard, pid)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE links (
            brand text NOT NULL, shard smallint NOT NULL, pid bytea NOT NULL,
            other_shard smallint NOT NULL, other_pid bytea NOT NULL, kind text NOT NULL, linked_at_ms bigint NOT NULL,
            PRIMARY KEY (brand, shard, pid, other_shard, other_pid)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE faces (
            brand text NOT NULL, shard smallint NOT NULL, audience text NOT NULL, eid bytea NOT NULL,
            user_shard smallint NOT NULL, user_pid bytea NOT NULL, pid bytea, seen_at_ms bigint NOT NULL,
            PRIMARY KEY (brand, shard, audience, eid, user_shard, user_pid)
        )
        """
    )
    op.execute("CREATE INDEX faces_by_persona ON faces (brand, shard, pid)")


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
