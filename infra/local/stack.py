"""One local stack from first start to last stop: servers, databases, processes, and where they are."""

import os
import threading
import time
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

from infra.local import access as development
from infra.local.databases import prepare_databases
from infra.local.errors import StackError, StopRequested
from infra.local.folder import DataFolder, write_json
from infra.local.layout import partitions_of
from infra.local.members import Database, Member, Process, Stream
from infra.local.orphans import end_orphans, record
from infra.local.processes import PROGRAMS, Ports, Program, Surroundings
from infra.local.watch import Watch
from kit.servers import NatsServer, PostgresServer, ServerStartError, wait_until
from kit.servers.child import last_lines

_READY_TIMEOUT_S = 90.0
_LOOK_EVERY_S = 0.2
# See kit.servers.nats.
_POWER_CUT, _PROCESS_DEATH = 2, 1


class Progress(Protocol):
    """Shows the person at the terminal how far the start is."""

    def begins(self, step: str) -> None:
        """A step has begun; the one before is done."""
        ...


class LocalStack:
    """Start it, watch it until `stop_requested` is set, stop it. All three from one thread, see kit.servers.Child."""

    def __init__(
        self,
        folder: DataFolder,
        *,
        progress: Progress,
        stop_requested: threading.Event,
        programs: tuple[Program, ...] = PROGRAMS,
        durability_classes: Collection[int] = (_POWER_CUT,),
    ) -> None:
        self._folder = folder
        self._progress = progress
        self._stop_requested = stop_requested
        self._programs = programs
        self._postgres = PostgresServer(folder.postgres)
        self._nats = NatsServer(folder.nats)
        self._durability_classes = durability_classes
        self._nats_class_1: NatsServer | None = None
        self._members: list[Member] = []
        self._processes: list[Process] = []
        self._endpoints: dict[str, object] = {}
        self._log: Callable[..., None] = lambda _event, **_facts: None

    def start(self) -> dict[str, object]:
        """Brings everything up and returns what endpoints.json says."""
        self._progress.begins("data folder")
        self._folder.open()
        self._log = _journal(self._folder)
        self._folder.endpoints.unlink(missing_ok=True)
        for name in end_orphans(self._folder.processes):
            self._log("process.orphan_ended", name=name)
        try:
            around, keys = self._start_servers()
            self._start_processes(around)
        except ServerStartError as error:
            raise StackError(str(error)) from error
        self._endpoints = self._describe(around, keys)
        self._write_down()
        self._log("stack.started", pids=self._pids())
        return self._endpoints

    def watch(self) -> None:
        """Keeps every member alive until a stop is requested."""
        watch = Watch(self._members, self._log, time.monotonic)
        while not self._stop_requested.wait(_LOOK_EVERY_S):
            if watch.look():
                self._write_down()

    def stop(self) -> None:
        """Stops everything in reverse; nothing is left running."""
        if not self._folder.is_ours:
            return
        for member in reversed(self._members):
            self._progress.begins(f"stop {member.name}")
            member.stop()
        self._members.clear()
        self._folder.endpoints.unlink(missing_ok=True)
        self._folder.processes.unlink(missing_ok=True)
        self._log("stack.stopped")
        self._folder.close()

    def _start_servers(self) -> tuple[Surroundings, dict[str, str]]:
        partitions = partitions_of(self._folder)
        self._begin(Database(self._postgres))
        self._begin(Stream(self._nats))
        # Also where no source asks for it any more: what it holds is still to be folded.
        if _PROCESS_DEATH in self._durability_classes or self._folder.nats_class_1.exists():
            self._nats_class_1 = NatsServer(self._folder.nats_class_1, durable=False)
            self._begin(Stream(self._nats_class_1, "nats_class_1"))
        self._step("development keys")
        keys = development.prepare_access(self._folder)
        urls = prepare_databases(
            self._postgres,
            lambda role: keys[development.password_name(role)],
            lambda room: self._step(f"database {room}"),
        )
        around = Surroundings(
            folder=self._folder,
            nats_url=self._nats.url,
            databases=urls.service,
            looking=urls.owner,
            ports={program.name: Ports.reserve(program) for program in self._programs},
            brand=development.BRAND,
            partitions=partitions,
            nats_class_1_url=self._nats_class_1.url if self._nats_class_1 else "",
        )
        return around, keys

    def _start_processes(self, around: Surroundings) -> None:
        # All at once, since each waits for what it needs; then one by one, so that the first that cannot is named.
        for program in self._programs:
            process = Process(program, around)
            self._processes.append(process)
            self._begin(process)
        for process in self._processes:
            self._await_ready(process)

    def _begin(self, member: Member) -> None:
        self._step(f"start {member.name}")
        # Known before it runs: what a failing start leaves behind is stopped too.
        self._members.append(member)
        member.start()
        self._record()

    def _step(self, name: str) -> None:
        if self._stop_requested.is_set():
            raise StopRequested
        self._progress.begins(name)

    def _await_ready(self, process: Process) -> None:
        self._step(f"{process.name} ready")
        settled = wait_until(
            lambda: self._stop_requested.is_set() or process.child.returncode is not None or not process.missing(),
            timeout_s=_READY_TIMEOUT_S,
            every_s=0.05,
        )
        if self._stop_requested.is_set():
            raise StopRequested
        if process.child.returncode is not None:
            said = last_lines(self._folder.logs / f"{process.name}.out", 8)
            raise StackError(f"{process.name} ended with status {process.child.returncode}. It said:\n{said}")
        if not settled:
            raise StackError(f"{process.name} is not ready after {_READY_TIMEOUT_S:.0f} s: {process.missing()}")

    def _describe(self, around: Surroundings, keys: dict[str, str]) -> dict[str, object]:
        ports = around.ports
        streams = {"nats": self._nats, "nats_class_1": self._nats_class_1}
        http = {name: f"http://{each.http.address}" for name, each in ports.items() if each.http}
        return {
            "gateway": http.get("gateway", ""),
            "adapter": http.get("avatar_adapter", ""),
            "grpc": {name: each.grpc.address for name, each in ports.items() if each.grpc},
            "ops": {name: f"http://{each.ops.address}" for name, each in ports.items()},
            "brand": development.BRAND,
            "partitions": around.partitions,
            "write_key": keys["write_key"],
            "world": development.WORLD,
            "world_token": keys["world_token"],
            "world_write_key": keys["world_write_key"],
            "second_world": development.SECOND_WORLD,
            "second_world_token": keys["second_world_token"],
            "avatar": development.AVATAR,
            "staff_key": keys["staff_key"],
            "durability_class": _POWER_CUT,
            **{name: {"url": each.url, "monitor": each.monitor_url} for name, each in streams.items() if each},
            "databases": dict(around.looking),
            "data_dir": str(self._folder.path),
            "launcher": os.getpid(),
        }

    def _pids(self) -> dict[str, int]:
        return {member.name: member.child.pid for member in self._members}

    def _write_down(self) -> None:
        """Pids change when somebody is started again; where they listen does not."""
        self._endpoints["pids"] = self._pids()
        write_json(self._folder.endpoints, self._endpoints)
        self._record()

    def _record(self) -> None:
        # PostgreSQL is left out: SIGTERM means something else to it, and its next start ends its own orphans.
        children = {member.name: member.child for member in self._members if member.name != Database.name}
        record(self._folder.processes, {name: (child.pid, child.started) for name, child in children.items()})


def _journal(folder: DataFolder) -> Callable[..., None]:
    logger = structlog.wrap_logger(
        structlog.WriteLogger((folder.logs / "launcher.jsonl").open("a", encoding="utf-8")),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )

    def log(event: str, **facts: object) -> None:
        logger.info(event, **facts)

    return log
