"""The fate of each event of a batch; what is left of refused events, and the rules that mend them."""

from alembic import op

revision = "0004"
down_revision = "0003"

_FATES = ("reasons", "fates")
_LEFT = ("hour_ms", "batch_id", "place", "named", "persona_shard", "pid", "key_id", "codec", "remains")
_MENDED = ("mended_at_ms", "fate")


def upgrade() -> None:
    # With defaults: what was written before, and a folder of the version before, need not know of these.
    op.execute(
        """
        ALTER TABLE batches
            ADD COLUMN fates bytea NOT NULL DEFAULT '', ADD COLUMN reasons text NOT NULL DEFAULT ''
        """
    )
    op.execute(
        """
        ALTER TABLE quarantine
            ADD COLUMN hour_ms bigint NOT NULL DEFAULT 0, ADD COLUMN batch_id bytea NOT NULL DEFAULT '',
            ADD COLUMN place integer NOT NULL DEFAULT 0, ADD COLUMN named bytea NOT NULL DEFAULT '',
            ADD COLUMN persona_shard smallint NOT NULL DEFAULT 0, ADD COLUMN pid bytea NOT NULL DEFAULT '',
            ADD COLUMN key_id text NOT NULL DEFAULT '', ADD COLUMN codec smallint NOT NULL DEFAULT 0,
            ADD COLUMN remains bytea NOT NULL DEFAULT '', ADD COLUMN mended_at_ms bigint NOT NULL DEFAULT 0,
            ADD COLUMN fate text NOT NULL DEFAULT ''
        """
    )
    op.execute("CREATE INDEX quarantine_by_batch ON quarantine (brand, batch_id)")
    op.execute("CREATE INDEX quarantine_by_time ON quarantine (brand, set_aside_at_ms, mid)")
    op.execute(
        """
        CREATE TABLE mending_rules (
            brand text NOT NULL, source text NOT NULL, named bytea NOT NULL, means text NOT NULL,
            rule bytea NOT NULL, made_at_ms bigint NOT NULL,
            PRIMARY KEY (brand, source, named)
        )
        """
    )


def downgrade() -> None:
    op.drop_table("mending_rules")
    op.drop_index("quarantine_by_time")
    op.drop_index("quarantine_by_batch")
    for column in (*_MENDED, *_LEFT):
        op.drop_column("quarantine", column)
    for column in _FATES:
        op.drop_column("batches", column)
