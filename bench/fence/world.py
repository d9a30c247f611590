"""The world of a run: PostgreSQL, two consent processes, readers and writers, and the ways between them."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from bench.fence import reading, writing
from bench.fence.links import CarriedLink, Link, NamespaceLink, namespaces_work
from bench.fence.table import Count, Table
from infra.local.databases import MIGRATIONS
from kit.migrate import upgrade
from kit.servers import Child, PostgresServer, ReservedPort

_EVERY_ADDRESS = "0.0.0.0"
_ROLE = "consent"


@dataclass(frozen=True)
class Shape:
    """How large a world is, and how it is cut; `is_direct` leaves out the processes that could be stopped between."""

    keys: int = 48
    readers: int = 3
    #: A reader sweeps over all keys so often, pauses, and so on.
    sweeps: int = 32
    pause_s: float = 0.001
    #: Between an acknowledgement and the next statement about the same key, on average.
    calm_s: float = 0.7
    term_s: float = 1.5
    is_direct: bool = False
    uses_namespaces: bool = field(default_factory=namespaces_work)


@dataclass
class Member:
    """One process that is started again whenever it was killed."""

    command: list[str]
    link: Link | None
    child: Child
    #: Where a reader counts.
    slot: int = -1


class World:
    """Everything that runs, from entering to leaving; to be used from one thread, see kit.servers.Child."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        self.shape = shape
        self._folder = folder
        self._closing = ExitStack()
        self.postgres = PostgresServer(folder / "postgres")
        self.table = Table.create(folder / "table", shape.keys)
        self.slots = 0
        self.consents: list[Member] = []
        self.readers: list[Member] = []
        self.addresses: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as closing:
            self.postgres.start()
            closing.callback(self.postgres.stop)
            self._closing = closing
            url = self._prepare()
            ports = [ReservedPort(_EVERY_ADDRESS) for _ in range(1 if self.shape.is_direct else 2)]
            self.addresses = [f"127.0.0.1:{port.number}" for port in ports]
            for port in ports:
                self.consents.append(self._start_consent(url, port))
            for _ in range(self.shape.readers):
                self.add_reader()
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def add_reader(self, cache: str = "fenced") -> Member:
        """Start one more reader on a way of its own."""
        link = None if self.shape.is_direct else self._link(len(self.readers))
        child = self._start_reader(cache, link)
        member = Member([cache], link, child, self.slots - 1)
        self.readers.append(member)
        self._closing.callback(lambda: member.child.stop((signal.SIGKILL, 5.0)))
        return member

    def start_writers(self) -> None:
        """Let people change their minds until the world ends."""
        order = writing.Order(self.addresses, str(self._folder / "table"), self.shape.keys, self.shape.calm_s)
        command = [sys.executable, "-m", "bench.fence.writing", msgspec.json.encode(order).decode()]
        child = Child(command, log=self._folder / "writers.log")
        self._closing.callback(lambda: child.stop((signal.SIGKILL, 5.0)))

    def kill(self, member: Member) -> None:
        """SIGKILL."""
        member.child.send(signal.SIGKILL)
        member.child.wait(5.0)

    def revive(self, member: Member) -> None:
        """Start again what was killed."""
        if member in self.readers:
            member.child = self._start_reader(member.command[0], member.link)
            member.slot = self.slots - 1
        else:
            member.child = self._spawn_consent(member.command)

    def kill_postgres(self) -> None:
        """SIGKILL the postmaster and start it again; its backends end by themselves."""
        self.postgres.child.send(signal.SIGKILL)
        self.postgres.child.wait(5.0)
        self.postgres.start()

    def back_up(self) -> None:
        """Keep what the database is now; it is away meanwhile."""
        self.postgres.stop()
        _copy(self.postgres.folder / "cluster", self._folder / "backup")
        self.postgres.start()

    def restore(self) -> bool:
        """Bring the database back to what it was; tell whether there is a backup."""
        backup = self._folder / "backup"
        if not backup.exists():
            return False
        self.postgres.stop()
        _copy(backup, self.postgres.folder / "cluster")
        self.postgres.start()
        return True

    def counts(self) -> dict[Count, int]:
        """Return the sums over all readers there ever were."""
        return self.table.total(range(self.slots))

    def is_read_from_memory(self) -> bool:
        """Tell whether every reader that lives has had a lease."""
        return all(self.table.counts(reader.slot)[Count.CACHED] for reader in self.readers)

    def settled(self) -> int:
        """Return how many keys have been stated and acknowledged."""
        return sum(bool(at) for at in self.table.acknowledged_at)

    def await_new_statements(self, seconds: float) -> None:
        """Wait until every key is stated once more: whatever happened, writing goes on."""
        self.table.acknowledged_at[:] = memoryview(bytes(8 * self.shape.keys)).cast("Q")
        wait_for(self, seconds)

    def complaints(self) -> str:
        """Return what readers and writers have said."""
        logs = (self._folder / "readers.log", self._folder / "writers.log")
        return "".join(log.read_text() for log in logs if log.exists())

    def _prepare(self) -> str:
        password = secrets.token_hex(16)
        self.postgres.sql(f"CREATE ROLE {_ROLE} LOGIN PASSWORD '{password}'")
        self.postgres.sql(f"CREATE DATABASE {_ROLE} OWNER {_ROLE}")
        url = self.postgres.url(_ROLE, role=_ROLE, password=password)
        upgrade(url, MIGRATIONS["consent"])
        return url

    def _start_consent(self, url: str, port: ReservedPort) -> Member:
        link, target = None, f"127.0.0.1:{self.postgres.port}"
        if not self.shape.is_direct:
            link = self._keep(CarriedLink([target], self._folder / "links.log"))
            url = url.replace(target, link.addresses[0])
        command = [f"{_EVERY_ADDRESS}:{port.number}", url]
        member = Member(command, link, self._spawn_consent(command))
        self._closing.callback(lambda: member.child.stop((signal.SIGKILL, 5.0)))
        return member

    def _spawn_consent(self, command: list[str]) -> Child:
        told = {
            "PROCESS": "consent",
            "GRPC_ADDRESS": command[0],
            "DATABASE_URL": command[1],
            "LOG_FILE": str(self._folder / "consent.jsonl"),
            "KEYRING_DIR": str(self._folder / "keyring"),
            "FENCE_TERM_S": str(self.shape.term_s),
            "DIE_WITH_PARENT": "1",
        }
        environment = {**_environment(), **{f"MASKENBALL_{name}": value for name, value in told.items()}}
        log = self._folder / "consents.log"
        return Child([sys.executable, "-m", "services.consent"], log=log, environment=environment)

    def _link(self, number: int) -> Link:
        if self.shape.uses_namespaces:
            return self._keep(NamespaceLink(number, [int(each.rpartition(":")[2]) for each in self.addresses]))
        return self._keep(CarriedLink(self.addresses, self._folder / "links.log"))

    def _keep(self, link: Link) -> Link:
        self._closing.callback(link.remove)
        return link

    def _start_reader(self, cache: str, link: Link | None) -> Child:
        addresses, before = (link.addresses, link.before) if link else (self.addresses, [])
        order = reading.Order(
            addresses,
            str(self._folder / "table"),
            self.shape.keys,
            self.slots,
            self.shape.pause_s,
            self.shape.sweeps,
            cache,
        )
        self.slots += 1
        command = [*before, sys.executable, "-m", "bench.fence.reading", msgspec.json.encode(order).decode()]
        return Child(command, log=self._folder / "readers.log", environment=_environment())


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    # With its owner: PostgreSQL runs as somebody else where we are root.
    subprocess.run(["cp", "-a", source, target], check=True)  # noqa: S603, S607 - our own words


def _environment() -> dict[str, str]:
    core = {"GRPC_VERBOSITY": "NONE", "GRPC_EXPERIMENTS": "-event_engine_client,-event_engine_listener"}
    return {**core, **os.environ, "MASKENBALL_DIE_WITH_PARENT": "1", "PYTHONUNBUFFERED": "1"}


def wait_for(world: World, seconds: float) -> None:
    """Wait until every key was stated once."""
    deadline = time.monotonic() + seconds
    while world.settled() < world.shape.keys:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {world.settled()} keys were ever acknowledged\n{world.complaints()}")
        time.sleep(0.05)
