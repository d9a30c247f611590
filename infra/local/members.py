"""What a stack is made of: each member starts, says when it is ready, and stops."""

import http.client
import signal
from typing import Protocol

from infra.local.processes import Ports, Program, Surroundings, command, environment
from kit.servers import Child, NatsServer, PostgresServer, ServerStartError

_STOP_PATIENCE_S = 10.0
_ASK_TIMEOUT_S = 2.0


class Member(Protocol):
    """One server or process of a stack."""

    name: str

    @property
    def child(self) -> Child:
        """The running process, or the one that has died."""
        ...

    def start(self) -> None:
        """Starts it; may return before it is ready."""
        ...

    def missing(self) -> str:
        """What it still waits for; empty once it is ready."""
        ...

    def stop(self) -> None:
        """Stops it and returns when it is gone."""
        ...


class Database:
    """PostgreSQL as a member: ready when started."""

    name = "postgres"

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.start = server.start
        self.stop = server.stop

    @property
    def child(self) -> Child:
        return self.server.child

    def missing(self) -> str:
        return ""


class Stream:
    """NATS as a member: ready when started."""

    def __init__(self, server: NatsServer, name: str = "nats") -> None:
        self.server = server
        self.name = name
        self.start = server.start
        self.stop = server.stop

    @property
    def child(self) -> Child:
        return self.server.child

    def missing(self) -> str:
        return ""


class Process:
    """One of our own programs; its /readyz says what it waits for."""

    def __init__(self, program: Program, around: Surroundings) -> None:
        self.name = program.name
        self.ports: Ports = around.ports[program.name]
        self._program = program
        self._around = around
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        if self._child is None:
            raise ServerStartError(f"{self.name} has not been started")
        return self._child

    def start(self) -> None:
        self._child = Child(
            command(self._program),
            log=self._around.folder.logs / f"{self.name}.out",
            environment=environment(self._program, self._around),
        )

    def missing(self) -> str:
        asked = http.client.HTTPConnection(self.ports.ops.host, self.ports.ops.number, timeout=_ASK_TIMEOUT_S)
        try:
            asked.request("GET", "/readyz")
            answer = asked.getresponse()
            said = answer.read(4096).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return "its own start"
        finally:
            asked.close()
        return "" if answer.status == http.client.OK else said

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop((signal.SIGTERM, _STOP_PATIENCE_S))
            self._child = None
