"""A reader in a process of its own: says when it is leased and when not any more."""

import asyncio
import sys

from kit.fence import FencedCache, boottime_ns, follow
from kit.rpc import connect
from services.profile.clients import ConsentClient


async def main(address):
    cache = FencedCache(boottime_ns, margin_ns=50_000_000, capacity=10)
    async with connect(address) as channel:
        following = asyncio.create_task(follow(ConsentClient(channel).hold, cache, boottime_ns))
        was_leased = False
        while not following.done():
            if cache.is_leased != was_leased:
                was_leased = cache.is_leased
                print("leased" if was_leased else "lost", flush=True)  # noqa: T201 - what the test waits for
            await asyncio.sleep(0.01)


asyncio.run(main(sys.argv[1]))
