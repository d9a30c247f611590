"""What a launcher that was killed left running: recorded with pid and start time, so that we end only what is ours."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from infra.local.folder import read_json, write_json
from kit.servers import start_ticks, wait_until

_STAGES = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


def record(path: Path, running: Mapping[str, tuple[int, int]]) -> None:
    """Writes down who runs: name → (pid, start time)."""
    write_json(path, {"boot": _boot(), "running": {name: list(identity) for name, identity in running.items()}})


def end_orphans(path: Path) -> list[str]:
    """Ends what the record names and what still is the same process; returns the names. PostgreSQL ends its own."""
    recorded = read_json(path)
    running = recorded.get("running")
    if not isinstance(running, dict) or recorded.get("boot") != _boot():
        return []
    alive = {name: (int(pid), int(ticks)) for name, (pid, ticks) in running.items() if _is_same(int(pid), int(ticks))}
    for number, patience_s in _STAGES:
        for pid, ticks in alive.values():
            if _is_same(pid, ticks):
                os.kill(pid, number)
        if wait_until(lambda: not any(_is_same(*identity) for identity in alive.values()), timeout_s=patience_s):
            break
    return sorted(alive)


def _is_same(pid: int, ticks: int) -> bool:
    return start_ticks(pid) == ticks != 0


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
