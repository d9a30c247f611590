"""The recorder, compiled once; and how many power cuts a test makes of one recording."""

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.power.recording import build_recorder


@pytest.fixture(scope="session")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that writes down what another does to a folder."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler: make setup-worlds")
    return build_recorder(tmp_path_factory.mktemp("recorder"))


@pytest.fixture(scope="session")
def cuts() -> int:
    """More of them take longer and see more: `make chaos-power`."""
    return int(os.environ.get("MASKENBALL_POWER_CUTS", "4"))
