import re
import stat
from pathlib import Path

import pytest
import yaml

from infra.compose import prepare
from infra.local.databases import MIGRATIONS
from infra.local.processes import PROGRAMS

COMPOSE = Path(__file__).resolve().parents[3] / "docker-compose.yml"


@pytest.fixture
def keys(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "FOLDER", tmp_path / "compose")
    prepare.main()
    return tmp_path / "compose"


def env(keys):
    return dict(line.split("=", 1) for line in (keys / "compose.env").read_text().splitlines())


class TestKeys:
    def test_a_second_run_changes_nothing(self, keys):
        files = (
            "compose.env",
            "initdb/roles.sql",
            "nats/nats.conf",
            "nats/nats-class-1.conf",
            "access.json",
            "credentials.json",
        )
        before = [(keys / name).read_text() for name in files]
        prepare.main()
        assert [(keys / name).read_text() for name in files] == before

    def test_the_databases_are_made_with_the_passwords_the_processes_are_told(self, keys):
        roles = (keys / "initdb" / "roles.sql").read_text()
        told = env(keys)
        assert all(f"\"{room}\" LOGIN PASSWORD '{told[room.upper() + '_PASSWORD']}'" in roles for room in MIGRATIONS)

    def test_each_server_of_streams_syncs_as_its_class_promises(self, keys):
        intervals = {
            file.name: re.search(r"sync_interval: (\S+)", file.read_text())[1] for file in keys.glob("nats/*.conf")
        }
        assert intervals == {"nats.conf": "always", "nats-class-1.conf": '"10s"'}
        assert not any("server_name" in file.read_text() for file in keys.glob("nats/*.conf"))

    def test_what_only_the_owner_needs_only_the_owner_reads(self, keys):
        private = [keys / "compose.env", keys / "access.json", *keys.glob("keyring/*/*.key")]
        assert {stat.S_IMODE(file.stat().st_mode) for file in private} == {0o600}


class TestComposeFile:
    def test_every_process_of_the_local_stack_runs_with_the_same_command(self):
        services = yaml.safe_load(COMPOSE.read_text())["services"]
        commands = {program.name: ["python3", "-m", program.module, *program.arguments] for program in PROGRAMS}
        assert {name: services[name]["command"] for name in commands} == commands

    def test_no_secret_has_a_default(self, keys):
        asked = set(re.findall(r"\$\{([A-Z_]+)(:\?[^}]*|:-)?\}", COMPOSE.read_text()))
        assert {name for name, guard in asked if not guard.startswith(":?")} == {"OTLP_ENDPOINT"}
        assert {name for name, guard in asked if guard.startswith(":?")} <= set(env(keys))
