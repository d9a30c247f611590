"""Bytes of what is kept, by codec number, and the sealing of memories."""

from hashlib import sha256

import msgspec

from kit.sealing import NONCE_BYTES, open_sealed, seal
from services.avatar.domain import Effect, Persona, Visit
from services.avatar.encounter import Arrival, Encounter
from services.avatar.remembering import Memory

#: msgpack maps, so that a field that is added later has its default in what was written before.
CODEC = 1

_encoder = msgspec.msgpack.Encoder()
_encounters = msgspec.msgpack.Decoder(Encounter)
_effects = msgspec.msgpack.Decoder(Effect)
_arrivals = msgspec.msgpack.Decoder(Arrival)
_memories = msgspec.msgpack.Decoder(Memory)


def pack(kept: Encounter | Effect) -> bytes:
    return _encoder.encode(kept)


def unpack_encounter(body: bytes) -> Encounter:
    return _encounters.decode(body)


def unpack_effect(body: bytes) -> Effect:
    return _effects.decode(body)


def key_id(memory_key: bytes) -> str:
    """Name the key without telling it, so that what another key sealed is seen before it is opened."""
    return sha256(b"maskenball/memory/v1|" + memory_key).hexdigest()[:16]


def seal_memory(memory: Memory, memory_key: bytes, persona: Persona, audience: str, avatar: str) -> bytes:
    nonce, ciphertext = seal(memory_key, _encoder.encode(memory), _context(persona, audience, avatar))
    return nonce + ciphertext


def open_memory(body: bytes, memory_key: bytes, persona: Persona, audience: str, avatar: str) -> Memory:
    """Return the memory; raises UnsealableError."""
    nonce, ciphertext = body[:NONCE_BYTES], body[NONCE_BYTES:]
    return _memories.decode(open_sealed(memory_key, nonce, ciphertext, _context(persona, audience, avatar)))


def seal_arrival(arrival: Arrival, key: bytes, visit: Visit) -> bytes:
    """Return what a door may keep and hand back, and cannot read: it knows no pid."""
    nonce, ciphertext = seal(key, _encoder.encode(arrival), _whose(visit))
    return nonce + ciphertext


def open_arrival(body: bytes, key: bytes, visit: Visit) -> Arrival:
    """Return the arrival; raises UnsealableError when it is of another process, or of somebody else."""
    return _arrivals.decode(open_sealed(key, body[:NONCE_BYTES], body[NONCE_BYTES:], _whose(visit)))


def _whose(visit: Visit) -> bytes:
    who = visit.subject
    return f"{who.brand}|{who.audience}|{who.eid.hex()}|{visit.avatar}".encode()


def _context(persona: Persona, audience: str, avatar: str) -> bytes:
    place = (persona.brand, persona.shard, persona.pid.hex(), audience, avatar, CODEC)
    return "|".join(map(str, place)).encode()
