"""What a running platform says of the events it was sent, and what its facets hold."""

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import httpx

FATES = ("stored", "duplicate", "quarantined", "suppressed", "pending")
_PATIENCE_S = 120


async def settled_books(endpoints: dict[str, Any], events: int, source: str = "") -> Counter[str]:
    """The sums of all lines, or of those of one source, once `events` are accounted for and none is pending."""
    staff = {"Authorization": f"Bearer {endpoints['staff_key']}"}
    async with httpx.AsyncClient(base_url=endpoints["gateway"], headers=staff, timeout=10) as client:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                answer = await client.get("/v1/books")
                books: Counter[str] = Counter()
                for line in answer.json()["lines"] if answer.is_success else ():
                    if source in ("", line["source"]):
                        books.update({fate: int(line[fate]) for fate in (*FATES, "received")})
                if answer.is_success and books["received"] >= events and not books["pending"]:
                    return books
                await asyncio.sleep(0.2)


async def folded_events(endpoints: dict[str, Any]) -> int:
    """Interactions in the blocks of all facets."""
    connection = await asyncpg.connect(endpoints["databases"]["profile"])
    folded = await connection.fetchval("SELECT sum(events) FROM interaction_blocks")
    await connection.close()
    return int(folded or 0)
