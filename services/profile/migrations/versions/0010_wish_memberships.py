"""Memberships in wish segments, each with the moment at which time ends it."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE wish_memberships (
            brand text NOT NULL, shard smallint NOT NULL, pid bytea NOT NULL, segment text NOT NULL,
            audience text NOT NULL, ends_at_ms bigint NOT NULL,
            PRIMARY KEY (brand, shard, pid, segment)
        )
        """
    )
    op.execute("CREATE INDEX wish_memberships_by_end ON wish_memberships (brand, ends_at_ms)")
    op.execute("CREATE INDEX wish_memberships_by_segment ON wish_memberships (brand, segment, shard, pid)")


def downgrade() -> None:
    op.drop_table("wish_memberships")
