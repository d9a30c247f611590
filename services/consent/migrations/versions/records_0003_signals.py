"""How records were made and what they rest on; floors that can be raised."""

import sqlalchemy as sa
from alembic import op

revision = "records_0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_EMPTY = sa.text("''")
# Records from before keep the shape under which they were hashed. Defaults stay: a process of before still writes.
_OF_RECORDS = (
    sa.Column("layout", sa.Integer, nullable=False, server_default="1"),
    sa.Column("actor", sa.Text, nullable=False, server_default=_EMPTY),
    sa.Column("conflicts_with", sa.Text, nullable=False, server_default=_EMPTY),
    sa.Column("notice_hash", sa.LargeBinary, nullable=False, server_default=_EMPTY),
)
_OF_CURRENT = (
    sa.Column("method", sa.Text, nullable=False, server_default=_EMPTY),
    sa.Column("conflicts_with", sa.Text, nullable=False, server_default=_EMPTY),
)


def upgrade() -> None:
    for column in _OF_RECORDS:
        op.add_column("records", column.copy())
    for column in _OF_CURRENT:
        op.add_column("current_consents", column.copy())
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
    for column in _OF_CURRENT:
        op.drop_column("current_consents", column.name)
    for column in _OF_RECORDS:
        op.drop_column("records", column.name)
