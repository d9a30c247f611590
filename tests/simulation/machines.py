"""Virtual time: an event loop whose clock jumps to the next timer, and machines in it that stop, die and go wrong."""

import asyncio
import selectors
from contextvars import Context, ContextVar, copy_context

MACHINE = ContextVar("machine", default=None)


class _NothingToWaitFor(selectors.SelectSelector):
    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("nothing will ever happen again")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs what a machine does only while the machine runs; the same seed gives the same run."""

    def __init__(self):
        self._virtual = _NothingToWaitFor()
        super().__init__(self._virtual)

    def time(self):
        return self._virtual.now

    def call_soon(self, callback, *args, context=None):
        step = _Step(callback, args, context or copy_context())
        step.handle = super().call_soon(step, context=step.context)
        return step.handle

    def call_at(self, when, callback, *args, context=None):
        step = _Step(callback, args, context or copy_context())
        if step.machine is not None:
            now = self.time()
            when = now + (when - now) / step.machine.rate
        step.handle = super().call_at(when, step, context=step.context)
        return step.handle

    def again(self, step):
        super().call_soon(step, context=step.context)


class _Step:
    """One callback, left lying as long as its machine is stopped."""

    __slots__ = ("args", "callback", "context", "handle", "machine")

    def __init__(self, callback, args, context: Context):
        self.callback, self.args, self.context = callback, args, context
        self.machine = context.get(MACHINE)
        self.handle = None

    def __call__(self):
        if self.machine is not None and self.machine.is_stopped:
            self.machine.lying.append(self)
        elif not self.handle.cancelled():
            self.callback(*self.args)


class Machine:
    """A process with a clock of its own: `rate` times true time, and a wall clock that somebody sets."""

    def __init__(self, loop, name, *, rate=1.0, offset_s=0.0):
        self.name, self.rate = name, rate
        self.is_stopped = self.is_dead = False
        self.lying = []
        self.wall_step_s = 0.0
        self._loop, self._offset_s = loop, offset_s

    def clock(self):
        """CLOCK_BOOTTIME in nanoseconds."""
        return int((self._offset_s + self._loop.time() * self.rate) * 1e9)

    def wall_clock(self):
        return self.clock() + int(self.wall_step_s * 1e9)

    def context(self):
        context = copy_context()
        context.run(MACHINE.set, self)
        return context

    def spawn(self, coroutine):
        task = self._loop.create_task(coroutine, context=self.context())
        task.add_done_callback(self._ended)
        return task

    def stop(self):
        """SIGSTOP."""
        self.is_stopped = True

    def go_on(self):
        """SIGCONT, unless it is dead."""
        if not self.is_dead:
            self.revive()

    def kill(self):
        """SIGKILL: nothing of it runs any more, no `finally` either."""
        self.is_stopped = self.is_dead = True

    def revive(self):
        """Let even a dead one go on, so that its tasks can be ended once the run is over."""
        self.is_stopped = False
        lying, self.lying = self.lying, []
        for step in lying:
            self._loop.again(step)

    def _ended(self, task):
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.call_exception_handler({"message": f"{self.name} failed", "exception": error})


def run_virtually(coroutine):
    """Run to the end in virtual time; an error nobody has caught fails the run."""
    loop = VirtualLoop()
    errors = []
    loop.set_exception_handler(lambda _, facts: errors.append(facts.get("exception", RuntimeError(facts["message"]))))
    try:
        result = loop.run_until_complete(coroutine)
        while tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    if errors:
        raise errors[0]
    return result
