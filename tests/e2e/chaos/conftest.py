from collections.abc import Iterator

import pytest

from tests.e2e.running import RunningStack, enterable


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One for all tests here: whoever is killed is started again."""
    with RunningStack(enterable(tmp_path_factory.mktemp("chaos")) / "data") as running:
        yield running
