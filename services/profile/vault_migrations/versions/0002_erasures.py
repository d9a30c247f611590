"""Erasures as they go on, and marks of ids that were erased."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE erasures (
            erasure_id text PRIMARY KEY, brand text NOT NULL, audience text NOT NULL, method text NOT NULL,
            asked_at_ms bigint NOT NULL, shards smallint[] NOT NULL, pids bytea[] NOT NULL,
            fenced_at_ms bigint NOT NULL DEFAULT 0, unbound_at_ms bigint NOT NULL DEFAULT 0,
            owed bytea NOT NULL DEFAULT '', owed_key text NOT NULL DEFAULT '',
            signed jsonb NOT NULL DEFAULT '{}', missing jsonb NOT NULL DEFAULT '{}',
            rewrapped_at_ms bigint NOT NULL DEFAULT 0, versions jsonb NOT NULL DEFAULT '{}',
            complete_at_ms bigint NOT NULL DEFAULT 0, receipt text NOT NULL DEFAULT '',
            next_at_ms bigint NOT NULL, attempts integer NOT NULL DEFAULT 0
        )
        """
    )
    op.execute("CREATE INDEX erasures_due ON erasures (next_at_ms) WHERE complete_at_ms = 0")
    op.execute(
        """
        CREATE TABLE erased_ids (
            brand text NOT NULL, shard smallint NOT NULL, mark bytea NOT NULL, erased_at_ms bigint NOT NULL,
            PRIMARY KEY (brand, shard, mark)
        )
        """
    )
    op.execute("CREATE INDEX erased_ids_by_time ON erased_ids (erased_at_ms)")
    op.execute("CREATE INDEX faces_by_user ON faces (brand, user_shard, user_pid)")


def downgrade() -> None:
    op.drop_index("faces_by_user")
    op.drop_table("erased_ids")
    op.drop_table("erasures")
