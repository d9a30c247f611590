"""Nothing outlives who started it: a process that lost its parent ends."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(ending: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel for a signal when whoever started this process dies. Linux alone."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, ending, 0, 0, 0)
    # Whoever died between start and request sends no signal any more.
    if os.getppid() != parent:
        sys.exit(1)
