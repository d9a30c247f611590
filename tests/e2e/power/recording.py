"""A folder whose every change is recorded, and the power cuts it could have had."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.e2e.power.disk import Disk
from tests.e2e.power.journal import Record, read_journal
from tests.e2e.power.outage import FileSystem, Outage

_SOURCES = Path(__file__).with_name("recorder")


def build_recorder(folder: Path) -> Path:
    """Compile the recorder into `folder`."""
    program = folder / "recorder"
    sources = sorted(str(path) for path in _SOURCES.glob("*.c"))
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), *sources], check=True)
    return program


class Recording:
    """Made while nobody uses `folder`: what is in it counts as synced. `wrapper` goes before the command."""

    def __init__(self, recorder: Path, folder: Path, scratch: Path) -> None:
        self.folder = folder
        scratch.mkdir(parents=True, exist_ok=True)
        self._log = scratch / "journal"
        self._snapshot = scratch / "snapshot"
        self._inodes = {"": folder.stat().st_ino}
        for path in folder.rglob("*"):
            self._inodes[f"/{path.relative_to(folder)}"] = path.lstat().st_ino
        # With owners and modes, which shutil does not copy.
        subprocess.run(["cp", "--archive", str(folder), str(self._snapshot)], check=True)
        self.wrapper: Iterable[str] = (str(recorder), str(self._log), str(folder))

    def cut(self, target: Path, *, at_ns: int, file_system: FileSystem, seed: int) -> Path:
        """What is on the disk if the power fails at `at_ns` of time.monotonic_ns()."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            shutil.rmtree(target)
        disk = Disk(self.folder, self._snapshot, self._inodes)
        disk.replay(self.records(), until_ns=at_ns)
        Outage(disk, file_system, seed).leave(target)
        return target

    def records(self) -> Iterator[Record]:
        """What was done to the folder, in order."""
        return read_journal(self._log)
