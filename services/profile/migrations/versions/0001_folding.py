"""Positions, message ids, facets, interactions, books and what is set aside."""

from alembic import op

from kit.events.outbox import outbox_columns

revision = "0001"
down_revision = None

_TABLES = (
    "outbox",
    "quarantine",
    "dead_letters",
    "books",
    "interaction_blocks",
    "facets",
    "batches",
    "message_ids",
    "positions",
)


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE positions (
            brand text NOT NULL, partition smallint NOT NULL, stream_created text NOT NULL,
            sequence bigint NOT NULL, owner_epoch bigint NOT NULL, horizon_ms bigint NOT NULL,
            PRIMARY KEY (brand, partition)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE message_ids (
            brand text NOT NULL, shard smallint NOT NULL, mid bytea NOT NULL, day date NOT NULL,
            PRIMARY KEY (brand, shard, mid, day)
        ) PARTITION BY LIST (day)
        """
    )
    op.execute(
        """
        CREATE TABLE batches (
            brand text NOT NULL, partition smallint NOT NULL, batch_id bytea NOT NULL, day date NOT NULL,
            PRIMARY KEY (brand, partition, batch_id, day)
        ) PARTITION BY LIST (day)
        """
    )
    _create_sealed()
    _create_accounts()
    op.create_table("outbox", *outbox_columns())


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)


def _create_sealed() -> None:
    # Sealed bytes do not compress, and a facet is rewritten in place again and again: room for it on its own page.
    op.execute(
        """
        CREATE TABLE facets (
            brand text NOT NULL, shard smallint NOT NULL, pid bytea NOT NULL,
            body bytea STORAGE EXTERNAL NOT NULL, key_id text NOT NULL, codec smallint NOT NULL,
            PRIMARY KEY (brand, shard, pid)
        ) WITH (fillfactor = 60)
        """
    )
    op.execute(
        """
        CREATE TABLE interaction_blocks (
            brand text NOT NULL, shard smallint NOT NULL, pid bytea NOT NULL, block_id bytea NOT NULL,
            events integer NOT NULL, body bytea STORAGE EXTERNAL NOT NULL,
            key_id text NOT NULL, codec smallint NOT NULL,
            PRIMARY KEY (brand, shard, pid, block_id)
        )
        """
    )


def _create_accounts() -> None:
    op.execute(
        """
        CREATE TABLE books (
            brand text NOT NULL, partition smallint NOT NULL, source text NOT NULL, hour_ms bigint NOT NULL,
            received bigint NOT NULL, stored bigint NOT NULL, duplicate bigint NOT NULL,
            quarantined bigint NOT NULL, suppressed bigint NOT NULL,
            PRIMARY KEY (brand, partition, source, hour_ms)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE dead_letters (
            brand text NOT NULL, partition smallint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY,
            stream_created text NOT NULL, sequence bigint NOT NULL, reason text NOT NULL, payload bytea NOT NULL,
            set_aside_at_ms bigint NOT NULL,
            PRIMARY KEY (brand, partition, id)
        )
        """
    )
    op.execute("CREATE INDEX dead_letters_by_time ON dead_letters (brand, partition, set_aside_at_ms)")
    op.execute(
        """
        CREATE TABLE quarantine (
            brand text NOT NULL, shard smallint NOT NULL, mid bytea NOT NULL,
            source text NOT NULL, reason text NOT NULL, field text NOT NULL, set_aside_at_ms bigint NOT NULL,
            PRIMARY KEY (brand, shard, mid)
        )
        """
    )
