"""Tables of the consent database: heads, the append-only records, what is in force, notices and floors."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from kit.fence.seat import epochs_table

metadata = MetaData()

#: Counts the elected authorities; one row.
epochs = epochs_table(metadata)

#: One row per brand and shard. Locked by whoever writes, so that sequences follow the order of commits.
heads = Table(
    "heads",
    metadata,
    Column("brand", Text, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    # When nothing was put in force here, because a restored database had lost what came later; 0 for never.
    Column("mended_at_ms", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("brand", "shard"),
)

#: Append-only: triggers refuse UPDATE, DELETE and TRUNCATE.
records = Table(
    "records",
    metadata,
    Column("brand", Text, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("pid", LargeBinary, nullable=False),
    Column("audience", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("purpose_version", Integer, nullable=False),
    Column("pack_version", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("stated_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("recorded_at_ms", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("notice_version", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("layout", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("conflicts_with", Text, nullable=False),
    Column("notice_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("brand", "shard", "sequence"),
    UniqueConstraint("brand", "shard", "record_id"),
)

#: What is in force. Named in full: `current` alone reads like a keyword.
current = Table(
    "current_consents",
    metadata,
    Column("brand", Text, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("pid", LargeBinary, nullable=False),
    Column("audience", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("purpose_version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("stated_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("conflicts_with", Text, nullable=False),
    PrimaryKeyConstraint("brand", "shard", "pid", "audience", "purpose"),
)

#: What purposes meant and who was responsible when a record was made, by the hash that the record has. Append-only.
notices = Table(
    "notices",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

#: Floors that were raised since the pack was written; the higher one counts.
floors = Table(
    "floors",
    metadata,
    Column("brand", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("floor", Integer, nullable=False),
    PrimaryKeyConstraint("brand", "purpose"),
)

Index("records_by_holder", records.c.brand, records.c.shard, records.c.pid, records.c.audience, records.c.purpose)
