"""The epoch of the elected authority."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("fence_epochs", sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False))
    op.execute("INSERT INTO fence_epochs (epoch) VALUES (0)")


def downgrade() -> None:
    op.drop_table("fence_epochs")
