"""Who used what of whom, and what it gave."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE uses (
            brand text NOT NULL, shard smallint NOT NULL, pid bytea NOT NULL, day integer NOT NULL,
            audience text NOT NULL, purpose text NOT NULL, what text NOT NULL, record_id text NOT NULL,
            count bigint NOT NULL, first_at_ms bigint NOT NULL, last_at_ms bigint NOT NULL,
            PRIMARY KEY (brand, shard, pid, day, audience, purpose, what, record_id)
        )
        """
    )
    op.execute("CREATE INDEX uses_by_day ON uses (brand, day)")


def downgrade() -> None:
    op.drop_table("uses")
