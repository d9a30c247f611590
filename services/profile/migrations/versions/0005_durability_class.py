"""A position for each durability class: every class has a stream of its own."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE positions ADD COLUMN durability_class smallint NOT NULL DEFAULT 2")
    op.execute("ALTER TABLE positions DROP CONSTRAINT positions_pkey")
    op.execute("ALTER TABLE positions ADD PRIMARY KEY (brand, partition, durability_class)")


def downgrade() -> None:
    op.execute("DELETE FROM positions WHERE durability_class <> 2")
    op.execute("ALTER TABLE positions DROP CONSTRAINT positions_pkey")
    op.execute("ALTER TABLE positions ADD PRIMARY KEY (brand, partition)")
    op.execute("ALTER TABLE positions DROP COLUMN durability_class")
