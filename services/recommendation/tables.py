"""What is kept: sums by item, the position they belong to, batches learnt, and what could not be learnt."""

import sqlalchemy as sa

metadata = sa.MetaData()

#: One brand as a whole. `model_version` only grows, also over restarts; mixes are null until its own are chosen.
models = sa.Table(
    "models",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("model_version", sa.BigInteger, nullable=False),
    sa.Column("interactions", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("fitted_interactions", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("chosen_interactions", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("mixes", sa.LargeBinary),
)

#: One row per item; `slot` is its place in the dense sums, null while it waits for one. Body: weeks and topics.
items = sa.Table(
    "items",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("slot", sa.Integer),
    sa.Column("met", sa.BigInteger, nullable=False),
    sa.Column("codec", sa.SmallInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

#: One row of each square sum, as packed columns and counts.
pair_rows = sa.Table(
    "pair_rows",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("codec", sa.SmallInteger, nullable=False),
    sa.Column("together", sa.LargeBinary, nullable=False),
    sa.Column("followed", sa.LargeBinary, nullable=False),
)

#: One row of the weights in force: a restart decides as before, bit for bit.
weight_rows = sa.Table(
    "weight_rows",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("codec", sa.SmallInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

#: Ids of the batches learnt last: a batch announced twice is learnt once.
learnt_batches = sa.Table(
    "learnt_batches",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("batch_id", sa.LargeBinary, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False, index=True),
)

#: How far the stream is in the sums; `created_at` names the stream, so that another one under its name is noticed.
positions = sa.Table(
    "positions",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=False),
)

#: What is kept of one persona: body and habits sealed under its decision key, each of its own, so that noting that
#: somebody turned up never touches contacts. `taught` and `customs`, packed, are its part of `answers` and of the table
#: `customs`: they can be taken back when that key is gone.
decision_states = sa.Table(
    "decision_states",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("pid", sa.LargeBinary, primary_key=True),
    sa.Column("codec", sa.SmallInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("taught", sa.LargeBinary, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("habits", sa.LargeBinary, nullable=False, server_default=""),
    sa.Column("customs", sa.LargeBinary, nullable=False, server_default=""),
)

#: What was decided in the last 30 days, and why, sealed like states; `outcome` by its number.
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("decision_id", sa.LargeBinary, primary_key=True),
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("pid", sa.LargeBinary, nullable=False),
    sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("outcome", sa.SmallInteger, nullable=False),
    sa.Column("codec", sa.SmallInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("ix_decisions_persona", "brand", "shard", "pid"),
)

#: What became of acts, over all personas of a brand who allow research.model: by bucket, by cell and bin of
#: promising.py, and what the other policy would have gained (judging.py), each under numbers of its own.
answers = sa.Table(
    "answers",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("bucket", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("accepted", sa.BigInteger, nullable=False),
    sa.Column("annoyed", sa.BigInteger, nullable=False),
)

#: What everybody of a brand who allows research.model says of when to speak, in 1,024ths of an answer.
customs = sa.Table(
    "customs",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("for_yes", sa.BigInteger, nullable=False),
    sa.Column("for_no", sa.BigInteger, nullable=False),
)

#: What draws; the reference where there is none.
policies = sa.Table(
    "policies",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("policy", sa.Text, nullable=False),
)

#: To whom and when items may be offered.
offers = sa.Table(
    "offers",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("codec", sa.SmallInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

#: Raised with every change of a brand's offers, by which other processes notice.
offer_revisions = sa.Table(
    "offer_revisions",
    metadata,
    sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
)
