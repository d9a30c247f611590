"""The ways between processes, and how they are cut: by the kernel where it may be asked, else by a process between."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from kit.servers import Child, ReservedPort

#: RFC 2544 sets these addresses aside for benchmarks.
_NETWORK = "198.18.{number}.{host}"
_PREFIX = "mbfence"
_IP = shutil.which("ip") or "ip"


class Link(Protocol):
    """The way of one process to the servers it calls."""

    addresses: list[str]
    #: What comes before the command of whoever goes this way.
    before: list[str]

    def cut(self) -> None:
        """Let nothing through; nobody is told."""

    def heal(self) -> None:
        """Let everything through; what was on its way comes late."""

    def remove(self) -> None:
        """Leave nothing behind."""


class CarriedLink:
    """A process between, which is stopped."""

    def __init__(self, targets: Sequence[str], log: Path) -> None:
        self._ports = [ReservedPort() for _ in targets]
        self.addresses = [port.address for port in self._ports]
        self.before: list[str] = []
        ways = [each for pair in zip(self.addresses, targets, strict=True) for each in pair]
        self._child = Child([sys.executable, "-m", "bench.fence.carrying", *ways], log=log)

    def cut(self) -> None:
        """See Link.cut."""
        self._child.send(signal.SIGSTOP)

    def heal(self) -> None:
        """See Link.heal."""
        self._child.send(signal.SIGCONT)

    def remove(self) -> None:
        """See Link.remove."""
        self._child.stop((signal.SIGKILL, 5.0))


class NamespaceLink:
    """A network namespace with one cable, which is pulled."""

    def __init__(self, number: int, ports: Sequence[int]) -> None:
        self._name, self._cable = f"{_PREFIX}{os.getpid()}n{number}", f"mb{os.getpid() % 100000}n{number}"
        here, there = (_NETWORK.format(number=number, host=host) for host in (1, 2))
        self.addresses = [f"{here}:{port}" for port in ports]
        self.before = [_IP, "netns", "exec", self._name]
        _ip("netns", "add", self._name)
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "cable", "netns", self._name)
        _ip("address", "add", f"{here}/30", "dev", self._cable)
        _ip("link", "set", self._cable, "up")
        _ip("-n", self._name, "address", "add", f"{there}/30", "dev", "cable")
        _ip("-n", self._name, "link", "set", "cable", "up")

    def cut(self) -> None:
        """See Link.cut."""
        _ip("link", "set", self._cable, "down")

    def heal(self) -> None:
        """See Link.heal."""
        _ip("link", "set", self._cable, "up")

    def remove(self) -> None:
        """See Link.remove."""
        _ip("netns", "delete", self._name)


def namespaces_work() -> bool:
    """Tell whether this machine lets us make network namespaces."""
    try:
        _ip("netns", "add", f"{_PREFIX}{os.getpid()}")
        _ip("netns", "delete", f"{_PREFIX}{os.getpid()}")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _ip(*words: str) -> None:
    subprocess.run([_IP, *words], check=True, capture_output=True)  # noqa: S603 - our own words
