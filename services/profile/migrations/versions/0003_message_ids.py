"""Message ids as keys of 16 bytes: the present period as it comes, earlier ones packed. What is remembered stays so."""

import datetime as dt

from alembic import op
from sqlalchemy import Connection, text

revision = "0003"
down_revision = "0002"

_DAYS = """
    SELECT c.relname, to_date(right(c.relname, 8), 'YYYYMMDD') AS day
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'message_ids_by_day'::regclass ORDER BY day
"""
# As services.profile.repository.message_ids makes keys: the id and what is told of brand and shard, one XOR the other.
_COPY = """
    INSERT INTO message_ids_{number} (key)
    SELECT encode(
        (substring(m.mid FOR 8)::bigint # p.high)::bytea || (substring(m.mid FROM 9)::bigint # p.low)::bytea, 'hex'
    )::uuid
    FROM {day} m JOIN (
        SELECT brand, shard, substring(pad FOR 8)::bigint AS high, substring(pad FROM 9 FOR 8)::bigint AS low
        FROM (SELECT brand, shard, sha256(convert_to(brand || '|' || shard, 'UTF8')) AS pad
              FROM (SELECT DISTINCT brand, shard FROM {day}) q) q
    ) p USING (brand, shard)
"""


def upgrade() -> None:
    # Waits for the folds under way; the folders' next ones wait for us.
    op.execute("ALTER TABLE message_ids RENAME TO message_ids_by_day")
    op.execute("ALTER INDEX message_ids_pkey RENAME TO message_ids_by_day_pkey")
    op.execute("CREATE TABLE message_ids (key uuid PRIMARY KEY)")
    op.execute("CREATE TABLE closed_message_ids (key uuid NOT NULL)")
    op.execute("CREATE TABLE packed_message_ids (slot bigint NOT NULL, keys bytea STORAGE EXTERNAL NOT NULL)")
    op.execute(
        """
        CREATE TABLE message_id_periods (
            number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, began_ms bigint NOT NULL, ended_ms bigint,
            is_cut boolean NOT NULL DEFAULT false,
            ids bigint, joins integer, buckets integer, packed_buckets integer NOT NULL DEFAULT 0
        )
        """
    )
    for name, day in op.get_bind().execute(text(_DAYS)).all():
        _take_over(op.get_bind(), name, day)
    op.execute("INSERT INTO message_id_periods (began_ms) SELECT extract(epoch FROM now()) * 1000")
    op.execute("DROP TABLE message_ids_by_day")


def _take_over(bind: Connection, name: str, day: dt.date) -> None:
    if not bind.execute(text(f"SELECT EXISTS (SELECT FROM {name})")).scalar_one():  # noqa: S608 - a name of the catalog
        return
    number = bind.execute(
        text(
            """
            INSERT INTO message_id_periods (began_ms, ended_ms)
            SELECT extract(epoch FROM d) * 1000, extract(epoch FROM least(d + interval '1 day', now())) * 1000
            FROM (SELECT CAST(CAST(:day AS date) AS timestamp) AT TIME ZONE 'UTC' AS d) q RETURNING number
            """
        ),
        {"day": day},
    ).scalar_one()
    op.execute(f"CREATE TABLE message_ids_{number} (key uuid NOT NULL)")
    op.execute(_COPY.format(number=number, day=name))
    op.execute(f"ALTER TABLE message_ids_{number} ADD PRIMARY KEY (key)")
    op.execute(f"ALTER TABLE message_ids_{number} INHERIT closed_message_ids")


def downgrade() -> None:
    # A key does not say whose it is: what was remembered is forgotten.
    for (number,) in op.get_bind().execute(text("SELECT number FROM message_id_periods")).all():
        op.execute(f"DROP TABLE IF EXISTS message_ids_{number}, packed_message_ids_{number}")
    for table in ("packed_message_ids", "closed_message_ids", "message_id_periods", "message_ids"):
        op.drop_table(table)
    op.execute(
        """
        CREATE TABLE message_ids (
            brand text NOT NULL, shard smallint NOT NULL, mid bytea NOT NULL, day date NOT NULL,
            PRIMARY KEY (brand, shard, mid, day)
        ) PARTITION BY LIST (day)
        """
    )
