"""A real server under the recorder, and the plug to pull."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.power.recording import Recording

_SERVE = Path(__file__).with_name("serve.py")
_PATIENCE_S = 60


class PluggedServer:
    """Where it is; and when its power failed, in time.monotonic_ns()."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self.url = process.stdout.readline().strip()
        assert self.url, f"{process.args} did not start"
        self.cut_ns = 0
        self._process = process

    def pull(self) -> None:
        """Ends everything at once, the recorder first and by it those it watches."""
        self.cut_ns = time.monotonic_ns()
        self._process.kill()
        self._process.wait(_PATIENCE_S)


@contextlib.contextmanager
def plugged(kind: str, recording: Recording) -> Iterator[PluggedServer]:
    """Run a server of serve.py on the recording's folder; at the end the plug is pulled, if nobody has."""
    command = [*recording.wrapper, sys.executable, str(_SERVE), kind, str(recording.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        server = PluggedServer(process)
        try:
            yield server
        finally:
            if not server.cut_ns:
                server.pull()
