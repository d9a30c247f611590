"""Works something out aside: in a process of its own that stands back for every other.

For seconds of arithmetic in a service that answers in milliseconds. A thread would hold the interpreter's lock between
two products of matrices, and nothing can put it behind the requests that other processes have in hand.
"""

import asyncio
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO, Generic, ParamSpec, TypeVar

from kit.errors import UnavailableError
from kit.parting import die_with_parent

P = ParamSpec("P")
R = TypeVar("R")

#: As far behind as a process can ask to be and still get a little of a machine that never rests.
_NICENESS = 19
# Imported, not run as a module, so that what both sides pickle has one name.
_MAIN = f"import sys; from {__name__} import main; main(*map(int, sys.argv[1:]))"


class UnfinishedError(UnavailableError):
    """The process that worked aside was killed, or found no memory."""

    reason = "UNFINISHED"


class Work(Generic[R]):
    """A call that is packed and waits to be done aside, once.

    The function is one of a module's own, and all that goes in and comes out can be pickled. Packing copies what goes
    in, so that it may change afterwards. Nothing touches a disk: both ways lead through memory without a name.
    """

    def __init__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
        self._asked = _memory()
        pickle.dump((function, args, kwargs), self._asked, pickle.HIGHEST_PROTOCOL)
        self._asked.flush()

    async def done(self) -> R:
        """Return what the function returned; raises UnfinishedError when its process was killed or found no memory.

        What the function raises is a defect: told by type and place on standard error, and a RuntimeError here. Whoever
        is cancelled meanwhile ends the process.
        """
        with _memory() as answer:
            with self._asked as asked:
                descriptors = asked.fileno(), answer.fileno()
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", _MAIN, *map(str, descriptors), pass_fds=descriptors
                )
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if code < 0:
                raise UnfinishedError
            if code:
                raise RuntimeError("what was worked out aside failed; standard error tells where")
            result: R = await asyncio.to_thread(_unpack, answer)
        return result


def _memory() -> BinaryIO:
    return os.fdopen(os.memfd_create("aside"), "w+b")


def _unpack(file: BinaryIO) -> Any:
    file.seek(0)
    return pickle.load(file)  # noqa: S301  # written by ourselves a moment ago


def main(asked: int, answer: int) -> None:
    """Do what is packed in `asked` and leave the outcome in `answer`; both are open files' descriptors."""
    die_with_parent(signal.SIGKILL)
    os.nice(_NICENESS)
    # Whoever waits for it ends it, also when the whole terminal is interrupted.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.excepthook = _end
    with os.fdopen(asked, "rb") as file:
        function, args, kwargs = _unpack(file)
    outcome = function(*args, **kwargs)
    with os.fdopen(answer, "wb") as file:
        pickle.dump(outcome, file, pickle.HIGHEST_PROTOCOL)


def _end(kind: type[BaseException], _: BaseException, place: TracebackType | None) -> None:
    if issubclass(kind, MemoryError):
        # As the kernel ends whoever takes too much.
        signal.raise_signal(signal.SIGKILL)
    # Never the text, which may hold what was worked on.
    sys.stderr.write("".join((*traceback.format_tb(place), kind.__name__, "\n")))
