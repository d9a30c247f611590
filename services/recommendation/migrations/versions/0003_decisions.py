"""Decisions, what is kept of personas for them, what was learnt from them, and terms of offers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decision_states",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("pid", sa.LargeBinary, primary_key=True),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("taught", sa.LargeBinary, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("decision_id", sa.LargeBinary, primary_key=True),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        sa.Column("pid", sa.LargeBinary, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("outcome", sa.SmallInteger, nullable=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Index("ix_decisions_persona", "brand", "shard", "pid"),
    )
    op.create_table(
        "answers",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("bucket", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("accepted", sa.BigInteger, nullable=False),
        sa.Column("annoyed", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "offers",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "offer_revisions",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("offer_revisions", "offers", "answers", "decisions", "decision_states"):
        op.drop_table(table)
