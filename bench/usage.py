"""What each process takes: CPU seconds and memory, by the name the stack gives it."""

import os
from collections.abc import Mapping
from typing import NamedTuple

import psutil


class Usage(NamedTuple):
    """CPU seconds since the start of each process, and its memory in MiB (proportional share of what is shared)."""

    cpu_s: dict[str, float]
    rss_mib: dict[str, float]


def look(pids: Mapping[str, int]) -> Usage:
    """Return the usage of processes with their children; a backend that has ended counts with its parent."""
    cpu_s: dict[str, float] = {}
    rss_mib: dict[str, float] = {}
    for name, pid in {**pids, "bench": os.getpid()}.items():
        parent = psutil.Process(pid)
        times = parent.cpu_times()
        cpu_s[name] = times.user + times.system
        rss_mib[name] = _pss(parent)
        if name == "bench":
            continue
        cpu_s[name] += times.children_user + times.children_system
        for child in parent.children(recursive=True):
            try:
                used = child.cpu_times()
                cpu_s[name] += used.user + used.system
                rss_mib[name] += _pss(child)
            except psutil.NoSuchProcess:
                continue
    return Usage(cpu_s, rss_mib)


def spent(before: Usage, after: Usage, units: float) -> dict[str, float]:
    """Return CPU seconds per 10,000 units by process."""
    per = max(units, 1) / 10_000
    return {name: round((after.cpu_s[name] - before.cpu_s.get(name, 0.0)) / per, 3) for name in after.cpu_s}


def _pss(process: psutil.Process) -> float:
    return round(process.memory_full_info().pss / 2**20, 1)
