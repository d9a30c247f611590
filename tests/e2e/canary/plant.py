"""Plants identities through every door, in everything a caller controls."""

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx

from tests.e2e.canary import identities as who

Endpoints = dict[str, Any]
_CONSENT = {
    "consent": {
        "categoryPreferences": {
            "collect.behaviour": True,
            "personalise.world": True,
            "remember.conversation": True,
            "recommend.offer": True,
            "research.model": True,
        }
    }
}
_HEADERS = {
    "User-Agent": who.AGENT,
    "X-Forwarded-For": who.ADDRESS,
    "X-Real-IP": who.ADDRESS,
    "Referer": f"https://shop.example/?mail={who.EMAIL}",
    "Cookie": f"session={who.USER_ID}",
    "traceparent": f"00-{who.TRACE}-00f067aa0ba902b7-01",
    "tracestate": f"vendor={who.MARK}",
    "baggage": f"user={who.EMAIL}",
    "X-SecondLife-Owner-Key": who.AVATAR,
    "X-SecondLife-Owner-Name": who.NAME,
    "X-Request-Id": who.MESSAGE,
}


def plant(endpoints: Endpoints) -> list[int]:
    """Plant everywhere and return every status that came back."""
    with httpx.Client(headers=_HEADERS, timeout=20) as client:
        return [*_through_gateway(client, endpoints), *_through_adapter(client, endpoints)]


def _through_gateway(client: httpx.Client, endpoints: Endpoints) -> Iterator[int]:
    base, key = endpoints["gateway"], endpoints["write_key"]
    app = {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
    batch = json.dumps({"batch": list(_events()), "sentAt": "2026-11-22T11:00:00Z", "context": {"ip": who.ADDRESS}})
    yield client.post(f"{base}/v1/batch", headers=app, content=batch).status_code
    zipped = {**app, "Content-Encoding": "gzip"}
    yield client.post(f"{base}/v1/batch", headers=zipped, content=gzip.compress(batch.encode())).status_code
    for path in ("track", "identify", "page", "screen", "group", "alias"):
        for event in _events():
            yield client.post(f"{base}/v1/{path}?email={who.EMAIL}", headers=app, json=event).status_code
    ids = [{"userId": who.USER_ID}, {"anonymousId": who.ANONYMOUS_ID}, {"userId": who.EMAIL}]
    for subject in ids:
        for path in ("consent/grant", "consent/withdraw"):
            body = {**subject, "purposes": ["collect.behaviour", "personalise.world", "recommend.offer"]}
            yield client.post(f"{base}/v1/{path}", headers=app, json=body).status_code
            yield client.post(f"{base}/v1/{path}", headers=app, json={**subject, "purposes": [who.EMAIL]}).status_code
        for path in ("persona", "recommendations", "consent/list"):
            yield client.post(f"{base}/v1/{path}", headers=app, json={**subject, who.EMAIL: who.NAME}).status_code
            yield client.post(f"{base}/v1/{path}", headers=app, json=subject).status_code
    staff = {"Authorization": f"Bearer {endpoints['staff_key']}"}
    item = {"item": who.EMAIL, "title": "x", "topics": [who.EMAIL]}
    yield client.put(f"{base}/v1/catalogue/items", headers=staff, json={"items": [item]}).status_code
    yield from _nonsense(client, base, "/v1/batch", app)


def _through_adapter(client: httpx.Client, endpoints: Endpoints) -> Iterator[int]:
    base = f"{endpoints['adapter']}/a/v1"
    world = {"Authorization": f"Bearer {endpoints['world_token']}"}
    for visitor in (who.AVATAR, who.EMAIL, who.USER_ID):
        opening = {"op": "open", "w": endpoints["world"], "a": endpoints["avatar"], "v": visitor, "i": who.MESSAGE}
        opened = client.post(base, headers=world, json=opening)
        yield opened.status_code
        visit = opened.json().get("s", "none")
        for frame in _frames(visit):
            yield client.post(base, headers=world, json={**frame, "i": f"{who.MARK}-{frame['op']}"}).status_code
            yield client.post(base, headers=world, json={**frame, "name": who.NAME}).status_code
        batch = [{**frame, "i": who.AVATAR} for frame in _frames(visit)]
        yield client.post(base, headers=world, json={"max": 2048, "b": batch}).status_code
    yield client.post(base, headers=world, json={**opening, "w": who.MARK}).status_code
    yield client.post(base, headers=world, json={**opening, "a": who.EMAIL}).status_code
    yield from _nonsense(client, endpoints["adapter"], "/a/v1", world)


def _nonsense(client: httpx.Client, base: str, path: str, key: dict[str, str]) -> Iterator[int]:
    yield client.post(base + path, headers=key, content=f'{{"batch": [{{"userId": "{who.EMAIL}",'.encode()).status_code
    yield client.post(base + path, headers=key, content=who.EMAIL.encode() + b"\xff\xfe").status_code
    yield client.post(base + path, headers={"Authorization": f"Bearer mb_{who.MARK}_{who.EMAIL}"}, json={}).status_code
    yield client.post(base + path, headers={"Authorization": f"Basic {who.MARK}"}, json={}).status_code
    yield client.get(f"{base}/{who.EMAIL}/{who.AVATAR}?q={who.NAME}", headers=key).status_code
    yield client.request(f"{who.MARK.upper()}", base + path, headers=key).status_code


def _events() -> Iterator[dict[str, Any]]:
    context = {
        **_CONSENT,
        "ip": who.ADDRESS,
        "userAgent": who.AGENT,
        "device": {"id": who.DEVICE, "advertisingId": who.DEVICE, "name": who.NAME},
        "page": {
            "url": f"https://shop.example/?mail={who.EMAIL}",
            "search": f"?u={who.USER_ID}",
            "referrer": who.EMAIL,
        },
        "traits": {"email": who.EMAIL, "phone": who.PHONE, "name": who.NAME},
        "campaign": {"name": who.MARK},
    }
    ids = {"userId": who.USER_ID, "anonymousId": who.ANONYMOUS_ID, "messageId": who.MESSAGE, "context": context}
    traits = {"email": who.EMAIL, "name": who.NAME, "phone": who.PHONE, "address": {"street": who.NAME}}
    yield {**ids, "type": "identify", "traits": traits}
    yield {**ids, "type": "group", "groupId": who.EMAIL, "traits": traits}
    yield {**ids, "type": "alias", "previousId": who.EMAIL}
    yield {**ids, "type": "page", "name": who.NAME, "properties": {"url": who.EMAIL, "title": who.NAME}}
    yield {**ids, "type": "screen", "name": who.EMAIL}
    for event, properties in (
        ("Product Viewed", {"product_id": "p-1", "name": who.NAME, "url": who.EMAIL}),
        ("Product Viewed", {"product_id": who.EMAIL}),
        ("Product Viewed", {"product_id": who.AVATAR, "category": who.EMAIL}),
        ("Product Viewed", {"product_id": who.PHONE[1:]}),
        ("Product Viewed", {"product_id": who.ADDRESS}),
        ("Products Searched", {"query": f"gift for {who.NAME} {who.EMAIL} comedy"}),
        ("Product Reviewed", {"product_id": "p-1", "review_body": who.NAME, "rating": "5"}),
        ("Order Completed", {"order_id": who.EMAIL, "products": [{"product_id": "p-1", "name": who.NAME}]}),
        ("Praised", {"item": "p-1", "text": who.TEXT}),
        ("Complained", {"item": "p-1", "text": f"{who.NAME}: {who.TEXT}"}),
        ("Support Ticket Opened", {"product_id": "p-1", "text": who.TEXT}),
        ("NPS Answered", {"survey_id": "autumn", "nps": 9, "text": who.TEXT}),
        ("NPS Answered", {"survey_id": "autumn", "nps": 99, "text": who.TEXT}),
        ("Product Viewed", {"product_id": "p-1", "text": who.TEXT}),
        (who.EMAIL, {"product_id": "p-1", "text": who.TEXT}),
        (who.EMAIL, {"product_id": "p-1"}),
    ):
        yield {**ids, "type": "track", "event": event, "properties": properties, "messageId": f"{who.MESSAGE}{event}"}
    yield {"type": "track", "event": "Product Viewed", "userId": {"mail": who.EMAIL}, "messageId": who.MESSAGE}
    yield {"type": who.EMAIL, "userId": who.USER_ID, who.MARK: who.NAME}


def _frames(visit: str) -> Iterator[dict[str, Any]]:
    yield {"op": "con", "s": visit, "give": ["collect.behaviour", "personalise.world", "remember.conversation"]}
    for ref in ("p-1", who.EMAIL, who.AVATAR, who.PHONE[1:], who.MARK):
        yield {"op": "obs", "s": visit, "e": "asked", "ref": ref}
    yield {"op": "obs", "s": visit, "e": "praised", "ref": "p-1", "t": who.TEXT}
    yield {"op": "obs", "s": visit, "e": "tried", "ref": "p-1", "t": who.TEXT}
    yield {"op": "obs", "s": visit, "e": who.MARK}
    for kind in ("rec", "faq", "where", "price", "help"):
        yield {"op": "ask", "s": visit, "k": kind, "q": f"I am {who.NAME}, {who.EMAIL}, what would I like?"}
    yield {"op": "act", "s": visit, "ref": who.MARK, "r": "done"}
    yield {"op": "fgt", "s": visit}
    yield {"op": "close", "s": who.EMAIL}
