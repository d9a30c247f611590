"""A block says whether shared models were taught with it; what was set aside is found by its persona."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # Nullable: nobody knows of the blocks of before, and a folder of the version before need not know of this.
    op.execute("ALTER TABLE interaction_blocks ADD COLUMN is_taught boolean")
    op.execute("CREATE INDEX quarantine_by_persona ON quarantine (brand, persona_shard, pid) WHERE pid <> ''")


def downgrade() -> None:
    op.drop_index("quarantine_by_persona")
    op.drop_column("interaction_blocks", "is_taught")
