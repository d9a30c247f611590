"""When a shard was mended after a restore: what was allowed before counts no more, with or without a row of it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("heads", sa.Column("mended_at_ms", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("heads", "mended_at_ms")
