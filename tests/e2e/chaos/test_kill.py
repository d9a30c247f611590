"""kill -9 of every part under load: nothing acknowledged is lost, nothing counted twice."""

import asyncio

import pytest

from tests.e2e.books import FATES, folded_events, settled_books
from tests.e2e.chaos.ledger import Ledger, fates, load
from tests.e2e.running import RunningStack

_VICTIMS = ("profile_fold", "gateway", "nats", "postgres", "profile", "consent", "profile_fold")
_CLIENTS = 3


@pytest.mark.timeout(600)
async def test_every_acknowledged_event_is_folded_once(stack: RunningStack) -> None:
    ledger, stop = Ledger(), asyncio.Event()
    gateway, key = stack.endpoints["gateway"], stack.endpoints["write_key"]
    async with asyncio.TaskGroup() as tasks:
        for client in range(_CLIENTS):
            users = [f"user-{client}-{number}" for number in range(50)]
            tasks.create_task(load(gateway, key, ledger, stop, users))
        for victim in _VICTIMS:
            await _acknowledged_more(ledger, 400)
            stack.kill(victim)
        await _acknowledged_more(ledger, 400)
        stop.set()
    assert ledger.acknowledged == ledger.sent

    books = await settled_books(stack.endpoints, len(ledger.sent))
    assert books["stored"] == len(ledger.acknowledged)
    assert books["received"] == sum(books[fate] for fate in FATES)
    assert books["quarantined"] == books["suppressed"] == 0
    assert await folded_events(stack.endpoints) == len(ledger.acknowledged)
    told = await fates(gateway, key, ledger)
    # What was stored under an answer that got lost is a duplicate in the receipt of its repetition.
    assert set(told) <= {"stored", "duplicate"}
    assert told.total() == len(ledger.acknowledged)
    assert told["duplicate"] <= books["duplicate"]


async def _acknowledged_more(ledger: Ledger, count: int) -> None:
    goal = len(ledger.acknowledged) + count
    async with asyncio.timeout(90):
        while len(ledger.acknowledged) < goal:
            await asyncio.sleep(0.05)
