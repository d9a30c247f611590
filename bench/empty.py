"""The reference of every HTTP number: the same server with the same settings and an application that does nothing.

`python -m bench.empty` prints its address and serves until standard input ends.
"""

import asyncio
import sys

import uvloop

from kit.http import read_body, serve
from kit.http.types import Receive, Scope, Send

_BODY = b'{"success":true}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
_MAX_BYTES = 1 << 20


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, as a real endpoint must, and say yes."""
    await read_body(receive, scope["headers"], max_bytes=_MAX_BYTES)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


async def main() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, lambda: stop.set() if not sys.stdin.read(1) else None)

    def tell(address: str) -> None:
        sys.stdout.write(address + "\n")
        sys.stdout.flush()

    await serve(app, "127.0.0.1:0", stop, started=tell)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
