"""Visit tokens: sealed, for one world and one avatar, so that the door need not remember who is inside."""

import base64
import struct
from collections.abc import Callable
from functools import lru_cache

from avatar_adapter.denying import denied
from avatar_adapter.domain import (
    DEFAULT_SAY_CHARACTERS,
    VISIT_S,
    Visit,
    VisitExpiredError,
    VisitUnknownError,
    World,
)
from avatar_adapter.frames import Open
from doors.subjects import EdgeKeys
from kit.keyring import KeyMissingError, KeyRing
from kit.pseudonyms import PSEUDONYM_BYTES, Pseudonymiser, canonical, derive
from kit.sealing import NONCE_BYTES, SealingKey, UnsealableError, open_sealed, ready, seal

EDGE_FAMILY = "edge"
_LAYOUT = struct.Struct(">16s16sIHH")
# Versions of the edge key that visits are open under.
_MOST_KEYS = 16


class Visits:
    """Makes and reads visit tokens, and the pseudonyms of a visit. Raw handles enter here and go no further."""

    def __init__(
        self,
        keyring: KeyRing,
        *,
        default_avatar: str,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """Take the ring that holds the edge keys, the avatar meant when none is named, and seconds since 1970."""
        self._keyring = keyring
        self._edge_keys = EdgeKeys(keyring)
        self._default_avatar = default_avatar
        self._clock = clock
        self._random = random_bytes

    def open(self, world: World, frame: Open) -> tuple[Visit, str]:
        """Return the visit that `frame` opens and its token; the same frame id opens the same visit again."""
        keys = self._edge_keys.of(world.audience)
        avatar = frame.a or self._default_avatar
        visitor = canonical(frame.v)
        # Without a visitor it is nobody in particular. Not even the frame id may name them: a world that starts its
        # count anew would hand the visit of one stranger to the next.
        eid = keys.user(visitor) if visitor else self._random(PSEUDONYM_BYTES)
        opened_by = f"{world.brand}|{world.id}|{avatar}|{eid.hex()}|{frame.i}"
        visit = Visit(
            id=_ids(keys.secret)(opened_by) if frame.i else self._random(PSEUDONYM_BYTES),
            eid=eid,
            avatar=avatar,
            expires_at=int(self._clock()) + VISIT_S,
            answer_bytes=int(frame.cap.max) or world.answer_bytes,
            say_characters=int(frame.cap.say) or DEFAULT_SAY_CHARACTERS,
            version=keys.version,
            former=keys.former_users(visitor) if visitor else (),
        )
        # Under the key that made the eid, not the newest: it is what a later frame says the eid is of.
        return visit, _sealed(_tokens(keys.secret), world, visit)

    def read(self, world: World, token: str) -> Visit:
        """Return the visit in `token`; raises VisitUnknownError or VisitExpiredError."""
        version, _, sealed = token.partition(".")
        try:
            raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            key = _tokens(self._keyring.get(EDGE_FAMILY, version))
            plain = open_sealed(key, raw[:NONCE_BYTES], raw[NONCE_BYTES:], _context(world))
            visit_id, eid, expires_at, answer_bytes, say_characters = _LAYOUT.unpack_from(plain)
        except (ValueError, KeyMissingError, UnsealableError, struct.error):
            raise denied(
                world, VisitUnknownError("no such visit in this world", field="s"), "of another visit"
            ) from None
        if expires_at <= self._clock():
            raise VisitExpiredError("the visit is over; open another", field="s")
        avatar = plain[_LAYOUT.size :].decode()
        return Visit(visit_id, eid, avatar, expires_at, answer_bytes, say_characters, int(version))

    def message_id(self, world: World, visit: Visit, frame_id: str) -> bytes:
        """Return the name of a frame: the same for the same frame, another one whenever it has no id.

        The frame id itself stays here: servers build it of what they are called. It is hashed under the key that
        opened the visit, so that a frame which comes again after a turn is still the same.
        """
        if not frame_id:
            return self._random(PSEUDONYM_BYTES)
        every = self._edge_keys.every(world.audience)
        keys = next((each for each in every if each.version == visit.version), self._edge_keys.of(world.audience))
        return keys.message(visit.id + frame_id.encode())


def _sealed(key: SealingKey, world: World, visit: Visit) -> str:
    plain = _LAYOUT.pack(visit.id, visit.eid, visit.expires_at, visit.answer_bytes, visit.say_characters)
    nonce, sealed = seal(key, plain + visit.avatar.encode(), _context(world))
    return f"{visit.version}.{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"


@lru_cache(_MOST_KEYS)
def _ids(secret: bytes) -> Pseudonymiser:
    return Pseudonymiser(derive(secret, "maskenball/visit-id/v1"))


@lru_cache(_MOST_KEYS)
def _tokens(secret: bytes) -> SealingKey:
    return ready(derive(secret, "maskenball/visit/v1"))


def _context(world: World) -> bytes:
    # The avatar is inside the token: the frames of a visit do not name it, so it cannot be named wrongly.
    return f"{world.brand}|{world.id}".encode()
