"""How a start looks on the terminal: a live line on a screen, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status


class Steps:
    """Steps one after the other, each with the time it took."""

    def __init__(self, screen: Console, live: Status | None) -> None:
        self._screen = screen
        self._live = live
        self._step = ""
        self._since = 0.0

    def begins(self, step: str) -> None:
        """A step has begun; the one before is done."""
        self.ends()
        self._step, self._since = step, time.monotonic()
        if self._live:
            self._live.start()
            self._live.update(step)

    def goes_on(self, step: str) -> None:
        """The step has come further: shown where there is a screen."""
        if self._live:
            self._live.update(step)

    def ends(self) -> None:
        """The last step is done."""
        if self._live:
            self._live.stop()
        if self._step:
            self._screen.print(
                f"✓ {self._step} ({time.monotonic() - self._since:.1f} s)", highlight=False, soft_wrap=True
            )
        self._step = ""

    def fails(self, message: str) -> None:
        """The step could not be done."""
        if self._live:
            self._live.stop()
        failed = f"✗ {self._step or 'start'}: {message}"
        self._screen.print(failed, style="red", highlight=False, markup=False, soft_wrap=True)
        self._step = ""


@contextmanager
def progress_on(screen: Console) -> Iterator[Steps]:
    """Steps on this screen; the live line is taken off at the end."""
    steps = Steps(screen, screen.status("") if screen.is_terminal else None)
    try:
        yield steps
    finally:
        steps.ends()
