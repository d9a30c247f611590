"""Ids are found by the persona they stand for behind the wall, too: an index on an expression is not used there."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("bindings", "faces"):
        op.execute(f"DROP INDEX {table}_by_persona")
        op.execute(f"CREATE INDEX {table}_by_persona ON {table} (brand, pid)")


def downgrade() -> None:
    for table in ("bindings", "faces"):
        op.execute(f"DROP INDEX {table}_by_persona")
        op.execute(f"CREATE INDEX {table}_by_persona ON {table} (brand, (coalesce(home, shard)), pid)")
