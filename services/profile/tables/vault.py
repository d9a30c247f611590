"""The vault: who is bound to which persona, and one wrapped data key each. Knows no raw id and no trait."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

METADATA = MetaData()

BINDINGS = Table(
    "bindings",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("audience", Text, primary_key=True),
    Column("eid", LargeBinary, primary_key=True),
    Column("pid", LargeBinary, nullable=False),
    Column("bound_at_ms", BigInteger, nullable=False),
    # Digest of what the source last said about consent with its events, and when: saying it again is no new statement.
    Column("preferences", LargeBinary, nullable=False),
    Column("preferences_at_ms", BigInteger, nullable=False),
    # Shard of the persona, where it is another than that of the id: ids turn with the edge key, personas stay.
    Column("home", SmallInteger),
    # Version of the edge key that made the id; 0 of before it was told.
    Column("edge_version", Integer, nullable=False, server_default="0"),
)

PERSONAS = Table(
    "personas",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("pid", LargeBinary, primary_key=True),
    # Counts the faces: raised when this persona is to be a new one for every audience.
    Column("generation", BigInteger, nullable=False),
    # The data key, and the version of the shard key that wraps it.
    Column("key_id", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("wrapped_by", Text, nullable=False),
    # What the person does not want to be offered, or inferred, sealed under the data key; "" for nothing. Here, since
    # after any restore it must be as new as consent is.
    Column("choices", LargeBinary, nullable=False, server_default=""),
)

# Both directions are kept, each in the shard of the persona it is read from.
LINKS = Table(
    "links",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("pid", LargeBinary, primary_key=True),
    Column("other_shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("other_pid", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("linked_at_ms", BigInteger, nullable=False),
    # Of links between audiences, made with a code; empty within one.
    Column("audience", Text, nullable=False, server_default=""),
    Column("other_audience", Text, nullable=False, server_default=""),
)

# Who has said to be behind an id: one facet per user, so that a shared device keeps its users apart. No pid while
# nothing is bound to the id yet: the link is made together with the binding.
FACES = Table(
    "faces",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("audience", Text, primary_key=True),
    Column("eid", LargeBinary, primary_key=True),
    Column("user_shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("user_pid", LargeBinary, primary_key=True),
    Column("pid", LargeBinary),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("home", SmallInteger),
    Column("edge_version", Integer, nullable=False, server_default="0"),
)

# No pid is in two shards. An expression is nothing that the wall between brands lets an index answer.
Index("bindings_by_persona", BINDINGS.c.brand, BINDINGS.c.pid)
Index("faces_by_persona", FACES.c.brand, FACES.c.pid)
Index("faces_by_user", FACES.c.brand, FACES.c.user_shard, FACES.c.user_pid)

# One erasure from first word to receipt, resumed from here after any crash. Names of personas go when it is complete.
ERASURES = Table(
    "erasures",
    METADATA,
    Column("erasure_id", Text, primary_key=True),
    Column("brand", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("shards", ARRAY(SmallInteger), nullable=False),
    Column("pids", ARRAY(LargeBinary), nullable=False),
    # Since when consent denies everything; since when data keys and bindings are gone. 0 for not yet.
    Column("fenced_at_ms", BigInteger, nullable=False, server_default="0"),
    Column("unbound_at_ms", BigInteger, nullable=False, server_default="0"),
    # What shared models have to take back, sealed under a key of its own that goes with it.
    Column("owed", LargeBinary, nullable=False, server_default=""),
    Column("owed_key", Text, nullable=False, server_default=""),
    # By projection: when it had deleted its part; why it has not.
    Column("signed", JSONB, nullable=False, server_default="{}"),
    Column("missing", JSONB, nullable=False, server_default="{}"),
    # Since when survivors are wrapped under new shard keys, and by shard the version of those.
    Column("rewrapped_at_ms", BigInteger, nullable=False, server_default="0"),
    Column("versions", JSONB, nullable=False, server_default="{}"),
    Column("complete_at_ms", BigInteger, nullable=False, server_default="0"),
    Column("receipt", Text, nullable=False, server_default=""),
    Column("next_at_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index("erasures_due", "next_at_ms", postgresql_where=text("complete_at_ms = 0")),
)

# The ledger of privacy budgets: what was asked about an audience on which day (since 1970 UTC), its price in
# thousandths of epsilon, and what was told. Kept here because a ledger from an earlier point in time would give back
# what was spent.
AGGREGATES = Table(
    "aggregates",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("audience", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("counted", Text, primary_key=True),
    Column("price", Integer, primary_key=True, autoincrement=False),
    # Empty until it is counted.
    Column("answer", LargeBinary, nullable=False, server_default=""),
)

# Keyed hashes of ids that were erased: what was said before that does not bring them back.
ERASED_IDS = Table(
    "erased_ids",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("mark", LargeBinary, primary_key=True),
    Column("erased_at_ms", BigInteger, nullable=False),
    Index("erased_ids_by_time", "erased_at_ms"),
)

# One-time codes by their keyed hash. They name a persona, and are gone minutes later.
LINK_CODES = Table(
    "link_codes",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("mark", LargeBinary, primary_key=True),
    Column("audience", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("pid", LargeBinary, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("redeemed_at_ms", BigInteger, nullable=False, server_default="0"),
    Index("link_codes_by_persona", "brand", "shard", "pid"),
    Index("link_codes_by_time", "expires_at_ms"),
)

# How often an id, and an audience as a whole (no id), has asked for or tried a code of late.
LINK_TRIES = Table(
    "link_tries",
    METADATA,
    Column("brand", Text, primary_key=True),
    Column("audience", Text, primary_key=True),
    Column("eid", LargeBinary, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)
