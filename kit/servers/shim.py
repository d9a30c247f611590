"""Runs as its own short-lived program between fork and exec: ties the child to its parent and lowers its rights.

Arguments: parent pid, signal on the parent's death, uid (or -1 to stay who we are), paths the uid must be able to
reach (joined by ':'), then the command. Works with the standard library alone: it is started with `python -I -S`.
"""

import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *arguments: int) -> bool:
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return bool(_libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)) == 0)


def _reaches(uid: int, paths: list[str]) -> bool:
    os.seteuid(uid)
    try:
        for path in paths:
            Path(path).stat()
    except PermissionError:
        return False
    finally:
        os.seteuid(0)
    return True


def _keep_only(capability: int) -> bool:
    """Leaves the process with this one capability, kept across exec."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if _libc.capset(header, sets) != 0:
        return False
    return _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def _become(uid: int, paths: list[str]) -> None:
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        gid = uid
    os.setgroups([])
    reaches = _reaches(uid, paths)
    # A checkout below a folder only root may enter (a 0700 /root): opening that folder would change something that
    # is not ours, so the child keeps the right to pass through instead. Containers often lack the narrow right.
    if not reaches:
        _prctl(PR_SET_KEEPCAPS, 1)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if not reaches and not (_keep_only(CAP_DAC_READ_SEARCH) or _keep_only(CAP_DAC_OVERRIDE)):
        sys.exit(f"uid {uid} cannot reach {' or '.join(paths)} and the right to pass through was refused")


def main(arguments: list[str]) -> None:
    parent, death_signal, uid, joined_paths, *command = arguments
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for handled in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(handled, signal.SIG_DFL)
    os.umask(0o077)
    if int(uid) >= 0:
        _become(int(uid), joined_paths.split(":"))
    # After the change of user, which clears it.
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != int(parent):
        sys.exit("the launcher is gone")
    os.execv(command[0], command)  # noqa: S606  # the command comes from the launcher, no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
