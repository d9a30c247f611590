"""kill -9 of every part under load: nothing acknowledged is lost, nothing counted twice."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.e2e.chaos.ledger import Ledger, load
from tests.e2e.running import RunningStack

_VICTIMS = ("profile_fold", "gateway", "nats", "postgres", "profile", "consent", "profile_fold")
_FATES = ("stored", "duplicate", "quarantined", "suppressed", "pending")
_CLIENTS = 3


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    for part in (tmp_path, *tmp_path.parents[:3]):
        part.chmod(part.stat().st_mode | 0o011)
    with RunningStack(tmp_path / "data") as running:
        yield running


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

    books = await _settled_books(stack, len(ledger.sent))
    assert books["stored"] == len(ledger.acknowledged)
    assert books["received"] == sum(books[fate] for fate in _FATES)
    assert books["quarantined"] == books["suppressed"] == 0
    assert await _folded(stack) == len(ledger.acknowledged)


async def _acknowledged_more(ledger: Ledger, count: int) -> None:
    goal = len(ledger.acknowledged) + count
    async with asyncio.timeout(90):
        while len(ledger.acknowledged) < goal:
            await asyncio.sleep(0.05)


async def _settled_books(stack: RunningStack, events: int) -> Counter[str]:
    staff = {"Authorization": f"Bearer {stack.endpoints['staff_key']}"}
    async with httpx.AsyncClient(base_url=stack.endpoints["gateway"], headers=staff, timeout=10) as client:
        async with asyncio.timeout(120):
            while True:
                answer = await client.get("/v1/books")
                books: Counter[str] = Counter()
                for line in answer.json()["lines"] if answer.is_success else ():
                    books.update({fate: int(line[fate]) for fate in (*_FATES, "received")})
                if books["received"] >= events and not books["pending"]:
                    return books
                await asyncio.sleep(0.2)


async def _folded(stack: RunningStack) -> int:
    connection = await asyncpg.connect(stack.endpoints["databases"]["profile"])
    folded = await connection.fetchval("SELECT sum(events) FROM interaction_blocks")
    await connection.close()
    return int(folded)
