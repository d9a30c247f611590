"""How states and decisions lie in the database: encoded, then sealed under the decision key of their persona."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kit.sealing import NONCE_BYTES, open_sealed, seal
from services.recommendation.deciding import EMPTY, Answers, Habits, State, Taught, Terms, decode_state, encode_state
from services.recommendation.domain import Keyed

#: msgpack, AES-256-GCM, nonce in front. What was taught, customs, and terms are msgpack alone.
CODEC = 1
_encoder = msgspec.msgpack.Encoder()
_terms_decoder = msgspec.msgpack.Decoder(Terms)
_customs_decoder = msgspec.msgpack.Decoder(dict[str, tuple[int, int]])
_taught_decoder = msgspec.msgpack.Decoder(dict[int, Answers])


def seal_state(keyed: Keyed, state: State) -> bytes:
    return b"".join(seal(keyed.decision_key, encode_state(state), _aad(keyed, b"state")))


def open_state(keyed: Keyed, body: bytes) -> State:
    """Return what is kept; nothing for nothing."""
    return decode_state(_open(keyed, body, b"state")) if body else EMPTY


def seal_habits(keyed: Keyed, habits: Habits) -> bytes:
    return b"".join(seal(keyed.decision_key, habits.packed(), _aad(keyed, b"habits")))


def open_habits(keyed: Keyed, body: bytes) -> Habits:
    """Return what is kept; nothing for nothing."""
    return Habits.unpacked(_open(keyed, body, b"habits") if body else b"")


def seal_record(keyed: Keyed, decision_id: bytes, record: dict[str, Any]) -> bytes:
    return b"".join(seal(keyed.decision_key, _encoder.encode(record), _aad(keyed, b"decision", decision_id)))


def open_record(keyed: Keyed, decision_id: bytes, body: bytes) -> dict[str, Any]:
    return msgspec.msgpack.decode(_open(keyed, body, b"decision", decision_id), type=dict[str, Any])


def encode_taught(taught: Taught) -> bytes:
    return _encoder.encode(taught) if taught else b""


def decode_taught(body: bytes) -> dict[int, Answers]:
    return _taught_decoder.decode(body) if body else {}


def encode_customs(customs: Mapping[str, tuple[int, int]]) -> bytes:
    return _encoder.encode(customs) if customs else b""


def decode_customs(body: bytes) -> dict[str, tuple[int, int]]:
    return _customs_decoder.decode(body) if body else {}


def encode_terms(terms: Terms) -> bytes:
    return _encoder.encode(terms)


def decode_terms(body: bytes) -> Terms:
    return _terms_decoder.decode(body)


def _open(keyed: Keyed, body: bytes, *what: bytes) -> bytes:
    return open_sealed(keyed.decision_key, body[:NONCE_BYTES], body[NONCE_BYTES:], _aad(keyed, *what))


def _aad(keyed: Keyed, *what: bytes) -> bytes:
    persona = keyed.persona
    return b"|".join((*what, persona.brand.encode(), bytes([persona.shard]), persona.pid))
