"""`maskenball replay` against the running platform, as a person calls it."""

import hashlib
import json
import subprocess
import sys
import uuid

import asyncpg
import httpx
import pytest

from tests.e2e.books import settled_books
from tests.e2e.running import RunningStack

pytestmark = pytest.mark.timeout(300)

VISITORS = 25
CONSENT = {"consent": {"categoryPreferences": {"collect.behaviour": True}}}
CANDIDATE = """
id: traits
version: tried
kinds:
  shared: {weight: 0.0}
"""


@pytest.fixture
async def history(shared_stack: RunningStack) -> RunningStack:
    """A stack in which everybody shared a book, and so likes books."""
    endpoints = shared_stack.endpoints
    shared = {"event": "Product Shared", "properties": {"product_id": "b-1", "category": "Books"}, "type": "track"}
    batch = [
        {**shared, "userId": f"replayed-{uuid.uuid4()}", "messageId": str(uuid.uuid4()), "context": CONSENT}
        for _ in range(VISITORS)
    ]
    before = await settled_books(endpoints, 0)
    async with httpx.AsyncClient(base_url=endpoints["gateway"], timeout=30) as client:
        answer = await client.post("/v1/batch", json={"batch": batch}, auth=(endpoints["write_key"], ""))
        answer.raise_for_status()
    await settled_books(endpoints, before["received"] + VISITORS)
    return shared_stack


def replay(stack: RunningStack, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "maskenball", "replay", "--data-dir", str(stack.folder), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def contents(stack: RunningStack) -> dict[str, str]:
    """A digest of each table that a fold or a binding writes."""
    found = {}
    for room, tables in (("profile", ("facets", "interaction_blocks", "books", "outbox")), ("vault", ("personas",))):
        connection = await asyncpg.connect(stack.endpoints["databases"][room])
        for table in tables:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table} t ORDER BY 1")
            found[table] = hashlib.sha256("\n".join(row["row"] for row in rows).encode()).hexdigest()
        await connection.close()
    return found


async def test_a_candidate_is_tried_on_real_history_and_changes_nothing(history, tmp_path):
    candidate = tmp_path / "candidate.yaml"
    candidate.write_text(CANDIDATE)
    before = await contents(history)
    ended = replay(history, "--pack", str(candidate), "--json")
    assert ended.returncode == 0, ended.stderr
    (line,) = ended.stdout.splitlines()
    outcome = json.loads(line)
    assert outcome["check"]["differing"] == outcome["unreadable"] == 0
    assert outcome["check"]["matching"] >= VISITORS
    assert outcome["changes"] == [{"field": "kinds.shared.weight", "live": "0.6", "candidate": "0.0"}]
    assert outcome["lost"]["likes"]["books"] >= VISITORS
    assert not any(outcome["gained"].values())
    assert await contents(history) == before


async def test_people_get_a_table(history, tmp_path):
    candidate = tmp_path / "candidate.yaml"
    candidate.write_text(CANDIDATE)
    ended = replay(history, "--pack", str(candidate), "--from", "1d")
    assert ended.returncode == 0, ended.stderr
    assert "cannot be checked on a part of the time" in ended.stdout
    assert "kinds.shared.weight" in ended.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "yesterday"), "field: from"),
        (("--from", "1d", "--until", "2d"), "before until"),
        (("--pack", "/none.yaml"), "field: pack"),
    ],
)
def test_what_cannot_be_is_refused_by_name(shared_stack, options, told):
    ended = replay(shared_stack, *options)
    assert ended.returncode == 1
    assert told in ended.stderr


def test_without_a_stack_it_says_how_to_start_one(tmp_path):
    command = [sys.executable, "-m", "maskenball", "replay", "--data-dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "maskenball up" in ended.stderr
