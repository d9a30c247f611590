"""One running platform for every end-to-end test that does not break it."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import RunningStack


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack that nobody may break; `shared_stack.endpoints` says where it is. Every trace is kept."""
    folder = tmp_path_factory.mktemp("stack") / "data"
    with RunningStack(folder, environment={"MASKENBALL_TRACE_RATIO": "1"}) as running:
        yield running
