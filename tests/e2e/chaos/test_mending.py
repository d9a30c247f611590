"""kill -9 while what was set aside is replayed: it is let in once, and the books balance."""

from collections import Counter
from typing import Any

import httpx
import pytest

from kit.testing import eventually
from tests.e2e.books import folded_events, settled_books
from tests.e2e.running import RunningStack

NAME = "Ann Example looked at it"
EVENTS = 300
USER = "visitor-7"


def send_unknown(app: httpx.Client) -> str:
    event = {"event": NAME, "userId": USER, "properties": {"product_id": "p-1", "category": "comedy"}}
    batch = [{**event, "type": "track", "messageId": str(number)} for number in range(EVENTS)]
    return str(app.post("/v1/batch", json={"batch": batch}).raise_for_status().json()["receipt"])


def fates(app: httpx.Client, receipt: str) -> Counter[tuple[str, str]]:
    told = app.get(f"/v1/receipts/{receipt}").raise_for_status().json()
    return Counter((event["fate"], event["reason"]) for event in told["events"])


def replayed(staff: httpx.Client) -> int:
    """Replay once whoever was killed is back."""
    answer = staff.post("/v1/quarantine/replay", json={})
    assert answer.status_code in {200, 503}, answer.text
    return int(answer.json()["replayed"]) if answer.is_success else -1


@pytest.mark.timeout(300)
async def test_what_was_mended_is_let_in_once_whoever_is_killed(stack: RunningStack) -> None:
    ends: dict[str, Any] = stack.endpoints
    before, folded_before = await settled_books(ends, 0), await folded_events(ends)
    app = httpx.Client(base_url=ends["gateway"], auth=(ends["write_key"], ""), timeout=30)
    staff = httpx.Client(base_url=ends["gateway"], headers={"Authorization": f"Bearer {ends['staff_key']}"}, timeout=30)
    with app, staff:
        consent = {"userId": USER, "purposes": ["collect.behaviour"]}
        app.post("/v1/consent/grant", json=consent).raise_for_status()
        receipt = send_unknown(app)
        await eventually(lambda: fates(app, receipt) == {("quarantined", "unknown_event"): EVENTS}, timeout_s=60)

        rule = {"source": "app:shop", "event": NAME, "means": "Product Viewed"}
        put = staff.post("/v1/quarantine/rules", json=rule).raise_for_status().json()
        assert put["can_replay"] == EVENTS
        for victim in ("profile_fold", "profile", "profile_fold"):
            assert await eventually(lambda: replayed(staff) >= 0, timeout_s=60)
            stack.kill(victim)
        mended = {("stored", "mended"): EVENTS}
        await eventually(lambda: fates(app, receipt) == mended if replayed(staff) == 0 else None, timeout_s=60)
        listed = staff.get("/v1/quarantine").raise_for_status()
        (count,) = listed.json()["counts"]

    assert (count["quarantined"], count["can_replay"], count["mended"]) == (0, 0, EVENTS)
    assert "Ann" not in listed.text
    books = await settled_books(ends, before["received"] + EVENTS)
    assert books - before == {"received": EVENTS, "stored": EVENTS}
    assert await folded_events(ends) - folded_before == EVENTS
