"""Results as files and as a table."""

import datetime as dt
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).with_name("results")


class Result(msgspec.Struct, omit_defaults=True):
    """One line; what does not apply is absent. Milliseconds, CPU seconds per 10,000 units, MiB."""

    name: str
    unit: str
    value: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_s_per_10k: float | None = None
    rss_mib: float | None = None
    reference: str | None = None
    reference_value: float | None = None
    ratio: float | None = None
    #: By process, the load generator's own among them.
    cpu_s_per_10k_by_process: dict[str, float] | None = None
    rss_mib_by_process: dict[str, float] | None = None
    note: str | None = None

    def against(self, reference: str, value: float) -> "Result":
        """Return the result beside its reference, measured in the same run."""
        ratio = round(self.value / value, 3) if value else None
        return msgspec.structs.replace(self, reference=reference, reference_value=float(f"{value:.5g}"), ratio=ratio)


def write(name: str, results: list[Result]) -> Path:
    """Write `bench/results/<name>.json` and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    content = {
        "machine": machine(),
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "results": msgspec.to_builtins(results),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def show(title: str, results: list[Result], console: Console) -> None:
    """Print the table, and below it what each process took."""
    table = Table(title=title, title_justify="left")
    for column in ("name", "value", "unit", "p50 ms", "p99 ms", "CPU s/10k", "RSS MiB", "reference", "ratio"):
        table.add_column(column, justify="left" if column in {"name", "unit", "reference"} else "right")
    for each in results:
        beside = f"{each.reference} {_number(each.reference_value)}" if each.reference else ""
        numbers = (each.p50_ms, each.p99_ms, each.cpu_s_per_10k, each.rss_mib)
        table.add_row(each.name, _number(each.value), each.unit, *map(_number, numbers), beside, _number(each.ratio))
    console.print(table)
    for each in results:
        if each.cpu_s_per_10k_by_process:
            parts = sorted(each.cpu_s_per_10k_by_process.items(), key=lambda item: -item[1])
            told = ", ".join(f"{name} {seconds:g}" for name, seconds in parts if seconds)
            console.print(f"  {each.name}: CPU s/10k {told}", highlight=False)
        if each.note:
            console.print(f"  {each.name}: {each.note}", highlight=False)


def machine() -> dict[str, Any]:
    """Describe the machine: what is needed to judge the numbers, nothing that names it."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"  # noqa: PLR2004
