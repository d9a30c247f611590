"""A visitor of both doors: linked by a code, apart again, with a new face; no answer holds a persona's random id."""

import asyncio
import base64
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.e2e.running import RunningStack

_PURPOSES = ["collect.behaviour", "personalise.world", "recommend.offer", "remember.conversation"]
_JWS = re.compile(rb"[A-Za-z0-9_-]{20,}\.([A-Za-z0-9_-]{20,})\.[A-Za-z0-9_-]{20,}")
_RENDERER = "maskenball/pair/v1|"


class Egress(httpx.Client):
    """Keeps all that it is answered, headers too."""

    def __init__(self, base: str, key: str) -> None:
        super().__init__(base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        self.said: list[bytes] = []

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.get(path) if body is None else self.post(path, json=body)
        self.said += [answer.content, *(value for pair in answer.headers.raw for value in pair)]
        told = answer.json()
        return told if answer.is_success else {"refused": answer.status_code, **told}


def needles(pid: bytes) -> Iterator[bytes]:
    """A random id in every form it could leave in."""
    hexes = pid.hex()
    yield from (pid, hexes.encode(), hexes.upper().encode(), hexes[:16].encode(), str(int.from_bytes(pid)).encode())
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + pid).rstrip(b"=")
        core = whole[-(-shift * 8 // 6) : len(whole) - 1]
        yield from (core, core.replace(b"+", b"-").replace(b"/", b"_"))


def opened(said: bytes) -> bytes:
    """What was said, with what is inside signed tokens."""
    inside = (base64.urlsafe_b64decode(each + b"=" * (-len(each) % 4)) for each in _JWS.findall(said))
    return said + b"".join(inside)


async def _pids(url: str) -> set[bytes]:
    connection = await asyncpg.connect(url)
    try:
        return {bytes(row[0]) for row in await connection.fetch("SELECT pid FROM personas")}
    finally:
        await connection.close()


@pytest.fixture
def app(shared_stack: RunningStack) -> Iterator[Egress]:
    with Egress(shared_stack.endpoints["gateway"], shared_stack.endpoints["write_key"]) as client:
        yield client


@pytest.fixture
def world(shared_stack: RunningStack) -> Iterator[Egress]:
    with Egress(shared_stack.endpoints["adapter"], shared_stack.endpoints["world_token"]) as client:
        yield client


def _visit(world: Egress, visitor: str) -> str:
    token: str = world.ask("/a/v1", {"op": "open", "i": secrets.token_hex(8), "v": visitor})["s"]
    return token


class TestEgress:
    def test_no_answer_of_either_door_holds_a_random_id(
        self, shared_stack: RunningStack, app: Egress, world: Egress
    ) -> None:
        me, frame = {"userId": secrets.token_hex(8)}, {"s": _visit(world, secrets.token_hex(8))}
        app.ask("/v1/consent/grant", {**me, "purposes": _PURPOSES})
        world.ask("/a/v1", {"op": "con", **frame, "give": _PURPOSES})
        old = app.ask("/v1/persona", me)["view"]["handle"]
        code = app.ask("/v1/links/codes", me)["code"]
        linked = world.ask("/a/v1", {"op": "link", **frame, "code": code})
        assert linked == {"ok": 1, "with": "app:shop"}
        assert app.ask("/v1/links/list", me) == {"audiences": ["world:oak-street"]}
        assert world.ask("/a/v1", {"op": "link", **frame, "code": code})["err"]["code"] == "CODE_UNKNOWN"
        pids = asyncio.run(_pids(shared_stack.endpoints["databases"]["vault"]))
        for path in ("persona", "recommendations", "consent/list", "consent/receipt", "links/codes"):
            app.ask(f"/v1/{path}", me)
        world.ask("/a/v1", {"op": "ask", **frame, "k": "rec"})
        world.ask("/a/v1", {"op": "hnd"})
        app.ask("/v1/handles/replaced")
        assert app.ask("/v1/handles/find", {"handle": old}) == {"handle": old, "until_ms": 0}
        assert world.ask("/a/v1", {"op": "unl", **frame}) == {"ok": 1, "gone": ["app:shop"]}
        assert app.ask("/v1/face", me)["unreadable_at_ms"]
        assert app.ask("/v1/handles/find", {"handle": old})["refused"] == 410
        assert world.ask("/a/v1", {"op": "fgt", **frame, "face": 1})["known"] in (0, 1)
        pids |= asyncio.run(_pids(shared_stack.endpoints["databases"]["vault"]))
        said = opened(b"\n".join(app.said + world.said))
        assert len(pids) >= 2
        assert [pid.hex() for pid in pids for needle in needles(pid) if needle in said] == []

    def test_one_function_renders_handles(self) -> None:
        rooms = ("services", "gateway", "avatar_adapter", "doors", "kit", "maskenball", "infra")
        root = Path(__file__).parents[3]
        sources = (path for room in rooms for path in (root / room).rglob("*.py"))
        assert [path.name for path in sources if _RENDERER in path.read_text(encoding="utf-8")] == ["handles.py"]
