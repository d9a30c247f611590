"""What enough personas of an audience share: nothing else of a view is told."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE crowds (
            brand text NOT NULL, audience text NOT NULL, is_compared boolean NOT NULL,
            codec smallint NOT NULL, body bytea NOT NULL, counted_at_ms bigint NOT NULL,
            PRIMARY KEY (brand, audience)
        )
        """
    )


def downgrade() -> None:
    op.drop_table("crowds")
