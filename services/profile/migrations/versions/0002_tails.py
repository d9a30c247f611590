"""Blocks are numbered per facet, and a facet says how many it has taken in."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE facets ADD COLUMN blocks integer NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE interaction_blocks ADD COLUMN number integer NOT NULL DEFAULT 0")
    op.execute(
        """
        UPDATE interaction_blocks AS b SET number = q.number
        FROM (
            SELECT brand, shard, pid, block_id,
                row_number() OVER (PARTITION BY brand, shard, pid ORDER BY block_id) AS number
            FROM interaction_blocks
        ) AS q
        WHERE (b.brand, b.shard, b.pid, b.block_id) = (q.brand, q.shard, q.pid, q.block_id)
        """
    )
    # Up to here every facet had taken in all its blocks.
    op.execute(
        """
        UPDATE facets AS f SET blocks = q.blocks
        FROM (SELECT brand, shard, pid, count(*) AS blocks FROM interaction_blocks GROUP BY brand, shard, pid) AS q
        WHERE (f.brand, f.shard, f.pid) = (q.brand, q.shard, q.pid)
        """
    )
    _key_by("number")
    op.execute("ALTER TABLE facets ALTER COLUMN blocks DROP DEFAULT")
    op.execute("ALTER TABLE interaction_blocks ALTER COLUMN number DROP DEFAULT")


def downgrade() -> None:
    # Facets that are behind stay behind: a replay finds them, and the code before would read them as they are.
    _key_by("block_id")
    op.execute("ALTER TABLE interaction_blocks DROP COLUMN number")
    op.execute("ALTER TABLE facets DROP COLUMN blocks")


def _key_by(column: str) -> None:
    op.execute("ALTER TABLE interaction_blocks DROP CONSTRAINT interaction_blocks_pkey")
    op.execute(f"ALTER TABLE interaction_blocks ADD PRIMARY KEY (brand, shard, pid, {column})")
