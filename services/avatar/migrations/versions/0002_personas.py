"""An encounter says whose it is, so that erasing a persona finds it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Encounters of before end within the hour.
    op.execute("ALTER TABLE encounters ADD COLUMN pid bytea NOT NULL DEFAULT ''")
    op.execute("CREATE INDEX encounters_by_persona ON encounters (brand, shard, pid) WHERE pid <> ''")


def downgrade() -> None:
    op.drop_index("encounters_by_persona")
    op.drop_column("encounters", "pid")
