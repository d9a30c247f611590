"""What is inside an Envelope once it is opened: msgpack arrays, one per event, in the order the door received them.

Shapes are fixed by position; fields are only ever appended. Numbers of Kind are those of interaction.proto.
"""

import msgspec


class Interaction(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One thing a persona did or said, identity-free.

    Times are milliseconds since 1970 UTC. `eid` and `other` are 16-byte pseudonyms, `mid` the 16-byte keyed hash of
    source and message id. `item` is an opaque id of at most 64 characters, `topics` at most 5 words of the taxonomy.
    """

    source: str
    eid: bytes
    mid: bytes
    kind: int
    at_ms: int
    channel: str
    item: str | None = None
    topics: tuple[str, ...] = ()
    value: float | None = None
    #: identified: eid of the other id; joined: keyed hash of the group.
    other: bytes | None = None
    #: Purposes that this very request allowed (consent preferences of the SDK).
    granted: tuple[str, ...] = ()
    #: Purposes that this very request refused (consent preferences, Global Privacy Control).
    withdrawn: tuple[str, ...] = ()
    #: Those of them that nothing but a Global Privacy Control signal refused.
    gpc: tuple[str, ...] = ()
    #: Version of the edge key that made `eid` and `other`; 0 for not told.
    version: int = 0
    #: `eid` and `other` under older versions that are still read, newest first: the version and 16 bytes each.
    former: tuple[tuple[int, bytes], ...] = ()
    other_former: tuple[tuple[int, bytes], ...] = ()
    #: What the text said that it came with: for buyer and seller, partner, ruler, fan and adversary twice the
    #: log-likelihood ratio against saying nothing of a relationship, -8 to 8. Empty without a text.
    stances: tuple[int, ...] = ()
    #: `mid` under those older versions of the edge key that were turned less than a day ago, 16 bytes each.
    former_mids: tuple[bytes, ...] = ()


class Remains(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What a rule can mend of an event that was set aside: closed words, numbers, harmless ids."""

    eid: bytes
    at_ms: int
    channel: str
    #: 16-byte keyed hash of source, name and, but for unknown_event, the reason.
    named: bytes
    #: Opaque ids of at most 64 characters, by the property they stood in; at most 4.
    items: dict[str, str] = {}
    topics: tuple[str, ...] = ()
    #: Numbers by the property they stood in.
    values: dict[str, float] = {}


class Quarantined(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One event that could not be translated: why, and which field, never what it held."""

    source: str
    mid: bytes
    reason: str
    field: str
    #: Absent where nothing can be mended, or keeping it would risk identity.
    remains: Remains | None = None


class Payload(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """The content of one envelope."""

    interactions: list[Interaction]
    quarantined: list[Quarantined]
    #: Events set aside earlier and mended since, of the partition of their visitor; the counts leave them out.
    mended: list[Interaction] = []


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Payload)


def encode(payload: Payload) -> bytes:
    """Return the msgpack bytes of `payload`."""
    return _encoder.encode(payload)


def decode(data: bytes) -> Payload:
    """Return the payload in `data`; raises msgspec.DecodeError when it is not one."""
    return _decoder.decode(data)


def associated_data(batch_id: bytes, brand: str, partition: int) -> bytes:
    """Return what is authenticated with the ciphertext of an Envelope, so that it opens in its own place only."""
    return batch_id + brand.encode() + b"|" + str(partition).encode()
