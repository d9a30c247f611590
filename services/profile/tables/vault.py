"""The vault: who is bound to which persona, and one wrapped data key each. Knows no raw id and no trait."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text, text
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
)

Index("bindings_by_persona", BINDINGS.c.brand, BINDINGS.c.shard, BINDINGS.c.pid)
Index("faces_by_persona", FACES.c.brand, FACES.c.shard, FACES.c.pid)
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
