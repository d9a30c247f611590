"""Offers one by one, sealed, for their person to read."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE offers (
            brand text NOT NULL, shard smallint NOT NULL, pid bytea NOT NULL,
            number bigint GENERATED ALWAYS AS IDENTITY, day integer NOT NULL,
            body bytea NOT NULL, key_id text NOT NULL, codec smallint NOT NULL,
            PRIMARY KEY (brand, shard, pid, number)
        )
        """
    )
    op.execute("CREATE INDEX offers_by_day ON offers (brand, day)")


def downgrade() -> None:
    op.drop_table("offers")
