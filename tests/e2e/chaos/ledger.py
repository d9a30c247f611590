"""A client that keeps its own ledger: it sends each event until it was acknowledged and knows what was."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

_OK = 200
_BATCH = 40
_PURPOSES = {"collect.behaviour": True, "personalise.world": True, "recommend.offer": True, "research.model": True}


@dataclass
class Ledger:
    """What was sent, and what was acknowledged: message ids."""

    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    #: Copies of an event that reached the platform twice as far as we know, because an answer was lost.
    retried: int = 0
    #: Receipts of what was acknowledged, each of a batch.
    receipts: list[str] = field(default_factory=list)


async def load(base_url: str, write_key: str, ledger: Ledger, stop: asyncio.Event, users: Sequence[str]) -> None:
    """Send batches one after the other until `stop`, each as often as it takes."""
    number = 0
    async with httpx.AsyncClient(base_url=base_url, auth=(write_key, ""), timeout=10) as client:
        while not stop.is_set():
            events = [_event(users[(number * _BATCH + index) % len(users)], index) for index in range(_BATCH)]
            number += 1
            ids = {event["messageId"] for event in events}
            ledger.sent |= ids
            while not (receipt := await _accepted(client, events)):
                ledger.retried += 1
                await asyncio.sleep(0.1)
            ledger.acknowledged |= ids
            ledger.receipts.append(receipt)


async def fates(base_url: str, write_key: str, ledger: Ledger) -> Counter[str]:
    """What the receipts say became of the acknowledged events."""
    counted: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=base_url, auth=(write_key, ""), timeout=10) as client:
        for receipt in ledger.receipts:
            answer = await client.get(f"/v1/receipts/{receipt}")
            assert answer.status_code == _OK, answer.text
            assert len(answer.json()["events"]) == _BATCH
            counted.update(event["fate"] for event in answer.json()["events"])
    return counted


async def _accepted(client: httpx.AsyncClient, events: list[dict[str, Any]]) -> str:
    try:
        answer = await client.post("/v1/batch", json={"batch": events})
    except httpx.TransportError:
        return ""
    if answer.status_code == _OK:
        return str(answer.json()["receipt"])
    assert answer.status_code in {429, 503}, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    return ""


def _event(user: str, index: int) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Viewed",
        "userId": user,
        "messageId": str(uuid.uuid4()),
        "properties": {"product_id": f"p-{index}", "category": "comedy"},
        "context": {"consent": {"categoryPreferences": _PURPOSES}},
    }
