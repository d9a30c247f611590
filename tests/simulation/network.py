"""A seeded network between machines: calls that are lost, streams in order that are delayed, cut and broken."""

import asyncio
from collections import deque

from kit.errors import UnavailableError
from kit.fence import Release
from tests.simulation.machines import MACHINE

_PATIENCE_S = 1.0
_WINDOW = 64
_RETRY_S = 0.02


class Network:
    def __init__(self, loop, dice):
        self.loop, self.dice = loop, dice
        self.slowness_s = 0.004
        self._cut = set()

    def cut(self, one, other):
        self._cut.add(frozenset((one.name, other.name)))

    def heal(self):
        self._cut.clear()

    def is_cut(self, one, other):
        return bool(self._cut) and frozenset((one.name, other.name)) in self._cut

    def delay(self):
        return self.dice.expovariate(1 / self.slowness_s)

    async def call(self, to, answer, within_s=_PATIENCE_S):
        """Have `answer()` run on another machine and return its result; UnavailableError when either way is lost."""
        caller = MACHINE.get()
        reply = self.loop.create_future()

        def settle(outcome):
            if not reply.done():
                reply.set_result(outcome)

        async def serve():
            try:
                outcome = await answer(), None
            except UnavailableError as error:
                outcome = None, error
            self.carry(to, caller, settle, outcome)

        serving = []
        self.carry(caller, to, lambda: serving.append(to.spawn(serve())))
        try:
            async with asyncio.timeout(within_s):
                result, error = await reply
        except TimeoutError:
            # As gRPC does: what nobody waits for is given up, wherever it is.
            self.carry(caller, to, lambda: [each.cancel() for each in serving])
            raise UnavailableError("no answer") from None
        if error is not None:
            raise error
        return result

    def carry(self, sender, to, deliver, *args):
        if not self.is_cut(sender, to):
            self.loop.call_later(self.delay(), deliver, *args, context=to.context())


class Pipe:
    """One direction of a stream: in order, with a window; what a cut holds up is sent again."""

    def __init__(self, network, sender, to):
        self._network, self._sender, self._to = network, sender, to
        self._under_way = deque()
        self._is_pumping = False
        self._space = asyncio.Event()
        self.inbox = asyncio.Queue()
        self.is_broken = False

    async def send(self, message):
        while len(self._under_way) >= _WINDOW and not self.is_broken:
            self._space.clear()
            await self._space.wait()
        if self.is_broken:
            raise UnavailableError("broken")
        self._under_way.append(message)
        self._pump_later(self._network.delay())

    def break_off(self, late):
        """Lose what is under way; the other end notices after `late` seconds."""
        self.is_broken = True
        self._under_way.clear()
        self._space.set()
        self._network.loop.call_later(late, self.inbox.put_nowait, None, context=self._to.context())

    def _pump_later(self, seconds):
        if not self._is_pumping:
            self._is_pumping = True
            self._network.loop.call_later(seconds, self._pump, context=self._to.context())

    def _pump(self):
        self._is_pumping = False
        if not self._under_way:
            return
        if self._network.is_cut(self._sender, self._to):
            self._pump_later(_RETRY_S)
            return
        self.inbox.put_nowait(self._under_way.popleft())
        self._space.set()
        if self._under_way:
            self._pump_later(self._network.delay())


class Connection:
    """A reader's stream to an authority; the reader's end is a `kit.fence.Wire`."""

    def __init__(self, network, reader, authority):
        self._up = Pipe(network, reader, authority)
        self._down = Pipe(network, authority, reader)
        self.ends = (reader, authority)

    @property
    def is_broken(self):
        return self._up.is_broken

    def break_off(self):
        """Each end notices in its own time: a silent machine's connection may look alive for long."""
        dice = self._up._network.dice
        for pipe in (self._up, self._down):
            if not pipe.is_broken:
                pipe.break_off(dice.uniform(0, 3) if dice.random() < 0.5 else 0.0)

    def end_for_the_reader(self):
        """Let the reader believe that it is over, and say so."""
        self._down.break_off(0.0)

    def hang_up(self):
        """End it in order."""
        for pipe in (self._up, self._down):
            if not pipe.is_broken:
                pipe.break_off(self._up._network.delay())

    async def ask(self, asked):
        await self._up.send(asked)

    async def receive(self):
        said = await self._down.inbox.get()
        if said is None:
            raise UnavailableError("hung up")
        return said

    async def release(self):
        if not self.is_broken:
            await self._up.send(Release())
            await self._up.send(None)
            self._down.is_broken = True

    async def asked(self):
        """What the authority hears, until the end."""
        while (asked := await self._up.inbox.get()) is not None:
            yield asked

    async def tell(self, said):
        await self._down.send(said)
