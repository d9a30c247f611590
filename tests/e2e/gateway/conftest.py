"""The door of the running platform, as apps and staff use it."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from kit.testing import eventually
from tests.e2e.gateway.browser import Chromium, Pages, is_installed
from tests.e2e.gateway.conformance import SDK, Bench
from tests.e2e.running import RunningStack

_COLUMNS = ("received", "stored", "duplicate", "quarantined", "suppressed", "pending")


class Shop:
    """One app of the brand and the staff behind it."""

    def __init__(self, endpoints: dict[str, Any], http: httpx.AsyncClient) -> None:
        self.url: str = endpoints["gateway"]
        self.write_key: str = endpoints["write_key"]
        self.visitor = f"visitor-{secrets.token_hex(6)}"
        self._staff = {"Authorization": f"Bearer {endpoints['staff_key']}"}
        self._app = {"Authorization": f"Bearer {self.write_key}"}
        self._http = http

    async def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """POST as the app, about this test's visitor."""
        answer = await self._http.post(path, json={"userId": self.visitor, **body}, headers=self._app)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def track(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Send a batch by hand."""
        answer = await self._http.post("/v1/batch", json={"batch": list(events), "writeKey": self.write_key})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def put_items(self, *items: dict[str, Any]) -> int:
        """Return how many items the catalogue holds then."""
        answer = await self._http.put("/v1/catalogue/items", json={"items": list(items)}, headers=self._staff)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["items"])

    async def books(self) -> dict[str, int]:
        """The books of this app, all hours together."""
        answer = await self._http.get("/v1/books", headers=self._staff)
        assert answer.status_code == 200, answer.text
        lines = [line for line in answer.json()["lines"] if line["source"] == "app:shop"]
        return {column: sum(line[column] for line in lines) for column in _COLUMNS}

    async def since(self, before: dict[str, int]) -> dict[str, int]:
        """What the books gained, once nothing is pending."""

        async def settled() -> dict[str, int] | None:
            now = await self.books()
            return None if now["pending"] else now

        after = await eventually(settled, timeout_s=30)
        gained = {column: after[column] - before[column] for column in _COLUMNS if after[column] != before[column]}
        parts = ("stored", "duplicate", "quarantined", "suppressed")
        assert gained.get("received", 0) == sum(gained.get(part, 0) for part in parts)
        return gained


@pytest.fixture
async def shop(shared_stack: RunningStack) -> AsyncIterator[Shop]:
    endpoints = shared_stack.endpoints
    async with httpx.AsyncClient(base_url=endpoints["gateway"], timeout=20) as http:
        yield Shop(endpoints, http)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(shared_stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """What SDKs run on; without a browser where there is none."""
    async with Pages() as pages:
        if not (is_installed() and (SDK / "node_modules").exists()):
            yield Bench(shared_stack.endpoints, pages, None)
            return
        async with Chromium(tmp_path_factory.mktemp("chromium")) as chromium:
            yield Bench(shared_stack.endpoints, pages, chromium)
