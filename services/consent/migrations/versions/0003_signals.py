"""How records were made and what they rest on; floors that can be raised."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_EMPTY = sa.text("''")


# Made anew for each use: a column belongs to one table. Records from before keep the shape under which they were
# hashed. The defaults stay: a process of before still writes.
def _of_records() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("layout", sa.Integer, nullable=False, server_default="1"),
        sa.Column("actor", sa.Text, nullable=False, server_default=_EMPTY),
        sa.Column("conflicts_with", sa.Text, nullable=False, server_default=_EMPTY),
        sa.Column("notice_hash", sa.LargeBinary, nullable=False, server_default=_EMPTY),
    )


def _of_current() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("method", sa.Text, nullable=False, server_default=_EMPTY),
        sa.Column("conflicts_with", sa.Text, nullable=False, server_default=_EMPTY),
    )


def upgrade() -> None:
    for column in _of_records():
        op.add_column("records", column)
    for column in _of_current():
        op.add_column("current_consents", column)
    op.create_index("records_by_holder", "records", ["brand", "shard", "pid", "audience", "purpose"])
    op.create_table(
        "notices",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.execute(
        "CREATE TRIGGER notices_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON notices "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "floors",
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("floor", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("brand", "purpose"),
    )


def downgrade() -> None:
    op.drop_table("floors")
    op.drop_table("notices")
    op.drop_index("records_by_holder", "records")
    for column in _of_current():
        op.drop_column("current_consents", column.name)
    for column in _of_records():
        op.drop_column("records", column.name)
