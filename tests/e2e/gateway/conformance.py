"""What is asked of an SDK, and how it is judged: by what it was told, by the books and by what PostgreSQL holds."""

import asyncio
import json
import secrets
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from doors.subjects import SourceKeys
from kit.credentials import Credentials
from kit.keyring import FolderKeyRing
from kit.testing import eventually
from services.profile.domain import SHARDS
from services.profile.repository.message_ids import key_of
from tests.e2e.gateway.browser import Chromium, Pages
from tests.e2e.gateway.proxy import Fault, Proxy, Request

SDK = Path(__file__).parent / "sdk"
_BRAND = "oak"
_FATES = ("received", "stored", "duplicate", "quarantined", "suppressed", "pending")


@dataclass(frozen=True)
class Sdk:
    """One SDK: what it can do, as its manual says."""

    name: str
    #: Command to run its script, without the plan; none for a page.
    command: tuple[str, ...] = ()
    #: What a page runs, before it is bundled; its own file unless said.
    script: str = ""
    has_screen: bool = True
    can_gzip: bool = False
    honours_retry_after: bool = False

    @property
    def types(self) -> int:
        """Events it sends beside tracks: identify, alias, group, page, screen."""
        return 5 if self.has_screen else 4


_PYTHON = (sys.executable, str(SDK / "send.py"))
_NODE = ("node", str(SDK / "send.mjs"))
SDKS = (
    Sdk("segment-python", _PYTHON, can_gzip=True, honours_retry_after=True),
    Sdk("rudder-python", _PYTHON, can_gzip=True),
    Sdk("analytics-node", _NODE, honours_retry_after=True),
    Sdk("rudder-node", _NODE, can_gzip=True, honours_retry_after=True),
    Sdk("analytics-next", honours_retry_after=True),
    Sdk("rudder-js", has_screen=False),
)


@dataclass(frozen=True)
class Plan:
    """What an SDK is to send, and what the network does to it."""

    tracks: int = 5
    #: Bytes of free text in each track.
    padding: int = 0
    is_gzipped: bool = False
    faults: tuple[Fault, ...] = ()
    #: Events beside the tracks; None for one of every type the SDK has.
    others: int | None = None
    #: For pages: with the SDK's own batches; by beacon; leaving the page at once.
    is_batching: bool = False
    is_beaconing: bool = False
    is_leaving: bool = False
    #: Refused until the page is left, and opened again another time.
    is_coming_back: bool = False


@dataclass
class Outcome:
    """What there was in the end."""

    sent: int
    requests: list[Request]
    preflights: list[dict[str, str]]
    #: What the SDK reported as lost, and what went wrong in its page.
    failures: list[str]
    #: Events the gateway took, copies included.
    taken: int
    books: dict[str, int] = field(default_factory=dict)
    #: Message ids in PostgreSQL, of those the SDK sent.
    kept: int = 0
    #: Events in the interaction blocks of the visitors the SDK named.
    folded: int = 0
    view: dict[str, Any] = field(default_factory=dict)


@dataclass
class Bench:
    """Runs SDKs against the platform, each as a source of its own."""

    endpoints: dict[str, Any]
    pages: Pages
    chromium: Chromium | None

    def skip_without(self, sdk: Sdk) -> None:
        """Skip the test where this machine lacks what the SDK runs on."""
        if not sdk.command and self.chromium is None:
            pytest.skip("chromium and `make setup-worlds` are needed")
        if "node" in sdk.name and not (shutil.which("node") and (SDK / "node_modules").exists()):
            pytest.skip("node and `make setup` are needed")

    async def run(self, sdk: Sdk, plan: Plan) -> Outcome:
        """Send what `plan` says through `sdk` and look at everything once nothing is pending."""
        # A source of its own, so that its books tell of this run alone. Host names have no underscores.
        source = f"app:{sdk.name}-{secrets.token_hex(4)}"
        folder = Path(self.endpoints["data_dir"])
        keyring = FolderKeyRing(folder / "keyring")
        credentials = Credentials(folder / "credentials.json", keyring.current("pepper").secret)
        write_key, _ = credentials.mint("source", self.endpoints["brand"], source, scopes=["app"])
        visitor = f"visitor-{secrets.token_hex(6)}"
        count = plan.tracks + (sdk.types if plan.others is None else plan.others)
        async with Proxy(self.endpoints["gateway"], list(plan.faults)) as proxy:
            told = {"host": proxy.url, "writeKey": write_key, "visitor": visitor, **_told(plan)}
            drive = self._run_command if sdk.command else self._open_page
            failures = await drive(sdk, told, proxy, count)
            outcome = Outcome(count, proxy.requests, proxy.preflights, failures, proxy.taken)
        outcome.books = await self._books(source, proxy)
        await self._look(outcome, SourceKeys(keyring.current("edge").secret, source))
        async with httpx.AsyncClient(base_url=self.endpoints["gateway"], auth=(write_key, "")) as http:
            outcome.view = (await http.post("/v1/persona", json={"userId": visitor})).raise_for_status().json()["view"]
        return outcome

    async def _run_command(self, sdk: Sdk, told: dict[str, Any], _: Proxy, __: int) -> list[str]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(_pointed(part, told) for part in sdk.command),
            sdk.name,
            json.dumps(told),
            stdout=pipe,
            stderr=pipe,
            cwd=SDK,
        )
        try:
            said, complained = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, (said, complained.decode())
        failures: list[str] = json.loads(said)["failures"] if said else []
        return failures

    async def _open_page(self, sdk: Sdk, told: dict[str, Any], proxy: Proxy, count: int) -> list[str]:
        assert self.chromium is not None
        name = f"{sdk.name}-{secrets.token_hex(4)}"
        script = await _bundled(_pointed(sdk.script, told) or f"import './{sdk.name}.js'")
        tab = await self.chromium.open(self.pages.add(name, script, told))
        try:
            async with asyncio.timeout(60):
                if told["isComingBack"]:
                    await proxy.until(lambda: len(proxy.seen) == count)
                    await self.pages.leave(name)
                    await self.chromium.close(tab)
                    proxy.faults.clear()
                    tab = await self.chromium.open(self.pages.add(name, script, {**told, "isBack": True}))
                await proxy.until(lambda: len(proxy.acknowledged) == count)
        except TimeoutError:
            sent = [(request.path, request.fault, len(request.events)) for request in proxy.requests]
            raise AssertionError((len(proxy.acknowledged), count, sent, self.pages.reports)) from None
        finally:
            await self.chromium.close(tab)
        return self.pages.reports_of(name)

    async def _books(self, source: str, proxy: Proxy) -> dict[str, int]:
        staff = {"Authorization": f"Bearer {self.endpoints['staff_key']}"}
        async with httpx.AsyncClient(base_url=self.endpoints["gateway"], headers=staff, timeout=20) as http:

            async def settled() -> dict[str, int] | None:
                lines = (await http.get("/v1/books")).raise_for_status().json()["lines"]
                books = {fate: sum(line[fate] for line in lines if line["source"] == source) for fate in _FATES}
                return books if books["received"] >= proxy.taken and not books["pending"] else None

            return await eventually(settled, timeout_s=30, every_s=0.1)

    async def _look(self, outcome: Outcome, keys: SourceKeys) -> None:
        events = {event["messageId"]: event for request in outcome.requests for event in request.events}
        mids = [keys.message(message_id) for message_id in events]
        eids = {
            keys.user(event["userId"]) if event.get("userId") else keys.anonymous(event["anonymousId"])
            for event in events.values()
        }
        vault, profile = (self.endpoints["databases"][name] for name in ("vault", "profile"))
        pids = await _column(vault, "SELECT DISTINCT pid FROM bindings WHERE eid = ANY($1)", list(eids))
        ids = [UUID(int=key_of(_BRAND, shard, mid)) for shard in range(SHARDS) for mid in mids]
        outcome.kept = len(await _column(profile, "SELECT key FROM message_ids WHERE key = ANY($1)", ids))
        outcome.folded = sum(await _column(profile, "SELECT events FROM interaction_blocks WHERE pid = ANY($1)", pids))


async def _column(url: str, query: str, keys: list[bytes] | list[UUID]) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(query, keys)]
    finally:
        await connection.close()


def _pointed(text: str, told: dict[str, Any]) -> str:
    """A snippet of the manual, pointed at this gateway with this key."""
    netloc = told["host"].removeprefix("http://")
    return text.replace("localhost:8080", netloc).replace("WRITE_KEY", told["writeKey"])


async def _bundled(script: str) -> bytes:
    """What a shop's build makes of a script."""
    pipe = asyncio.subprocess.PIPE
    command = (str(SDK / "node_modules" / ".bin" / "esbuild"), "--bundle", "--minify")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=SDK)
    made, complained = await process.communicate(script.encode())
    assert process.returncode == 0, complained.decode()
    return made


def _told(plan: Plan) -> dict[str, Any]:
    return {
        "tracks": plan.tracks,
        "padding": plan.padding,
        "gzip": plan.is_gzipped,
        "isBatching": plan.is_batching,
        "isBeaconing": plan.is_beaconing,
        "isLeaving": plan.is_leaving,
        "isComingBack": plan.is_coming_back,
    }


def assert_each_is_stored_once(outcome: Outcome) -> None:
    """Exactly what the SDK was asked to send is there, each once, whatever the network did."""
    assert outcome.failures == []
    assert len({each for request in outcome.requests for each in request.message_ids}) == outcome.sent
    assert outcome.books == {
        "received": outcome.taken,
        "stored": outcome.sent,
        "duplicate": outcome.taken - outcome.sent,
        "quarantined": 0,
        "suppressed": 0,
        "pending": 0,
    }
    assert outcome.kept == outcome.sent
    assert outcome.folded == outcome.sent
