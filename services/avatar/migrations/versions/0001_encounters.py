"""Encounters, effects, memories, receipts and the catalogue."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_visits()
    op.create_table(
        "memories",
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("pid", sa.LargeBinary, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("avatar", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("brand", "shard", "pid", "audience", "avatar"),
    )
    op.create_table(
        "receipts",
        sa.Column("receipt", sa.Text, primary_key=True),
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("avatar", sa.Text, nullable=False),
        sa.Column("was_known", sa.Boolean, nullable=False),
        sa.Column("forgotten_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "items",
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("brand", "item"),
    )
    op.create_table(
        "catalogues",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )


def _create_visits() -> None:
    op.create_table(
        "encounters",
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("visit_id", sa.LargeBinary, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("avatar", sa.Text, nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("brand", "shard", "visit_id"),
    )
    op.create_index("encounters_expires_at_ms", "encounters", ["expires_at_ms"])
    op.create_table(
        "effects",
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("visit_id", sa.LargeBinary, nullable=False),
        sa.Column("frame_id", sa.Text, nullable=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("brand", "shard", "visit_id", "frame_id"),
        sa.ForeignKeyConstraint(
            ["brand", "shard", "visit_id"],
            ["encounters.brand", "encounters.shard", "encounters.visit_id"],
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    for table in ("catalogues", "items", "receipts", "memories", "effects", "encounters"):
        op.drop_table(table)
