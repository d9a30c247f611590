"""Weights in force and a brand's own mixes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("models", sa.Column("fitted_interactions", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("models", sa.Column("chosen_interactions", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("models", sa.Column("mixes", sa.LargeBinary))
    op.create_table(
        "weight_rows",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    # Weights hardly compress, and trying costs more than writing them.
    op.execute("ALTER TABLE weight_rows ALTER COLUMN body SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("weight_rows")
    for column in ("mixes", "chosen_interactions", "fitted_interactions"):
        op.drop_column("models", column)
