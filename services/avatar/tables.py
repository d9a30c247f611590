"""Tables of the avatar database: encounters with their effects, sealed memories, receipts, the catalogue."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()

#: One row per visit; its persona has a random name that no door knows. Swept some time after its end.
encounters = Table(
    "encounters",
    metadata,
    Column("brand", Text, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("visit_id", LargeBinary, nullable=False),
    Column("audience", Text, nullable=False),
    Column("avatar", Text, nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("closed_at_ms", BigInteger),
    Column("codec", SmallInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
    # Whose, so that erasing finds it; "" for somebody nobody knows.
    Column("pid", LargeBinary, nullable=False, server_default=""),
    PrimaryKeyConstraint("brand", "shard", "visit_id"),
    Index("encounters_by_persona", "brand", "shard", "pid", postgresql_where=text("pid <> ''")),
    Index("encounters_expires_at_ms", "expires_at_ms"),
)

#: What each frame brought about, for frames that come again.
effects = Table(
    "effects",
    metadata,
    Column("brand", Text, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("visit_id", LargeBinary, nullable=False),
    Column("frame_id", Text, nullable=False),
    Column("codec", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("brand", "shard", "visit_id", "frame_id"),
    ForeignKeyConstraint(
        ["brand", "shard", "visit_id"],
        ["encounters.brand", "encounters.shard", "encounters.visit_id"],
        ondelete="CASCADE",
    ),
)

#: What an avatar remembers of a persona in one audience, sealed with the persona's own key.
memories = Table(
    "memories",
    metadata,
    Column("brand", Text, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("pid", LargeBinary, nullable=False),
    Column("audience", Text, nullable=False),
    Column("avatar", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("codec", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("brand", "shard", "pid", "audience", "avatar"),
)

#: That something was forgotten, and nothing about whom.
receipts = Table(
    "receipts",
    metadata,
    Column("receipt", Text, primary_key=True),
    Column("brand", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("avatar", Text, nullable=False),
    Column("was_known", Boolean, nullable=False),
    Column("forgotten_at_ms", BigInteger, nullable=False),
)

items = Table(
    "items",
    metadata,
    Column("brand", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("topics", ARRAY(Text), nullable=False),
    Column("price", Text, nullable=False),
    Column("place", Text, nullable=False),
    PrimaryKeyConstraint("brand", "item"),
)

#: Raised with every change of a brand's items, so that every process sees that its copy is old.
catalogues = Table(
    "catalogues",
    metadata,
    Column("brand", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
