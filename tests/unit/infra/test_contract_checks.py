"""The check of the contracts, on a copy: it must see a broken promise and stale code, and pass a first clone."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def git(tree: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=work"]
    subprocess.run(["git", *identity, *arguments], cwd=tree, check=True, capture_output=True)


def commit(tree: Path) -> None:
    git(tree, "add", "--all", "proto")
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "x")


def check(tree: Path) -> tuple[int, str]:
    done = subprocess.run([tree / "proto/check"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "proto", tmp_path / "proto", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


class TestContractChecks:
    def test_a_first_clone_has_nothing_to_compare_with(self, tree):
        status, said = check(tree)
        assert (status, "nothing to compare" in said) == (0, True)

    def test_a_field_taken_away_is_a_broken_promise(self, tree):
        contract = tree / "proto/contracts/common/v1/subject.proto"
        contract.write_text(contract.read_text().replace("  bytes eid = 3;", "  bytes renamed = 3;"))
        commit(tree)
        status, said = check(tree)
        assert (status, "eid" in said) == (100, True)

    def test_stale_generated_code_is_seen(self, tree):
        contract = tree / "proto/contracts/common/v1/subject.proto"
        contract.write_text(contract.read_text() + "\n// One more.\nmessage More {}\n")
        status, said = check(tree)
        assert (status, "run make generate" in said) == (1, True)
