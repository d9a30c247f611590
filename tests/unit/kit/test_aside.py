import asyncio
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from kit.aside import UnfinishedError, Work

WAITS = """
import asyncio, sys, time
from kit.aside import Work
asyncio.run(Work(time.sleep, 60).done())
"""


def doubled(numbers):
    numbers *= 2
    return numbers


def refused(text):
    raise ValueError(text)


def children(pid):
    return [each.pid for each in psutil.Process(pid).children()]


def lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def begun(work):
    """Begin it; return the task that waits, and its process among all that this one has started."""
    others = children(os.getpid())
    working = asyncio.create_task(work.done())
    while not (found := [pid for pid in children(os.getpid()) if pid not in others]):
        await asyncio.sleep(0.01)
    return working, found[0]


class TestWork:
    async def test_returns_what_the_function_returns(self):
        assert np.array_equal(await Work(doubled, np.arange(3)).done(), [0, 2, 4])

    async def test_is_a_process_behind_all_others(self):
        pid, priority = await Work(os.getpid).done(), await Work(os.getpriority, os.PRIO_PROCESS, 0).done()
        assert pid != os.getpid()
        assert priority > os.getpriority(os.PRIO_PROCESS, 0)

    async def test_what_goes_in_may_change_once_it_is_packed(self):
        numbers = np.arange(3)
        work = Work(doubled, numbers)
        numbers[:] = 7
        assert np.array_equal(await work.done(), [0, 2, 4])

    async def test_more_than_a_pipe_holds(self):
        assert (await Work(doubled, np.ones(10**6)).done()).sum() == 2e6

    async def test_a_defect_is_told_without_its_text(self, capfd):
        with pytest.raises(RuntimeError):
            await Work(refused, "planted-75317531").done()
        told = capfd.readouterr().err
        assert "in refused" in told
        assert told.endswith("ValueError\n")
        assert "75317531" not in told

    async def test_out_of_memory(self):
        with pytest.raises(UnfinishedError):
            await Work(bytearray, 2**60).done()

    async def test_killed(self):
        working, pid = await begun(Work(time.sleep, 60))
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(UnfinishedError):
            await working

    async def test_whoever_is_cancelled_ends_it(self):
        working, pid = await begun(Work(time.sleep, 60))
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert pid not in children(os.getpid())

    def test_it_does_not_outlive_who_asked(self):
        asking = subprocess.Popen([sys.executable, "-c", WAITS])
        while not (found := children(asking.pid)):
            time.sleep(0.01)
        # Until it has asked the kernel to be told.
        while os.getpriority(os.PRIO_PROCESS, found[0]) == os.getpriority(os.PRIO_PROCESS, 0):
            time.sleep(0.01)
        asking.kill()
        asking.wait()
        until = time.monotonic() + 5
        while lives(found[0]) and time.monotonic() < until:
            time.sleep(0.01)
        assert not lives(found[0])
