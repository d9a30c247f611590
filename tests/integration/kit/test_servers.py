"""Real servers from the wheels: they start, come back after every kind of death, and leave nothing behind."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import nats
import pytest

from kit.servers import Child, NatsServer, PostgresServer, ReservedPort, ServerStartError, start_ticks, wait_until

IS_ROOT = os.geteuid() == 0


def owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


@pytest.fixture
def postgres_folder(tmp_path):
    return tmp_path / "postgres"


class TestPostgres:
    def test_it_runs_as_nobody_when_we_are_root_and_as_us_otherwise(self, durable_postgres):
        assert (owner(durable_postgres.child.pid) == os.geteuid()) is not IS_ROOT

    def test_its_cluster_is_what_was_asked_for(self, durable_postgres):
        asked = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'postgres'"
        assert durable_postgres.sql(asked) == "b|C.UTF-8"
        assert durable_postgres.sql("SHOW fsync; SHOW synchronous_commit; SHOW full_page_writes") == "on\non\non"
        assert durable_postgres.sql("SHOW data_checksums") == "on"

    def test_only_loopback_is_listened_on_and_no_socket_file_is_made(self, durable_postgres):
        assert durable_postgres.sql("SHOW listen_addresses; SHOW unix_socket_directories").split() == ["127.0.0.1"]

    async def test_nobody_gets_in_without_the_password(self, durable_postgres):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(durable_postgres.url(password="guessed"))

    async def test_passwords_are_kept_as_scram_verifiers(self, durable_postgres):
        kept = durable_postgres.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'")
        assert kept.startswith("SCRAM-SHA-256$")

    def test_its_password_can_be_read_by_nobody_else(self, durable_postgres):
        mode = stat.S_IMODE((durable_postgres.folder / "superuser.password").stat().st_mode)
        assert mode == 0o600

    def test_a_statement_that_fails_leaves_no_text_in_the_log(self, durable_postgres):
        durable_postgres.sql("CREATE TABLE t (a text PRIMARY KEY); INSERT INTO t VALUES ('jane@example.org')")
        with pytest.raises(ServerStartError):
            durable_postgres.sql("INSERT INTO t VALUES ('jane@example.org')")
        log = durable_postgres.log.read_text()
        assert "duplicate key" in log
        assert "jane" not in log

    def test_after_a_stop_it_goes_on_with_its_data(self, durable_postgres):
        durable_postgres.sql("CREATE TABLE t AS SELECT 1 AS a")
        durable_postgres.stop()
        durable_postgres.start()
        assert durable_postgres.sql("SELECT a FROM t") == "1"

    def test_killed_while_its_backends_live_it_comes_back_on_the_same_port(self, durable_postgres):
        port = durable_postgres.port
        durable_postgres.sql("CREATE TABLE t AS SELECT 1 AS a")
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, durable_postgres.url()], stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout.readline() == "held\n"
            durable_postgres.child.send(signal.SIGKILL)
            assert durable_postgres.child.wait(5)
            durable_postgres.start()
            holder.kill()
        assert (durable_postgres.port, durable_postgres.sql("SELECT a FROM t")) == (port, "1")

    def test_a_pid_file_that_names_a_stranger_is_no_obstacle(self, durable_postgres):
        durable_postgres.child.send(signal.SIGKILL)
        durable_postgres.child.wait(5)
        pid_file = durable_postgres.folder / "cluster" / "postmaster.pid"
        with subprocess.Popen(["sleep", "60"], user=pid_file.stat().st_uid if IS_ROOT else None) as stranger:
            lines = pid_file.read_text().splitlines()
            pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            durable_postgres.start()
            assert stranger.poll() is None
            stranger.kill()
        assert durable_postgres.sql("SELECT 1") == "1"

    def test_a_postmaster_of_a_launcher_that_died_is_shut_down_first(self, postgres_folder):
        orphaned = PostgresServer(postgres_folder, durable=False)
        orphaned.start()
        successor = PostgresServer(postgres_folder, durable=False)
        successor.start()
        assert orphaned.child.wait(0)
        assert successor.sql("SELECT 1") == "1"
        successor.stop()

    def test_it_dies_with_its_launcher(self, postgres_folder):
        with subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(postgres_folder)], stdout=subprocess.PIPE, text=True
        ) as launcher:
            pid = int(launcher.stdout.readline())
            launcher.kill()
        assert wait_until(lambda: start_ticks(pid) == 0, timeout_s=20)

    def test_a_cluster_half_made_is_made_anew(self, postgres_folder):
        (postgres_folder / "cluster.pending" / "base").mkdir(parents=True)
        server = PostgresServer(postgres_folder, durable=False)
        server.start()
        assert server.sql("SELECT 1") == "1"
        server.stop()

    def test_a_cluster_of_another_version_is_refused_with_the_remedy(self, durable_postgres):
        durable_postgres.stop()
        version = durable_postgres.folder / "cluster" / "PG_VERSION"
        version.write_text("16\n")
        with pytest.raises(ServerStartError, match="made by PostgreSQL 16, this is 18"):
            durable_postgres.start()
        version.write_text("18\n")

    def test_a_full_disk_is_named(self, postgres_folder, monkeypatch):
        usage = shutil.disk_usage("/")
        monkeypatch.setattr("kit.servers.cluster.shutil.disk_usage", lambda _: usage._replace(free=1 << 20))
        with pytest.raises(ServerStartError, match="has 1 MiB left"):
            PostgresServer(postgres_folder).start()


class TestNats:
    def test_nobody_gets_in_without_the_password(self, durable_nats_server):
        with socket.create_connection(("127.0.0.1", durable_nats_server.port), timeout=5) as caller:
            caller.sendall(b'CONNECT {"verbose":false}\r\nPING\r\n')
            with caller.makefile("rb") as said:
                assert b"Authorization Violation" in said.readline() + said.readline()

    async def test_what_was_acknowledged_is_there_after_a_kill(self, durable_nats_server):
        port = durable_nats_server.port
        await publish(durable_nats_server, b"kept")
        durable_nats_server.child.send(signal.SIGKILL)
        durable_nats_server.child.wait(5)
        durable_nats_server.start()
        client = await nats.connect(durable_nats_server.url)
        kept = await client.jetstream().get_msg("KEPT", seq=1)
        await client.close()
        assert (durable_nats_server.port, kept.data) == (port, b"kept")

    def test_its_configuration_can_be_read_by_nobody_else(self, durable_nats_server):
        configuration = durable_nats_server.folder / "nats.conf"
        assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
        assert "sync_interval: always" in configuration.read_text()

    def test_it_dies_with_its_launcher(self, tmp_path):
        launch = LAUNCH.replace("PostgresServer", "NatsServer")
        with subprocess.Popen(
            [sys.executable, "-c", launch, str(tmp_path / "nats")], stdout=subprocess.PIPE, text=True
        ) as launcher:
            pid = int(launcher.stdout.readline())
            launcher.kill()
        assert wait_until(lambda: start_ticks(pid) == 0, timeout_s=20)

    def test_a_store_it_cannot_write_is_named(self, tmp_path):
        (tmp_path / "nats").write_text("a file where the folder should be")
        with pytest.raises(ServerStartError, match="not writable"):
            NatsServer(tmp_path / "nats").start()


class TestPorts:
    def test_a_reserved_port_is_given_to_nobody_else(self):
        mine = ReservedPort()
        assert mine.number not in {ReservedPort().number for _ in range(200)}

    def test_a_second_reservation_of_one_number_shares_it(self):
        mine = ReservedPort()
        assert ReservedPort(number=mine.number).number == mine.number


class TestChild:
    def test_a_child_that_ignores_the_signal_is_killed(self, tmp_path):
        code = "import signal, sys; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
        child = Child([sys.executable, "-c", code], log=tmp_path / "log")
        assert wait_until(lambda: "deaf" in (tmp_path / "log").read_text(), timeout_s=10)
        child.stop((signal.SIGTERM, 0.2))
        assert child.returncode == -signal.SIGKILL


HOLD = """
import asyncio, asyncpg, sys
async def hold():
    connection = await asyncpg.connect(sys.argv[1])
    print("held", flush=True)
    await connection.execute("SELECT pg_sleep(3)")
try:
    asyncio.run(hold())
except (asyncpg.PostgresError, OSError):
    pass
"""

LAUNCH = """
import sys, pathlib, signal
from kit.servers import PostgresServer
server = PostgresServer(pathlib.Path(sys.argv[1]), durable=False)
server.start()
print(server.child.pid, flush=True)
signal.pause()
"""


async def publish(server: NatsServer, data: bytes) -> None:
    client = await nats.connect(server.url)
    jetstream = client.jetstream()
    await jetstream.add_stream(name="KEPT", subjects=["kept"])
    await jetstream.publish("kept", data)
    await client.close()
