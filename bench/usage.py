"""What each process takes: CPU seconds and memory, by the name the stack gives it, children included."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

import psutil


def cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds since each process started; a child that has ended counts with its parent."""
    used = dict.fromkeys((*pids, "bench"), 0.0)
    for name, process in _family(pids):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            ended = times.children_user + times.children_system if process.pid == pids.get(name) else 0.0
            used[name] += times.user + times.system + ended
    return used


def memory(pids: Mapping[str, int]) -> dict[str, float]:
    """Return MiB, what is shared in proportion.

    Not while a load runs: to read it takes tenths of a second, and PostgreSQL's processes off their work.
    """
    held = dict.fromkeys((*pids, "bench"), 0.0)
    for name, process in _family(pids):
        with suppress(psutil.NoSuchProcess):
            held[name] += process.memory_full_info().pss / 2**20
    return {name: round(mib, 1) for name, mib in held.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float], units: float) -> dict[str, float]:
    """Return CPU seconds per 10,000 units by process."""
    per = max(units, 1) / 10_000
    return {name: round((used - before.get(name, 0.0)) / per, 3) for name, used in after.items()}


def _family(pids: Mapping[str, int]) -> Iterator[tuple[str, psutil.Process]]:
    """Yield every process of ours. All are looked at once: to ask each for its children stops a load for long."""
    yield "bench", psutil.Process()
    children: dict[int | None, list[psutil.Process]] = {}
    for process in psutil.process_iter(["ppid"]):
        children.setdefault(process.info["ppid"], []).append(process)
    for name, pid in pids.items():
        waiting = [psutil.Process(pid)]
        while waiting:
            process = waiting.pop()
            yield name, process
            waiting += children.get(process.pid, [])
