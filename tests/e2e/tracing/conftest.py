import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import RunningStack

_EVERYTHING = {"MASKENBALL_TRACE_RATIO": "1", "OTEL_BSP_SCHEDULE_DELAY": "100"}


@pytest.fixture(scope="package")
def stack() -> Iterator[RunningStack]:
    """A stack that traces everything and writes spans at once."""
    # Not below pytest's own folder: that one is closed to PostgreSQL's user again by the next session that starts.
    with tempfile.TemporaryDirectory(prefix="maskenball-") as folder:
        Path(folder).chmod(0o711)
        with RunningStack(Path(folder) / "data", environment=_EVERYTHING) as running:
            yield running
