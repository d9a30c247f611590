"""`python -m bench.fence.carrying LISTEN TARGET [LISTEN TARGET ...]`: carries TCP connections, as a network does.

Stopped, it is a network that is cut: nothing arrives, nobody is told, and what was on its way comes later.
"""

import asyncio
import sys
from contextlib import suppress
from functools import partial

import uvloop

from kit.process import die_with_parent

_PIECE = 1 << 16


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def _accept(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, _, port = target.rpartition(":")
    try:
        there = await asyncio.open_connection(host, int(port))
    except OSError:
        writer.close()
        return
    await asyncio.gather(_carry(reader, there[1]), _carry(there[0], writer))


async def main(addresses: list[str]) -> None:
    """Carry until killed."""
    for listen, target in zip(addresses[::2], addresses[1::2], strict=True):
        host, _, port = listen.rpartition(":")
        await asyncio.start_server(partial(_accept, target), host, int(port), reuse_address=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    die_with_parent()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1:]))
