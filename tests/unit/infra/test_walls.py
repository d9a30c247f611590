"""Breaks every wall of .importlinter once, in a copy, to see that the linter sees it."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROOMS = (
    "avatar_adapter",
    "doors",
    "gateway",
    "infra",
    "kit",
    "maskenball",
    "players",
    "relationships",
    "services",
    "wishes",
    "proto/contracts",
)

# Contract → (file that gets the import, made when missing, and the import that must not be).
BREAKS = {
    "layers": ("services/consent/domain.py", "import services.consent.tables"),
    "services-apart": ("services/avatar/clients.py", "import services.consent.domain"),
    "doors-apart": ("gateway/domain.py", "import services.consent.domain"),
    "doors-below": ("doors/stream.py", "import gateway.domain"),
    "doors-independent": ("gateway/domain.py", "import avatar_adapter.domain"),
    "services-below": ("services/profile/clients.py", "import gateway.domain"),
    "kit-bottom": ("kit/errors.py", "import contracts.common.v1.subject_pb2"),
    "relationships-below": ("relationships/state.py", "import services.profile.domain"),
    "players-below": ("players/scores.py", "import services.profile.domain"),
    "wishes-below": ("wishes/asking.py", "import services.profile.domain"),
    "infra": ("infra/local/stack.py", "import services.profile.domain"),
    "contracts-bottom": ("proto/contracts/interaction/v1/payload.py", "import kit.errors"),
    "contracts-at-the-edge": ("services/recommendation/domain.py", "import contracts.common.v1.subject_pb2"),
    "plain-domain": ("services/recommendation/domain.py", "import sqlalchemy"),
    "doors-keep-nothing": ("avatar_adapter/domain.py", "import kit.db"),
    "testing-apart": ("services/profile/domain.py", "import kit.testing.waiting"),
}


def names() -> dict[str, str]:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    return {
        section.removeprefix("importlinter:contract:"): config[section]["name"]
        for section in config.sections()
        if section.startswith("importlinter:contract:")
    }


def lint(tree: Path) -> str:
    linter = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", linter, "--no-cache", "--no-logo"],
        cwd=tree,
        env={"PYTHONPATH": f"{tree}:{tree / 'proto'}", "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


class TestWalls:
    def test_every_wall_has_its_break(self):
        assert set(names()) == set(BREAKS)

    def test_every_break_is_seen(self, tree):
        for file, line in BREAKS.values():
            with (tree / file).open("a") as module:
                module.write(f"\n{line}\n")
        report = lint(tree)
        assert [name for name in names().values() if f"{name} BROKEN" not in report] == []

    def test_the_tree_as_it_is_breaks_none(self, tree):
        report = lint(tree)
        assert [name for name in names().values() if f"{name} KEPT" not in report] == []
