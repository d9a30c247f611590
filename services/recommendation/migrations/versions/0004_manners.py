"""What tells when to speak: of personas, and of everybody."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("habits", "customs"):
        op.add_column("decision_states", sa.Column(column, sa.LargeBinary, nullable=False, server_default=""))
    op.create_table(
        "customs",
        sa.Column("brand", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("for_yes", sa.BigInteger, nullable=False),
        sa.Column("for_no", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("customs")
    for column in ("customs", "habits"):
        op.drop_column("decision_states", column)
