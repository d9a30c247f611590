"""One running platform for every end-to-end test that does not break it."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.e2e.running import RunningStack


class _ByFolder(LoadScopeScheduling):
    """Tests of one folder share stacks, and so a worker. Marks of groups do not reach a worker with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return str(PurePosixPath(nodeid.partition("::")[0]).parent)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByFolder(config, log)


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack that nobody may break; `shared_stack.endpoints` says where it is. Every trace is kept."""
    folder = tmp_path_factory.mktemp("stack") / "data"
    with RunningStack(folder, environment={"MASKENBALL_TRACE_RATIO": "1"}) as running:
        yield running
