"""What was asked about an audience, what it cost, and what was told."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE aggregates (
            brand text NOT NULL, audience text NOT NULL, day integer NOT NULL, counted text NOT NULL,
            price integer NOT NULL, answer bytea NOT NULL DEFAULT '',
            PRIMARY KEY (brand, audience, day, counted, price)
        )
        """
    )


def downgrade() -> None:
    op.drop_table("aggregates")
