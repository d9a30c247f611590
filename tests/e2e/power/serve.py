"""Runs a server as the launcher does, prints where it is, and lives until its input ends: `serve.py nats FOLDER`."""

import sys
from pathlib import Path

from kit.servers import NatsServer, PostgresServer


def main(kind: str, folder: str) -> None:
    server = NatsServer(Path(folder)) if kind == "nats" else PostgresServer(Path(folder), durable=kind == "postgres")
    server.start()
    url = server.url if isinstance(server, NatsServer) else server.url()
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
