"""Ids under several versions of the edge key, links between audiences, and codes that make them."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for table in ("bindings", "faces"):
        # Without a home the persona is in the shard of the id, as all were before.
        op.execute(f"ALTER TABLE {table} ADD home smallint, ADD edge_version integer NOT NULL DEFAULT 0")
        op.execute(f"DROP INDEX {table}_by_persona")
        op.execute(f"CREATE INDEX {table}_by_persona ON {table} (brand, (coalesce(home, shard)), pid)")
    op.execute(
        """
        ALTER TABLE links ADD audience text NOT NULL DEFAULT '', ADD other_audience text NOT NULL DEFAULT ''
        """
    )
    op.execute(
        """
        CREATE TABLE link_codes (
            brand text NOT NULL, mark bytea NOT NULL, audience text NOT NULL, shard smallint NOT NULL,
            pid bytea NOT NULL, expires_at_ms bigint NOT NULL, redeemed_at_ms bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (brand, mark)
        )
        """
    )
    op.execute("CREATE INDEX link_codes_by_persona ON link_codes (brand, shard, pid)")
    op.execute("CREATE INDEX link_codes_by_time ON link_codes (expires_at_ms)")
    op.execute(
        """
        CREATE TABLE link_tries (
            brand text NOT NULL, audience text NOT NULL, eid bytea NOT NULL, tries integer NOT NULL,
            since_ms bigint NOT NULL, PRIMARY KEY (brand, audience, eid)
        )
        """
    )


def downgrade() -> None:
    op.drop_table("link_tries")
    op.drop_table("link_codes")
    op.execute("DELETE FROM links WHERE audience <> ''")
    op.execute("ALTER TABLE links DROP audience, DROP other_audience")
    for table in ("faces", "bindings"):
        op.execute(f"DROP INDEX {table}_by_persona")
        # What is bound to a persona in another shard cannot be said any more.
        op.execute(f"DELETE FROM {table} WHERE home <> shard")  # noqa: S608 - names of tables
        op.execute(f"CREATE INDEX {table}_by_persona ON {table} (brand, shard, pid)")
        op.execute(f"ALTER TABLE {table} DROP home, DROP edge_version")
