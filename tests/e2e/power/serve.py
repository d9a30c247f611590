"""Runs a server as the launcher does, prints where it is, and lives until its input ends: `serve.py KIND FOLDER`."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from kit.servers import NatsServer, PostgresServer

_KINDS: dict[str, Callable[[Path], NatsServer | PostgresServer]] = {
    "nats": NatsServer,
    "nats-class-1": partial(NatsServer, durable=False),
    "postgres": PostgresServer,
    "postgres-unsafe": partial(PostgresServer, durable=False),
}


def main(kind: str, folder: str) -> None:
    server = _KINDS[kind](Path(folder))
    server.start()
    url = server.url if isinstance(server, NatsServer) else server.url()
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
