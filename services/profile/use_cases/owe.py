"""What shared models have to take back of a persona: worked out while its key is there, sealed until it is done."""

import asyncio
import zlib
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from kit.sealing import NONCE_BYTES, open_sealed, seal
from services.profile import messages, sealed, stored
from services.profile.domain import Bound
from services.profile.folding import Lesson, lesson_of
from services.profile.repository import histories
from services.profile.repository.erasures import Erasure
from services.profile.traits import Traits, absorb
from services.profile.use_cases.stores import Stores

FAMILY = "erasure"
_BATCH_ID_BYTES = 16
# Opening and folding a block takes some ten microseconds an event.
_TURN = 64
_parts = msgspec.msgpack.Decoder(list[bytes])


async def owe(stores: Stores, erasure_id: str, circle: Sequence[Bound]) -> tuple[bytes, str]:
    """Return what is owed for a circle, sealed, and the version of its key; twice nothing when nothing is."""
    lessons = [lesson for bound in circle for lesson in await _lessons(stores, bound)]
    if not lessons:
        return b"", ""
    key = stores.keyring.create(FAMILY)
    packed = zlib.compress(msgspec.msgpack.encode(messages.taught(lessons)))
    return b"".join(seal(key.secret, packed, erasure_id.encode())), key.version


def owed(stores: Stores, erasure: Erasure) -> list[tuple[bytes, bytes]]:
    """Return lessons to be taken back, in parts, each with its batch id; raises KeyMissingError once it is done."""
    if not erasure.owed:
        return []
    key, aad = stores.keyring.get(FAMILY, erasure.owed_key), erasure.erasure_id.encode()
    packed = open_sealed(key, erasure.owed[:NONCE_BYTES], erasure.owed[NONCE_BYTES:], aad)
    return [
        (sha256(b"%b|%d" % (aad, number)).digest()[:_BATCH_ID_BYTES], part)
        for number, part in enumerate(_parts.decode(zlib.decompress(packed)))
    ]


async def _lessons(stores: Stores, bound: Bound) -> list[Lesson]:
    """Return the lessons as folds announced them: each block's, given all blocks before."""
    blocks = await histories.taught(stores.profile, bound.persona)
    if not blocks:
        return []
    key, traits, lessons = sealed.data_key(stores.keyring, bound), Traits(), []
    for number, block in enumerate(blocks):
        if number % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        interactions = stored.decode(sealed.open_block(key, bound.persona, block.block_id, block.body))
        if block.is_taught and (lesson := lesson_of(traits, interactions, stores.weights)):
            lessons.append(lesson)
        absorb(traits, interactions, stores.weights)
    return lessons
