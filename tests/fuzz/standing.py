"""Both doors whole, in this process: real applications, with services that are away and a stream in memory."""

import asyncio
import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from avatar_adapter import app as adapter
from avatar_adapter.clients import Catalogue
from avatar_adapter.copies import Copies, Fence
from avatar_adapter.limiting import RateLimiter
from avatar_adapter.persons import Persons
from avatar_adapter.reception import Reception
from avatar_adapter.use_cases import Door as WorldDoor
from avatar_adapter.visits import Visits
from avatar_adapter.vocabulary import Vocabulary as WorldVocabulary
from doors.proofs import Proofs
from doors.publish import Publisher, Sealer
from doors.subjects import EdgeKeys
from gateway import app as gateway
from gateway.domain import MAX_REST_BYTES, POWER_CUT
from gateway.endpoints import build_endpoints
from gateway.people import People
from gateway.rest import Rest
from gateway.sources import load_sources
from gateway.tracking import Door, Tracking
from gateway.translators import Translators
from kit.credentials import Credentials
from kit.epochs import EpochKeys
from kit.errors import UnavailableError
from kit.fence import Familiar, FencedCache, boottime_ns
from kit.http import bounded, guarded
from kit.http.signed import Signatures
from kit.http.types import App
from kit.keyring import FolderKeyRing
from kit.process import Readiness

_RPS = 1 << 20


class Away:
    """Every RPC of every service."""

    def __getattr__(self, name: str) -> Any:
        async def call(*_: Any, **__: Any) -> Any:
            raise UnavailableError("away", retry_after_s=1)

        return call if name[0].isupper() else self


class Memory:
    """A stream that keeps count alone."""

    async def append(self, subject: str, body: bytes, headers: dict[str, str]) -> int:
        return 1


class Doors:
    """Applications, keys, and what opens the rest."""

    def __init__(self, folder: Path) -> None:
        self.keyring = FolderKeyRing(folder / "keyring")
        for family in ("edge", "pepper", "epoch"):
            self.keyring.ensure(family)
        self.credentials = Credentials(folder / "credentials.json", self.keyring.current("pepper").secret)
        self.app_key = self.credentials.mint("source", "oak", "app:shop", scopes=["app"])[0]
        self.staff_key = self.credentials.mint("staff", "oak", "ann")[0]
        self.world_token = self.credentials.mint("world", "oak", "world:oak-street")[0]
        self.visits = Visits(self.keyring, default_avatar="ada", clock=lambda: 0.0, random_bytes=os.urandom)
        self.gateway, self.adapter = self._gateway(), self._adapter()

    def guard(self) -> adapter.Guard:
        return adapter.Guard(self.credentials, RateLimiter(_RPS, lambda: 0.0), _RPS)

    def _gateway(self) -> App:
        sources, edge_keys, away = load_sources(), EdgeKeys(self.keyring), Away()
        translators = Translators(sources)
        publisher = Publisher(Memory(), Sealer(EpochKeys(self.keyring), translators.version), max_waiting=1 << 26)
        publishers = {POWER_CUT: publisher}
        door = Door(self.credentials, edge_keys, sources, translators, publishers, partitions=4, max_requests=9)
        people = People(edge_keys, Proofs(self.keyring, lambda: 0.0), publisher, 4)
        signatures = Signatures(self.credentials.public_key, lambda: 0.0)
        rest = build_endpoints(Rest(self.credentials, people, away, Readiness()), translators, signatures)
        return guarded(gateway.build_app(Tracking(door), bounded(rest, max_bytes=MAX_REST_BYTES, max_requests=9)))

    def _adapter(self) -> App:
        async def publish(*_: Any) -> None:
            """Forget it."""

        away = Away()
        fence: Fence = FencedCache(boottime_ns, margin_ns=0, capacity=1)
        copies = Copies(fence, Familiar(1, lambda: None), lambda who: who.eid)
        reception = Reception(away, copies, publish, os.urandom)
        catalogue = Catalogue(away, lambda: 0.0)
        persons = Persons(away, Proofs(self.keyring, lambda: 0.0))
        door = WorldDoor(away, reception, catalogue, self.visits, WorldVocabulary(), publish, lambda: 0.0, persons)
        return guarded(adapter.build_app(door, self.guard()))


@cache
def doors() -> Doors:
    """One stand for the whole process."""
    folder = Path(tempfile.mkdtemp(prefix="maskenball-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Doors(folder)


def ask(app: App, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return (status, headers, body) of one request."""
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    place, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": place,
        "raw_path": place.encode("utf-8", "replace"),
        "query_string": query.encode("utf-8", "replace"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    asyncio.run(app(scope, receive, send))
    start = said[0]
    told = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start["status"], told, b"".join(message.get("body", b"") for message in said[1:])
