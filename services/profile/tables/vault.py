"""The vault: who is bound to which persona, and one wrapped data key each. Knows no raw id and no trait."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, SmallInteger, Table, Text

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
