"""Finds personas by their names, and tells an audience alone which of its names were replaced."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from kit import rotation
from kit.errors import ExhaustedError, InvalidArgumentError
from kit.keyring import Key, KeyMissingError
from kit.sealing import NONCE_BYTES, UnsealableError, open_sealed, seal
from services.profile import handles
from services.profile.domain import PERSONALISE, SHARDS
from services.profile.domain.errors import HandleGoneError
from services.profile.repository import names
from services.profile.repository.names import Faced
from services.profile.use_cases.stores import Stores

_PAGE = 2_000
# A look takes time in proportion to the audience; more at once would only keep each other waiting.
_MOST_LOOKS = 2
_RETRY_S = 2


@dataclass(frozen=True, slots=True)
class Found:
    """The handle of now, and until when the one that was asked for answers; 0 when it is the same."""

    handle: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A handle that was replaced, and by which."""

    old: str
    new: str
    effective_at_ms: int
    until_ms: int


class Naming:
    """Handles of one brand's audiences, while they are in their grace."""

    def __init__(self, stores: Stores, grace_ms: int) -> None:
        self._stores = stores
        self._grace_ms = grace_ms
        self._looks = 0

    async def find(self, brand: str, audience: str, handle: str) -> Found:
        """Return by which handle this audience is to know a persona; raises HandleGoneError."""
        if self._looks >= _MOST_LOOKS:
            raise ExhaustedError("too many look for handles", retry_after_s=_RETRY_S)
        self._looks += 1
        try:
            return await self._find(brand, audience, handle)
        finally:
            self._looks -= 1

    async def replaced(self, brand: str, audience: str, count: int, after: bytes) -> tuple[list[Pair], bytes]:
        """Return the handles that were replaced of the next `count` personas, and where the next page begins."""
        stores = self._stores
        place = self._open(brand, audience, after)
        before = handles.replaced(stores.keyring, audience, self._grace_ms, stores.now_ms())
        if not before:
            return [], b""
        page: list[Faced] = []
        while len(page) < count and place[0] < SHARDS:
            wanted = count - len(page)
            found = await names.page(stores.vault, brand, audience, place, wanted)
            page += found
            place = (place[0], found[-1].eid) if len(found) == wanted else (place[0] + 1, b"")
        known = await self._known(audience, page)
        # By the new name: the order of ids would tell which version of the edge key made them.
        pairs = sorted(
            (pair for faced in known for pair in self._pairs(audience, faced, before)), key=lambda pair: pair.new
        )
        return pairs, self._seal(brand, audience, place) if place[0] < SHARDS else b""

    async def _find(self, brand: str, audience: str, handle: str) -> Found:
        stores = self._stores
        key, until_ms = self._key(audience, handle.partition(".")[0])
        async for faced in everybody(stores, brand, audience):
            pid, generation = faced.persona.pid, faced.generation
            if handles.render(stores.keyring, audience, pid, generation, key) == handle:
                if await self._known(audience, [faced]):
                    return Found(handles.render(stores.keyring, audience, pid, generation), until_ms)
                break
        raise _gone()

    def _key(self, audience: str, version: str) -> tuple[Key, int]:
        stores = self._stores
        try:
            active = rotation.active(stores.keyring, handles.FAMILY, audience)
        except KeyMissingError:
            raise _gone() from None
        if active.version == version:
            return active, 0
        for each in handles.replaced(stores.keyring, audience, self._grace_ms, stores.now_ms()):
            if each.key.version == version:
                return each.key, each.until_ms
        raise _gone()

    def _pairs(self, audience: str, faced: Faced, before: Sequence[handles.Replaced]) -> list[Pair]:
        ring, pid, generation = self._stores.keyring, faced.persona.pid, faced.generation
        new = handles.render(ring, audience, pid, generation)
        return [
            Pair(handles.render(ring, audience, pid, generation, each.key), new, each.effective_at_ms, each.until_ms)
            for each in before
            # Whoever came later never had that name.
            if faced.bound_at_ms <= each.effective_at_ms
        ]

    async def _known(self, audience: str, page: Sequence[Faced]) -> list[Faced]:
        """Return those whom this audience may know at this moment, each once."""
        # Ids under two versions of the edge key stand for one persona.
        once = list({faced.persona: faced for faced in page}.values())
        if not once:
            return []
        masks = await self._stores.decisions.check_many(audience, (PERSONALISE,), [each.persona for each in once])
        return [faced for faced, mask in zip(once, masks, strict=True) if mask]

    def _seal(self, brand: str, audience: str, place: tuple[int, bytes]) -> bytes:
        key = handles.cursor_key(self._stores.keyring, audience)
        nonce, sealed = seal(key, bytes([place[0]]) + place[1], brand.encode())
        return nonce + sealed

    def _open(self, brand: str, audience: str, after: bytes) -> tuple[int, bytes]:
        if not after:
            return 0, b""
        try:
            key = handles.cursor_key(self._stores.keyring, audience)
            place = open_sealed(key, after[:NONCE_BYTES], after[NONCE_BYTES:], brand.encode())
        except (UnsealableError, ValueError):
            raise InvalidArgumentError("not where a page ended, or the key was turned since", field="after") from None
        return place[0], place[1:]


async def everybody(stores: Stores, brand: str, audience: str) -> AsyncIterator[Faced]:
    """Yield every persona of an audience."""
    for shard in range(SHARDS):
        eid = b""
        while page := await names.page(stores.vault, brand, audience, (shard, eid), _PAGE):
            for faced in page:
                yield faced
            if len(page) < _PAGE:
                break
            eid = page[-1].eid
            # A shard may hold many: others are answered in between.
            await asyncio.sleep(0)


def _gone() -> HandleGoneError:
    return HandleGoneError("nobody has this handle here", field="handle")
