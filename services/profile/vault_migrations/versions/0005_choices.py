"""A persona carries what its person does not want."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE personas ADD COLUMN choices bytea NOT NULL DEFAULT ''")


def downgrade() -> None:
    op.drop_column("personas", "choices")
