"""Sums, position, dead letters."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("model_version", sa.BigInteger, nullable=False),
        sa.Column("interactions", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "items",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("slot", sa.Integer),
        sa.Column("met", sa.BigInteger, nullable=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "pair_rows",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("together", sa.LargeBinary, nullable=False),
        sa.Column("followed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "learnt_batches",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("batch_id", sa.LargeBinary, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "positions",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "dead_letters",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    for table in ("dead_letters", "positions", "learnt_batches", "pair_rows", "items", "models"):
        op.drop_table(table)
