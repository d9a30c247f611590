"""The processes of a run: two that may be the authority, readers with a cache, and the person who changes her mind."""

import asyncio
import itertools
from contextlib import suppress

from kit.errors import UnavailableError
from kit.fence import Authority, FencedCache, Kept, follow, host
from tests.simulation.network import Connection
from tests.simulation.truth import Session

TERM_S = 1.5
MARGIN_NS = 50_000_000
#: Two clocks differ by twice that over a term at most: less than the margin.
DRIFT = 0.01
_FIELD = "x"
#: As long as kit's own waits for its session.
_ANSWER_S = 5.0


class Marks:
    """What is kept outside the database, on the way of one process; nothing where the rule is broken."""

    def __init__(self, world, machine):
        self._world, self._machine = world, machine

    def read(self):
        return self._world.truth.kept if self._world.variant.is_marked else Kept()

    async def keep(self, epoch, heads):
        truth = self._world.truth
        kept = await self._world.network.call(self._machine, lambda: truth.mark(epoch, heads))
        return kept if self._world.variant.is_marked else Kept(kept.epoch)


class Consent:
    """A process of the consent service. The seat is kit's in short: its database is not the simulated one."""

    def __init__(self, world, machine):
        self.machine = machine
        self.marks = Marks(world, machine)
        self.authority = Authority(world.clock_of(machine), term_ns=int(TERM_S * 1e9), marks=self.marks)
        self._world = world
        machine.spawn(self._sit())

    async def _sit(self):
        while True:
            session = Session(self._world.loop)
            with suppress(UnavailableError):
                await self._take(session)
            # Terminated, as kit does; a machine that cannot say so falls silent.
            self._world.network.carry(self.machine, self._world.database, self._world.truth.end, session)
            await asyncio.sleep(0.3)

    async def _take(self, session):
        truth = self._world.truth
        if not await self._ask(lambda: truth.try_seat(session)):
            return
        known = self.marks.read().epoch
        epoch = await self._ask(lambda: truth.take_epoch(session, known))
        kept = await self.marks.keep(epoch, {})
        moved = await self._ask(lambda: truth.mend(session, kept))
        if moved:
            await self.marks.keep(epoch, moved)
        self.authority.sit(epoch)
        try:
            while self.authority.epoch == epoch:
                await self._world.network.call(self._world.database, lambda: truth.ping(session), _ANSWER_S)
                await asyncio.sleep(0.5)
        finally:
            self.authority.rise(epoch)

    async def write(self, place, version, *, is_allowed):
        truth, (scope, key) = self._world.truth, place
        change, is_in_force = await self._write(scope, lambda session: truth.commit(session, key, version, is_allowed))
        await self.authority.acknowledge([change])
        return is_in_force

    async def raise_floor(self, scope, raised_at):
        truth = self._world.truth
        change = await self._write(scope, lambda session: truth.commit_floor(session, raised_at))
        await self.authority.acknowledge([change])

    async def _write(self, scope, commit):
        truth = self._world.truth
        epoch = await self.authority.elected(TERM_S)
        session = Session(self._world.loop)
        checked = epoch if self._world.variant.is_epoch_checked else None
        try:
            kept = self.marks.read()
            if await self._ask(lambda: truth.begin(session, checked, scope)) < kept.heads.get(scope, 0):
                raise UnavailableError("restored")
            return await self._ask(lambda: commit(session))
        finally:
            self._world.network.carry(self.machine, self._world.database, truth.end, session)

    async def check(self, place):
        kept = self.marks.read()
        sequence, is_allowed = await self._ask(lambda: self._world.truth.read(*place))
        return sequence, is_allowed and sequence >= kept.heads.get(place[0], 0)

    async def serve(self, connection):
        try:
            async for said in host(self.authority, self._heads, connection.asked()):
                await connection.tell(said)
        except UnavailableError:
            pass
        finally:
            connection.hang_up()

    async def _heads(self):
        epoch, heads = await self._ask(self._world.truth.read_heads)
        return (epoch if self._world.variant.is_epoch_checked else self.authority.epoch), heads

    async def _ask(self, answer):
        return await self._world.network.call(self._world.database, answer)


class Reader:
    """A process with a cache; most of its reads are spread over all keys, some come at once."""

    def __init__(self, world, machine):
        self.machine = machine
        clock = world.clock_of(machine)
        self.cache = FencedCache(clock, margin_ns=MARGIN_NS, capacity=world.capacity)
        self._world = world
        self._asking = set()
        machine.spawn(follow(self._connect, self.cache, clock))
        machine.spawn(self._read())

    def _connect(self):
        consent = self._world.some_consent()
        connection = Connection(self._world.network, self.machine, consent.machine)
        self._world.connections.append(connection)
        self._world.network.carry(self.machine, consent.machine, self._served, consent, connection)
        return connection

    def _served(self, consent, connection):
        consent.machine.spawn(consent.serve(connection))

    async def _read(self):
        dice, judge = self._world.dice, self._world.judge
        while True:
            await asyncio.sleep(dice.expovariate(1 / 0.01))
            for place in self._world.places:
                expected = judge.expected(place)
                held = self.cache.get(*place)
                if held is not None:
                    judge.cached += 1
                    judge.read(place, expected, self._world.loop.time(), is_allowed=held[_FIELD])
                elif place not in self._asking and dice.random() < 0.2:
                    self._asking.add(place)
                    self.machine.spawn(self._ask(place, expected))

    async def _ask(self, place, expected):
        judge, consent = self._world.judge, self._world.some_consent()
        try:
            sequence, is_allowed = await self._world.network.call(consent.machine, lambda: consent.check(place))
        except UnavailableError:
            judge.unanswered += 1
            return
        finally:
            self._asking.discard(place)
        judge.asked += 1
        judge.read(place, expected, self._world.loop.time(), is_allowed=is_allowed)
        self.cache.put(*place, sequence, {_FIELD: is_allowed})


async def change_her_mind(world, place):
    """State one thing after the other about one key, each repeated until it is acknowledged and in force."""
    dice = world.dice
    for is_allowed in itertools.cycle((True, False)):
        world.judge.begins(place)
        while not await _state(world, place, is_allowed=is_allowed):
            await asyncio.sleep(dice.uniform(0, 0.1))
        world.judge.settled(place, is_allowed=is_allowed)
        await asyncio.sleep(dice.expovariate(1 / 0.4))


async def _state(world, place, *, is_allowed):
    consent, said_at = world.some_consent(), world.loop.time()
    # Now and then she gives up between the commit and the acknowledgement.
    patience_s = 5.0 if world.dice.random() < 0.8 else world.dice.uniform(0, 0.05)
    try:
        is_in_force = await world.network.call(
            consent.machine, lambda: consent.write(place, said_at, is_allowed=is_allowed), patience_s
        )
    except UnavailableError:
        return False
    if is_in_force and is_allowed:
        world.granted[place] = said_at
    return is_in_force == is_allowed


async def raise_floor(world, scope):
    """Raise it, repeated until that is acknowledged; not while it is being raised already."""
    if not world.judge.raising(scope):
        return
    raised_at = world.loop.time()
    while not await _raised(world, scope, raised_at):
        await asyncio.sleep(world.dice.uniform(0, 0.1))
    world.judge.raised(scope)


async def _raised(world, scope, raised_at):
    consent = world.some_consent()
    try:
        await world.network.call(consent.machine, lambda: consent.raise_floor(scope, raised_at), 5.0)
    except UnavailableError:
        return False
    return True


async def repeat_a_grant(world, place):
    """Send once more what was said before, with its old date, as an SDK does."""
    consent, said_at = world.some_consent(), world.granted[place]
    with suppress(UnavailableError):
        await world.network.call(consent.machine, lambda: consent.write(place, said_at, is_allowed=True))
