"""Everything that can be asked of the doors, listed by the doors themselves, and every key that must not open them."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import httpx
import msgspec

from avatar_adapter.frames import AnyFrame
from gateway.app import RECORDS
from kit.credentials import Credentials
from kit.keyring import FolderKeyRing
from tests.e2e.running import RunningStack

#: What needs no key: whether the door lives, the keys of receipts, addresses that are proofs themselves, and a request
#: that is signed.
OPEN = {"exchangeSignature", "getHealth", "getReceiptKeys", "removeByClick", "undoByClick"}


@dataclass(frozen=True)
class Door:
    """One thing that can be asked of a door, and how it is written on the record."""

    method: str
    url: str
    what: str
    kind: str
    body: Any = None


@dataclass(frozen=True)
class Shown:
    """A key that must not open a door, why the record says it did not, and the public part of it."""

    key: str
    why: str
    kid: str = "nobody"


def doors(stack: RunningStack) -> list[Door]:
    return [*_rest(stack), *_tracking(stack), *_frames(stack)]


def _rest(stack: RunningStack) -> Iterator[Door]:
    gateway = stack.endpoints["gateway"]
    described = httpx.get(f"{gateway}/openapi.json", trust_env=False).json()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            what = operation["operationId"]
            if what in OPEN:
                continue
            assert operation.get("security"), f"{what} asks for no key"
            url = gateway + re.sub(r"\{\w+\}", "0" * 32, path)
            yield Door(method.upper(), url, what, _kind(stack, method.upper(), url))


def _kind(stack: RunningStack, method: str, url: str) -> str:
    # The door itself says for whom it is: a key of a kind that it does not know is refused as nobody's.
    headers = [{"authorization": f"Bearer {stack.endpoints[name]}"} for name in ("staff_key", "write_key")]
    answers = [httpx.request(method, url, headers=each, trust_env=False) for each in headers]
    is_for = [answer.status_code != httpx.codes.UNAUTHORIZED for answer in answers]
    kinds = {(True, True): "analyst", (True, False): "staff", (False, True): "source", (False, False): "person"}
    return kinds[is_for[0], is_for[1]]


def _tracking(stack: RunningStack) -> Iterator[Door]:
    gateway = stack.endpoints["gateway"]
    for path in RECORDS:
        yield Door("POST", gateway + path, "track", "events", {"batch": []})
    yield Door("GET", f"{gateway}/sourceConfig", "sourceConfig", "events")


def _frames(stack: RunningStack) -> Iterator[Door]:
    for frame in get_args(AnyFrame):
        op = msgspec.inspect.type_info(frame).tag
        yield Door("POST", stack.endpoints["adapter"] + "/a/v1", "POST /a/v1", "world", {"op": op, "s": "v1.x"})


def wrong_keys(stack: RunningStack) -> dict[str, list[Shown]]:
    """By kind of door: keys that are forged, over, taken back, of another kind, or may not do it."""
    pepper = FolderKeyRing(stack.folder / "keyring").current("pepper").secret
    credentials = Credentials(stack.folder / "credentials.json", pepper)
    made = {}
    for kind, id_, scopes in (("source", "app:attic", ("app",)), ("world", "world:attic", ()), ("staff", "eve", ())):
        over, ended = credentials.mint(kind, "oak", id_, scopes=scopes, expires_at=time.time())
        back, revoked = credentials.mint(kind, "oak", id_, scopes=scopes)
        credentials.revoke(revoked.kid)
        good, minted = credentials.mint(kind, "oak", id_, scopes=scopes)
        forged = f"mb_{minted.kid}_{'a' * 52}"
        made[kind] = (
            [Shown(over, "expired", ended.kid), Shown(back, "forged"), Shown(forged, "forged", minted.kid)],
            Shown(good, "kind", minted.kid),
        )
    events, sender = credentials.mint("source", "oak", "app:attic")
    reader, looking = credentials.mint("staff", "oak", "eve", scopes=["nothing"])
    shown = {
        kind: [Shown("", "keyless"), Shown("mb_00000000_x", "forged"), *bad]
        + [other for of, (_, other) in made.items() if of != kind]
        for kind, (bad, _) in made.items()
    }
    shown["events"] = list(shown["source"])
    (_, good) = made["source"]
    shown["analyst"] = [each for each in shown["staff"] if each is not good] + [Shown(good.key, "scope", good.kid)]
    # A person has a proof: no key of ours is one, and none is looked up.
    shown["person"] = [Shown(each.key, "proof") for each in (*shown["analyst"], good)]
    shown["source"].append(Shown(events, "scope", sender.kid))
    shown["staff"].append(Shown(reader, "scope", looking.kid))
    return shown
