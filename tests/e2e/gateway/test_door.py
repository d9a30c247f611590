"""The door of the running platform: the books balance, and an app sees what it wrote."""

import asyncio
import json
from typing import Any

from tests.e2e.gateway.conftest import Shop

CONSENT = {"consent": {"categoryPreferences": {"collect.behaviour": True, "personalise.world": True}}}


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
