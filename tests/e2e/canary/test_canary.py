"""No identity that came in through any door is found anywhere; what the test hides on purpose is found everywhere."""

import asyncio
import gzip
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import nats
import pytest

from kit.servers.cluster import install_folder
from tests.e2e.canary.identities import CONTROLS, IDENTITIES
from tests.e2e.canary.plant import plant
from tests.e2e.canary.search import find, find_in_folder
from tests.e2e.running import RunningStack, enterable

_OWN_FILES = {"access.json", "endpoints.json"}
_WORD, _UUID = CONTROLS


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder = enterable(tmp_path_factory.mktemp("canary"))
    with RunningStack(folder / "data", environment={"MASKENBALL_TRACE_RATIO": "1"}) as running:
        yield running


@pytest.mark.timeout(600)
def test_identities_are_found_nowhere_and_controls_everywhere(stack: RunningStack, tmp_path: Path) -> None:
    statuses = plant(stack.endpoints)
    assert set(statuses) <= {200, 400, 401, 403, 404, 405, 409, 410, 413, 422, 429}
    assert statuses.count(200) > 20
    _await_folded(stack)

    metrics = _metrics(stack)
    asyncio.run(_hide_controls(stack))
    _dump(stack, tmp_path)
    stack.stop()
    _hide_in_files(stack.folder)
    _full_pages(stack.folder, tmp_path)

    assert not list(find(metrics, IDENTITIES))
    found = [hit for hit in find_in_folder(stack.folder, IDENTITIES) if hit[0] not in _OWN_FILES]
    assert not found
    assert not list(find_in_folder(tmp_path, IDENTITIES))

    places = {_place(path) for path, *_ in find_in_folder(stack.folder, CONTROLS)}
    places |= {_place(path) for path, *_ in find_in_folder(tmp_path, CONTROLS)}
    assert places >= {"heap", "wal", "full page", "stream", "log", "trace", "dump", "archive"}


def _await_folded(stack: RunningStack) -> None:
    staff = {"Authorization": f"Bearer {stack.endpoints['staff_key']}"}

    async def settle() -> None:
        async with httpx.AsyncClient(base_url=stack.endpoints["gateway"], headers=staff) as client:
            async with asyncio.timeout(60):
                while True:
                    lines = (await client.get("/v1/books")).raise_for_status().json()["lines"]
                    if lines and not sum(int(line["pending"]) for line in lines):
                        assert sum(int(line["stored"]) for line in lines) > 5
                        assert sum(int(line["quarantined"]) for line in lines) > 5
                        return
                    await asyncio.sleep(0.2)

    asyncio.run(settle())


def _metrics(stack: RunningStack) -> bytes:
    pages = [httpx.get(f"{base}/metrics").raise_for_status().content for base in stack.endpoints["ops"].values()]
    assert all(b"maskenball" in page or b"process_cpu" in page for page in pages)
    return b"\n".join(pages)


async def _hide_controls(stack: RunningStack) -> None:
    for url in stack.endpoints["databases"].values():
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE control (id int PRIMARY KEY, body text)")
        await connection.execute("INSERT INTO control VALUES (1, $1)", f"{_WORD} in the heap")
        # Long and repetitive, so that PostgreSQL keeps it compressed out of line: only a dump shows it.
        await connection.execute("INSERT INTO control VALUES (2, $1)", f"{'x' * 50} {_UUID} " * 400)
        # The first change of a page after a checkpoint writes the whole page, compressed, to the log.
        await _checkpoint(stack)
        await connection.execute("UPDATE control SET body = body || '!' WHERE id = 1")
        await connection.close()
    client = await nats.connect(stack.endpoints["nats"]["url"])
    stream = client.jetstream()
    await stream.add_stream(name="CONTROL", subjects=["control.v1.planted"])
    await stream.publish("control.v1.planted", _WORD.encode("utf-16-le"))
    await client.close()


async def _checkpoint(stack: RunningStack) -> None:
    password = (stack.folder / "postgres" / "superuser.password").read_text().strip()
    any_room = next(iter(stack.endpoints["databases"].values()))
    superuser = await asyncpg.connect(any_room, user="postgres", password=password)
    await superuser.execute("CHECKPOINT")
    await superuser.close()


def _hide_in_files(folder: Path) -> None:
    with (folder / "logs" / "control.jsonl").open("a") as log:
        log.write(f'{{"event": "{_WORD.encode().hex()}"}}\n')
    with (folder / "traces" / "control.jsonl").open("a") as trace:
        trace.write(f'{{"name": "{_UUID}"}}\n')
    (folder / "archive.gz").write_bytes(gzip.compress(b"x" * 1000 + _WORD.encode()))


def _dump(stack: RunningStack, target: Path) -> None:
    for room, url in stack.endpoints["databases"].items():
        command = [install_folder() / "bin" / "pg_dump", "--data-only", f"--file={target / room}.dump.sql", url]
        subprocess.run([str(part) for part in command], check=True, env={"PATH": os.defpath})


def _full_pages(folder: Path, target: Path) -> None:
    """Pages inside the WAL are compressed with an algorithm that leaves no mark; PostgreSQL's own tool opens them."""
    wal = folder / "postgres" / "cluster" / "pg_wal"
    segments = sorted(path for path in wal.iterdir() if len(path.name) == 24)
    pages = target / "full-pages"
    command = [
        install_folder() / "bin" / "pg_waldump",
        "--quiet",
        f"--save-fullpage={pages}",
        segments[0],
        segments[-1],
    ]
    # It ends with an error where the log ends.
    subprocess.run([str(part) for part in command], check=False, env={"PATH": os.defpath}, capture_output=True)
    assert any(pages.iterdir())


def _place(path: str) -> str:
    by_mark = {
        "pg_wal": "wal",
        "/base/": "heap",
        "full-pages": "full page",
        "nats/": "stream",
        "logs/": "log",
        "traces/": "trace",
        ".dump.sql": "dump",
        "archive.gz": "archive",
    }
    return next((place for mark, place in by_mark.items() if mark in path), path)
