"""`maskenball up`: starts, stops, goes on with its data, and comes back from every death."""

import contextlib
import json
import os
import pwd
import secrets
import signal
import stat
from collections.abc import Iterator

import asyncpg
import httpx
import psutil
import pytest

from kit.testing import eventually
from tests.e2e.running import RunningStack, gone, processes_of

pytestmark = pytest.mark.timeout(300)

PROCESSES = {
    "postgres",
    "nats",
    "consent",
    "profile",
    "profile_fold",
    "recommendation",
    "avatar",
    "gateway",
    "avatar_adapter",
}
# Somebody who is neither root nor the user that root hands PostgreSQL over to.
ORDINARY = next(each.pw_uid for each in pwd.getpwall() if each.pw_uid != 0 and each.pw_name != "nobody")


def as_ordinary_user() -> list[str]:
    """An ordinary user who may pass through folders: the interpreter of the tests may lie below one that is root's."""
    if os.geteuid() != 0:
        return []
    rights = [
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=-all,+dac_read_search",
        "--bounding-set=-all,+dac_read_search",
    ]
    return ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "--no-new-privs", *rights, "--"]


async def is_ready(ops: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        with contextlib.suppress(httpx.TransportError):
            return (await client.get(f"{ops}/readyz")).status_code == httpx.codes.OK
    return False


async def all_ready(stack: RunningStack) -> bool:
    return all([await is_ready(ops) for ops in stack.endpoints["ops"].values()])


async def write(stack: RunningStack) -> str:
    """Return what was written into one of its databases."""
    what = secrets.token_hex(8)
    connection = await asyncpg.connect(stack.endpoints["databases"]["consent"])
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (what text)")
    await connection.execute("INSERT INTO kept VALUES ($1)", what)
    await connection.close()
    return what


async def read(stack: RunningStack) -> set[str]:
    connection = await asyncpg.connect(stack.endpoints["databases"]["consent"])
    try:
        return {row["what"] for row in await connection.fetch("SELECT what FROM kept")}
    finally:
        await connection.close()


def journal(stack: RunningStack) -> list[dict[str, str]]:
    return [json.loads(line) for line in (stack.folder / "logs" / "launcher.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack in one folder for all who break it."""
    stack = RunningStack(tmp_path_factory.mktemp("house") / "data")
    yield stack
    if stack.is_running:
        stack.stop()


@pytest.fixture
def own(house: RunningStack) -> RunningStack:
    """A running stack that the test may break; whoever comes next starts it again."""
    return house if house.is_running else house.start()


class TestStart:
    def test_the_line_and_the_file_say_the_same(self, shared_stack):
        assert shared_stack.read_endpoints() == shared_stack.endpoints

    def test_everything_others_rely_on_is_named(self, shared_stack):
        promised = {
            "gateway", "adapter", "grpc", "write_key", "world", "world_token", "second_world", "second_world_token",
            "avatar", "staff_key", "durability_class", "pids",
        }  # fmt: skip
        assert promised <= set(shared_stack.endpoints)
        assert set(shared_stack.endpoints["grpc"]) == {"profile", "consent", "recommendation", "avatar"}
        assert set(shared_stack.endpoints["pids"]) == PROCESSES
        assert shared_stack.endpoints["durability_class"] == 2

    async def test_every_process_is_ready(self, shared_stack):
        assert await all_ready(shared_stack)

    def test_secrets_can_be_read_by_nobody_else(self, shared_stack):
        open_to_others = [
            file.relative_to(shared_stack.folder)
            for file in shared_stack.folder.rglob("*")
            if file.is_file() and file.name != "README" and stat.S_IMODE(file.stat().st_mode) & 0o077
        ]
        assert open_to_others == []

    def test_no_secret_stands_in_a_command_line(self, shared_stack):
        commands = " ".join(part for process in processes_of(shared_stack.folder) for part in process.cmdline())
        secrets = list(json.loads((shared_stack.folder / "access.json").read_text()).values())
        assert [secret for secret in secrets if secret in commands] == []

    async def test_a_service_gets_into_no_database_but_its_own(self, shared_stack):
        server, _, _ = shared_stack.endpoints["databases"]["avatar"].rpartition("/")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(f"{server}/vault")

    def test_listening_is_on_loopback_alone(self, shared_stack):
        listening = {
            connection.laddr.ip
            for process in processes_of(shared_stack.folder)
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening <= {"127.0.0.1", "::ffff:127.0.0.1"}

    def test_a_second_stack_on_the_same_folder_is_refused_and_harms_nothing(self, shared_stack):
        second = RunningStack(shared_stack.folder).launch()
        assert second.wait_refused() == 1
        assert "in use by a running stack" in second.said
        assert shared_stack.read_endpoints() == shared_stack.endpoints

    def test_two_stacks_run_side_by_side(self, shared_stack, own):
        assert shared_stack.endpoints["gateway"] != own.endpoints["gateway"]
        assert shared_stack.endpoints["write_key"] != own.endpoints["write_key"]
        assert not set(shared_stack.endpoints["pids"].values()) & set(own.endpoints["pids"].values())


class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_nobody_is_left_and_the_data_is_there_the_next_time(self, own, number):
        written = await write(own)
        keys = {name: own.endpoints[name] for name in ("write_key", "world_token", "staff_key")}
        assert own.stop(number) == 0
        assert processes_of(own.folder) == []
        assert not (own.folder / "endpoints.json").exists()
        own.start()
        assert written in await read(own)
        assert {name: own.endpoints[name] for name in keys} == keys

    async def test_a_stop_while_it_starts_leaves_nobody(self, tmp_path):
        stack = RunningStack(tmp_path / "data").launch()
        await eventually(lambda: "start nats" in stack.said, timeout_s=120)
        assert stack.stop() == 0
        assert processes_of(tmp_path / "data") == []


class TestDeath:
    async def test_without_its_launcher_nobody_lives_on_and_the_next_one_recovers(self, own):
        written, before = await write(own), own.endpoints["pids"]
        own.kill_launcher()
        own.start()
        assert not set(before.values()) & set(own.endpoints["pids"].values())
        assert written in await read(own)
        assert own.stop() == 0
        await eventually(gone(own.folder), timeout_s=20)

    async def test_without_a_successor_nobody_lives_on_either(self, own):
        own.kill_launcher()
        # They end within a second of their parent; a full machine has once taken more than half a minute.
        await eventually(gone(own.folder), timeout_s=90)

    async def test_after_the_death_of_everything_the_next_one_recovers(self, own):
        written = await write(own)
        for process in processes_of(own.folder):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        own.kill_launcher()
        own.start()
        assert written in await read(own)

    async def test_each_that_dies_is_started_again_and_said(self, own):
        written, said_before = await write(own), len(journal(own))
        for name in sorted(PROCESSES):
            before = own.kill(name)
            await eventually(lambda: own.read_endpoints()["pids"][name] != before, timeout_s=30)  # noqa: B023
        await eventually(lambda: all_ready(own), timeout_s=60)
        assert written in await read(own)
        said = journal(own)[said_before:]
        assert {line["name"] for line in said if line["event"] == "process.restarted"} == PROCESSES


class TestWhoStartsIt:
    async def test_an_ordinary_user_can(self, tmp_path):
        folder = tmp_path / "data"
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, ORDINARY, ORDINARY)
        with RunningStack(folder, wrapper=as_ordinary_user()) as stack:
            assert {process.uids().real for process in processes_of(folder)} == {folder.stat().st_uid}
            assert await all_ready(stack)

    def test_who_may_not_write_the_folder_is_told_so(self, tmp_path):
        folder = tmp_path / "data"
        folder.mkdir(mode=0o555)
        stack = RunningStack(folder, wrapper=as_ordinary_user()).launch()
        assert stack.wait_refused() == 1
        assert "cannot be used (Permission denied)" in stack.said

    def test_a_folder_of_another_postgres_is_refused_with_the_remedy(self, tmp_path):
        cluster = tmp_path / "postgres" / "cluster"
        cluster.mkdir(parents=True)
        (cluster / "PG_VERSION").write_text("15\n")
        stack = RunningStack(tmp_path).launch()
        assert stack.wait_refused() == 1
        assert "was made by PostgreSQL 15, this is 18" in stack.said
        assert processes_of(tmp_path) == []
