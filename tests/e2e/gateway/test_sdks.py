"""Unmodified SDKs: everything they send is stored exactly once, and the books say so."""

import asyncio
import datetime as dt
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import segment.analytics as segment

from tests.e2e.gateway.conftest import Shop

SDK = Path(__file__).parent / "sdk"
CONSENT = {"consent": {"categoryPreferences": {"collect.behaviour": True, "personalise.world": True}}}


def send_with_python(shop: Shop, count: int) -> list[Exception]:
    """Send `count` events of every type through the Python SDK; returns what it reports as lost."""
    lost: list[Exception] = []
    client = segment.Client(shop.write_key, host=shop.url, on_error=lambda error, _: lost.append(error))
    visitor, at = shop.visitor, dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    client.identify(visitor, {"email": "ann@example.com"}, context=CONSENT, anonymous_id=f"{visitor}-before")
    client.alias(f"{visitor}-earlier", visitor, context=CONSENT)
    client.group(visitor, "club", {"name": "Example Club"}, context=CONSENT)
    client.page(visitor, "Shoes", "Running shoes", context=CONSENT)
    client.screen(visitor, "Shoes", "Running shoes", context=CONSENT)
    for number in range(5, count):
        properties = {"product_id": f"s-{number % 9}", "category": "Shoes", "price": 12.5}
        client.track(visitor, "Product Viewed", properties, context=CONSENT, timestamp=at + dt.timedelta(hours=number))
    client.flush()
    client.join()
    return lost


class TestPython:
    async def test_every_event_is_stored_once(self, shop: Shop) -> None:
        before = await shop.books()
        assert await asyncio.to_thread(send_with_python, shop, 250) == []
        assert await shop.since(before) == {"received": 250, "stored": 250}
        told = await shop.ask("/v1/persona")
        assert told["view"]["likes"] == ["shoes"]
        assert told["view"]["kinds"]["seen"] == 128


class TestNode:
    async def test_every_event_is_stored_once(self, shop: Shop) -> None:
        if not shutil.which("node") or not (SDK / "node_modules").exists():
            pytest.skip("node and `make setup` are needed")
        before = await shop.books()
        command = ["node", str(SDK / "send.mjs"), shop.url, shop.write_key, shop.visitor, "200"]
        outcome = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert (outcome.returncode, outcome.stderr) == (0, "")
        assert json.loads(outcome.stdout) == {"failures": []}
        assert await shop.since(before) == {"received": 200, "stored": 200}
        assert (await shop.ask("/v1/persona"))["view"]["likes"] == ["games"]


def viewed(shop: Shop, number: int, **fields: Any) -> dict[str, Any]:
    event = {
        "type": "track",
        "event": "Product Viewed",
        "userId": shop.visitor,
        "messageId": f"{shop.visitor}-{number}",
    }
    return {**event, "properties": {"product_id": "b-1", "category": "Books"}, "context": CONSENT, **fields}


class TestBooks:
    async def test_what_is_sent_again_is_a_duplicate(self, shop: Shop) -> None:
        before = await shop.books()
        events = [viewed(shop, number) for number in range(30)]
        await asyncio.gather(*(shop.track(*events) for _ in range(3)))
        assert await shop.since(before) == {"received": 90, "stored": 30, "duplicate": 60}

    async def test_who_did_not_agree_is_suppressed(self, shop: Shop) -> None:
        before = await shop.books()
        await shop.track(*(viewed(shop, number, context={}) for number in range(10)))
        assert await shop.since(before) == {"received": 10, "suppressed": 10}

    async def test_what_cannot_be_kept_is_quarantined(self, shop: Shop) -> None:
        before = await shop.books()
        await shop.track(viewed(shop, 1), viewed(shop, 2, event="Ann logged in"), viewed(shop, 3, userId=None))
        assert await shop.since(before) == {"received": 3, "stored": 1, "quarantined": 2}


class TestRest:
    async def test_an_app_sees_its_own_write_advises_and_goes_blind_on_withdrawal(self, shop: Shop) -> None:
        purposes = ["collect.behaviour", "personalise.world", "recommend.offer"]
        granted = await shop.ask("/v1/consent/grant", purposes=purposes)
        assert [record["state"] for record in granted["records"]] == ["given"] * 3
        told = await shop.track(*(viewed(shop, number, context={}) for number in range(5)))
        seen = await shop.ask("/v1/persona", min_positions=told["positions"])
        assert seen["view"]["likes"] == ["books"]
        assert shop.visitor not in json.dumps(seen)
        advised = await shop.ask("/v1/recommendations", count=3)
        assert advised["decision"]["is_allowed"] is True
        assert advised["offers"] or advised["abstained"]
        await shop.ask("/v1/consent/withdraw")
        blind = await shop.ask("/v1/persona")
        assert (blind["view"], blind["decisions"][0]["reason"]) == (None, "WITHDRAWN")
        assert (await shop.ask("/v1/recommendations"))["abstained"] == "DENIED"
        listed = await shop.ask("/v1/consent/list")
        states = {record["purpose"]: record["state"] for record in listed["records"]}
        assert all(states[purpose] == "withdrawn" for purpose in purposes)

    async def test_staff_fill_the_catalogue(self, shop: Shop) -> None:
        held = await shop.put_items({"item": f"b-{shop.visitor}", "title": "A book", "topics": ["books"]})
        again = await shop.put_items({"item": f"b-{shop.visitor}", "title": "Another title"})
        assert again == held >= 1
