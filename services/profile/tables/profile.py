"""What was folded: positions, message ids by period, sealed facets and interactions, and the books."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    false,
    text,
)

from kit.events.outbox import outbox_table

METADATA = MetaData()
OUTBOX = outbox_table(METADATA)

POSITIONS = Table(
    "positions",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("durability_class", SmallInteger, primary_key=True, autoincrement=False, server_default="2"),
    # Empty while nothing of the stream was ever folded.
    Column("stream_created", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("owner_epoch", BigInteger, nullable=False),
    # Everything sealed before this is folded.
    Column("horizon_ms", BigInteger, nullable=False),
)

# The present period. A key is made of brand, shard and message id; `repository/message_ids.py` says how.
MESSAGE_IDS = Table("message_ids", METADATA, Column("key", Uuid, primary_key=True))

# Parents of the earlier periods: as they were claimed (`message_ids_<number>`), and packed, a row of keys for each slot
# (`packed_message_ids_<number>`). Inherited, not partitioned: no row has to say which period it is of.
CLOSED_MESSAGE_IDS = Table("closed_message_ids", METADATA, Column("key", Uuid, nullable=False))
PACKED_MESSAGE_IDS = Table(
    "packed_message_ids",
    METADATA,
    Column("slot", BigInteger, nullable=False),
    Column("keys", LargeBinary, nullable=False),
)

MESSAGE_ID_PERIODS = Table(
    "message_id_periods",
    METADATA,
    Column("number", Integer, Identity(always=True), primary_key=True),
    Column("began_ms", BigInteger, nullable=False),
    # Null of the present one alone.
    Column("ended_ms", BigInteger),
    # True when what came before was forgotten early, for want of disk.
    Column("is_cut", Boolean, nullable=False, server_default=false()),
    # Known from when it is packed: how many ids there will be, the packed period that is packed anew with it, into how
    # many buckets they go, and how many of those are done.
    Column("ids", BigInteger),
    Column("joins", Integer),
    Column("buckets", Integer),
    Column("packed_buckets", Integer, nullable=False, server_default="0"),
)

BATCHES = Table(
    "batches",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("batch_id", LargeBinary, primary_key=True),
    Column("day", Date, primary_key=True),
    # What became of each event, and why: see fates.py. Empty in what was folded before this was kept.
    Column("fates", LargeBinary, nullable=False, server_default=""),
    Column("reasons", Text, nullable=False, server_default=""),
    postgresql_partition_by="LIST (day)",
)

FACETS = Table(
    "facets",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("pid", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("codec", SmallInteger, nullable=False),
    # Number of the last block that is folded into it; what is behind is folded while reading.
    Column("blocks", Integer, nullable=False),
)

INTERACTION_BLOCKS = Table(
    "interaction_blocks",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("pid", LargeBinary, primary_key=True),
    # From 1, per facet.
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Batch id of the first message of the fold; a part of what the block is sealed with.
    Column("block_id", LargeBinary, nullable=False),
    Column("events", Integer, nullable=False),
    # Whether shared models were taught with it, and have to take it back; unknown of what is older than this column.
    Column("is_taught", Boolean),
    Column("body", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("codec", SmallInteger, nullable=False),
)

BOOKS = Table(
    "books",
    METADATA,
    Column("brand", Text, primary_key=True),
    # One row a partition, so that folders never wait for each other.
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("source", Text, primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("received", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("duplicate", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("suppressed", BigInteger, nullable=False),
)

DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("stream_created", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("set_aside_at_ms", BigInteger, nullable=False),
)

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("mid", LargeBinary, primary_key=True),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("set_aside_at_ms", BigInteger, nullable=False),
    # Hour of the books it is counted in, and its place in a batch: where its fate is told.
    Column("hour_ms", BigInteger, nullable=False, server_default="0"),
    Column("batch_id", LargeBinary, nullable=False, server_default=""),
    Column("place", Integer, nullable=False, server_default="0"),
    # Keyed hash of the name that no vocabulary knows.
    Column("named", LargeBinary, nullable=False, server_default=""),
    # What is left of the event, sealed under the data key of the persona; empty where nothing is kept.
    Column("persona_shard", SmallInteger, nullable=False, server_default="0"),
    Column("pid", LargeBinary, nullable=False, server_default=""),
    Column("key_id", Text, nullable=False, server_default=""),
    Column("codec", SmallInteger, nullable=False, server_default="0"),
    Column("remains", LargeBinary, nullable=False, server_default=""),
    # When it was replayed, 0 for not yet, and what became of it then.
    Column("mended_at_ms", BigInteger, nullable=False, server_default="0"),
    Column("fate", Text, nullable=False, server_default=""),
)

MENDING_RULES = Table(
    "mending_rules",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("named", LargeBinary, primary_key=True),
    # Name of the vocabulary's event, and what it says about its parts.
    Column("means", Text, nullable=False),
    Column("rule", LargeBinary, nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
)

CROWDS = Table(
    "crowds",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("audience", Text, primary_key=True),
    Column("is_compared", Boolean, nullable=False),
    Column("codec", SmallInteger, nullable=False),
    # Views that enough personas share, and how many like each topic: of all of them, of none of them.
    Column("body", LargeBinary, nullable=False),
    Column("counted_at_ms", BigInteger, nullable=False),
)

USES = Table(
    "uses",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("pid", LargeBinary, primary_key=True),
    # Since 1970 UTC.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("audience", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    # What was read, or given: see uses.py.
    Column("what", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("first_at_ms", BigInteger, nullable=False),
    Column("last_at_ms", BigInteger, nullable=False),
    Index("uses_by_day", "brand", "day"),
)

OFFERS = Table(
    "offers",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("pid", LargeBinary, primary_key=True),
    # In the order of their report.
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    # Of the report, since 1970 UTC.
    Column("day", Integer, nullable=False),
    # Offers that were made, and what was said to them: see offered.py.
    Column("body", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("codec", SmallInteger, nullable=False),
    Index("offers_by_day", "brand", "day"),
)

WISH_MEMBERSHIPS = Table(
    "wish_memberships",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("pid", LargeBinary, primary_key=True),
    Column("segment", Text, primary_key=True),
    Column("audience", Text, nullable=False),
    # When it ends by time alone.
    Column("ends_at_ms", BigInteger, nullable=False),
    Index("wish_memberships_by_end", "brand", "ends_at_ms"),
    Index("wish_memberships_by_segment", "brand", "segment", "shard", "pid"),
)

Index("dead_letters_by_time", DEAD_LETTERS.c.brand, DEAD_LETTERS.c.partition, DEAD_LETTERS.c.set_aside_at_ms)
Index(
    "quarantine_by_persona",
    QUARANTINE.c.brand,
    QUARANTINE.c.persona_shard,
    QUARANTINE.c.pid,
    postgresql_where=QUARANTINE.c.pid != text("''"),
)
Index("quarantine_by_batch", QUARANTINE.c.brand, QUARANTINE.c.batch_id)
Index("quarantine_by_time", QUARANTINE.c.brand, QUARANTINE.c.set_aside_at_ms, QUARANTINE.c.mid)
