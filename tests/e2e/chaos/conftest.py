from collections.abc import Iterator

import pytest

from tests.e2e.running import RunningStack


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One for all tests here: whoever is killed is started again."""
    folder = tmp_path_factory.mktemp("chaos")
    for part in (folder, *folder.parents[:3]):
        part.chmod(part.stat().st_mode | 0o011)
    with RunningStack(folder / "data") as running:
        yield running
