"""How facets and interactions lie in the database: encoded, then sealed under the data key of their persona."""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from kit.keyring import KEY_BYTES, KeyRing
from kit.pseudonyms import derive
from kit.sealing import NONCE_BYTES, SealingKey, open_sealed, ready, seal, unwrap, wrap
from services.profile import traits
from services.profile.domain import Bound, Interaction, Kind, Persona

#: msgpack, AES-256-GCM, nonce in front.
CODEC = 1
#: Data keys are numbered per persona.
FIRST_KEY = "1"
_MEMORY_LABEL = "maskenball/memory/v1"
_DECISION_LABEL = "maskenball/decision/v1"
# Half a kilobyte each, and as many again of the term before.
_MOST_READY = 50_000
_READY_MS = 30_000
_JOINED = int(Kind.JOINED)
_encoder = msgspec.msgpack.Encoder()


class WrappedKey(NamedTuple):
    """A new data key under the present shard key."""

    wrapped: bytes
    wrapped_by: str


def create_keys(keyring: KeyRing, shards: Sequence[int]) -> list[WrappedKey]:
    """Return one new data key for each of these shards, in their order."""
    present = {shard: keyring.ensure(_family(shard)) for shard in set(shards)}
    keys = (present[shard] for shard in shards)
    return [WrappedKey(wrap(key.secret, os.urandom(KEY_BYTES)), key.version) for key in keys]


def data_key(keyring: KeyRing, bound: Bound) -> bytes:
    return unwrap(keyring.get(_family(bound.persona.shard), bound.wrapped_by), bound.wrapped)


def rewrap(keyring: KeyRing, shard: int, version: str, wrapped: Sequence[tuple[bytes, str]]) -> list[bytes]:
    """Return data keys wrapped anew under one version of their shard key; each comes with the version of before."""
    family = _family(shard)
    new = keyring.get(family, version)
    old = {each: keyring.get(family, each) for each in {by for _, by in wrapped}}
    return [wrap(new, unwrap(old[by], body)) for body, by in wrapped]


def renew_shard_key(keyring: KeyRing, shard: int) -> str:
    """Make a new shard key and return its version."""
    return keyring.create(_family(shard)).version


def destroy_shard_keys(keyring: KeyRing, shard: int, before: str) -> None:
    """Destroy every version of a shard key older than one: nothing wrapped under those opens any more, anywhere."""
    for version in keyring.versions(_family(shard)):
        if int(version) < int(before):
            keyring.destroy(_family(shard), version)


class ReadyKeys:
    """Data keys made ready, of those who were folded of late: to make one ready costs more than to seal with it.

    A key that nobody asked for is forgotten within two terms. It is asked for with what is in the vault at that moment,
    so that of somebody erased, or wrapped anew, it is asked for no more.
    """

    def __init__(self, most: int = _MOST_READY, term_ms: int = _READY_MS) -> None:
        self._most = most
        self._term_ms = term_ms
        self._turns_at_ms = 0
        self._young: dict[bytes, tuple[bytes, SealingKey]] = {}
        self._old: dict[bytes, tuple[bytes, SealingKey]] = {}

    def age(self, at_ms: int) -> None:
        """Note the time; what was not asked for in the last term goes."""
        if at_ms >= self._turns_at_ms or len(self._young) > self._most:
            self._young, self._old = {}, self._young
            self._turns_at_ms = at_ms + self._term_ms

    def get(self, bound: Bound) -> SealingKey | None:
        pid = bound.persona.pid
        kept = self._young.get(pid)
        if kept is None:
            kept = self._old.get(pid)
            if kept is not None:
                self._young[pid] = kept
        return kept[1] if kept is not None and kept[0] == bound.wrapped else None

    def keep(self, bound: Bound, key: SealingKey) -> None:
        self._young[bound.persona.pid] = bound.wrapped, key

    def erase(self, pids: Iterable[bytes]) -> None:
        for pid in pids:
            self._young.pop(pid, None)
            self._old.pop(pid, None)

    def clear(self) -> None:
        self._young.clear()
        self._old.clear()


class DataKeys:
    """Data keys for one fold: the ring is asked once for each shard key, not for every persona."""

    def __init__(self, keyring: KeyRing, kept: ReadyKeys | None = None) -> None:
        self._keyring = keyring
        self._kept = ReadyKeys() if kept is None else kept
        self._shard_keys: dict[tuple[int, str], bytes] = {}

    def of(self, bound: Bound) -> SealingKey:
        """Return what `data_key` returns, ready."""
        key = self._kept.get(bound)
        if key is None:
            key = ready(unwrap(self._shard_key(bound.persona.shard, bound.wrapped_by), bound.wrapped))
            self._kept.keep(bound, key)
        return key

    def _shard_key(self, shard: int, version: str) -> bytes:
        key = self._shard_keys.get((shard, version))
        if key is None:
            key = self._shard_keys[shard, version] = self._keyring.get(_family(shard), version)
        return key


def memory_key(key: bytes) -> bytes:
    """Return the key another service seals with what it remembers of the persona of this data key."""
    return derive(key, _MEMORY_LABEL)


def decision_key(key: bytes) -> bytes:
    """Return the key another service seals with what it decides about the persona of this data key."""
    return derive(key, _DECISION_LABEL)


def seal_facet(key: SealingKey, persona: Persona, facet: traits.Traits) -> bytes:
    return b"".join(seal(key, traits.encode(facet), _aad(b"facet|", persona)))


def open_facet(key: SealingKey, persona: Persona, body: bytes) -> traits.Traits:
    return traits.decode(_open(key, body, _aad(b"facet|", persona)))


def seal_block(key: SealingKey, persona: Persona, block_id: bytes, interactions: Sequence[Interaction]) -> bytes:
    """Seal [source, mid, kind, at_ms, channel, item, topics, value, group, stances] of each, and no edge pseudonym."""
    rows = [
        (
            i.source,
            i.mid,
            i.kind,
            i.at_ms,
            i.channel,
            i.item,
            i.topics,
            i.value,
            i.other if i.kind == _JOINED else None,
            i.stances,
        )
        for i in interactions
    ]
    return b"".join(seal(key, _encoder.encode(rows), _aad(b"block|" + block_id, persona)))


def open_block(key: SealingKey, persona: Persona, block_id: bytes, body: bytes) -> bytes:
    """Return the msgpack array of interactions."""
    return _open(key, body, _aad(b"block|" + block_id, persona))


def seal_choices(key: bytes, persona: Persona, choices: bytes) -> bytes:
    return b"".join(seal(key, choices, _aad(b"choices|", persona)))


def open_choices(key: bytes, persona: Persona, body: bytes) -> bytes:
    return _open(key, body, _aad(b"choices|", persona))


def seal_offers(key: bytes, persona: Persona, offers: bytes) -> bytes:
    return b"".join(seal(key, offers, _aad(b"offers|", persona)))


def open_offers(key: bytes, persona: Persona, body: bytes) -> bytes:
    return _open(key, body, _aad(b"offers|", persona))


def seal_remains(key: bytes, persona: Persona, mid: bytes, left: bytes) -> bytes:
    return b"".join(seal(key, left, _aad(b"remains|" + mid, persona)))


def open_remains(key: bytes, persona: Persona, mid: bytes, body: bytes) -> bytes:
    return _open(key, body, _aad(b"remains|" + mid, persona))


def _open(key: SealingKey, body: bytes, aad: bytes) -> bytes:
    return open_sealed(key, body[:NONCE_BYTES], body[NONCE_BYTES:], aad)


def _aad(label: bytes, persona: Persona) -> bytes:
    return b"%b%b|%d|%b" % (label, persona.brand.encode(), persona.shard, persona.pid)


def _family(shard: int) -> str:
    return f"shard-{shard:02d}"
