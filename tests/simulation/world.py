"""One run: a world made from a seed, faults drawn from it, and what the judge saw."""

import asyncio
import random

from kit.fence import Scope
from tests.simulation.judge import Judge
from tests.simulation.machines import Machine, run_virtually
from tests.simulation.network import Network
from tests.simulation.processes import DRIFT, Consent, Reader, change_her_mind, raise_floor, repeat_a_grant
from tests.simulation.truth import Truth
from tests.simulation.variants import HONEST

_READERS = 3
_SCOPES = [Scope("oak", shard) for shard in range(2)]
_KEYS = [bytes([number]) * 16 for number in range(3)]


class World:
    def __init__(self, seed, variant):
        self.loop = asyncio.get_running_loop()
        self.dice = random.Random(seed)
        self.variant = variant
        self.judge = Judge()
        self.places = [(scope, key) for scope in _SCOPES for key in _KEYS]
        #: Between two faults, on average.
        self.calm_s = 0.3 if variant.provoked_by else self.dice.choice((0.3, 1, 3))
        self.faults = [*_FAULTS, *(getattr(World, name) for name in variant.provoked_by * 6)]
        # Now and then too small for all keys.
        self.capacity = self.dice.choice((len(self.places) - 1, 1000))
        self.network = Network(self.loop, self.dice)
        self.truth = Truth(self.loop, _SCOPES, is_dated=variant.is_dated)
        #: When what was allowed last was said, by place.
        self.granted = {}
        self.connections = []
        self.machines = []
        self.database = self._machine("database")
        self.database.spawn(self.truth.end_silent_sessions())
        self.consents = [Consent(self, self._machine(name)) for name in ("one", "two")]
        self.readers = [Reader(self, self._machine(f"reader {number}")) for number in range(_READERS)]
        self.person = self._machine("person")
        for place in self.places:
            self.person.spawn(change_her_mind(self, place))

    def clock_of(self, machine):
        return machine.wall_clock if self.variant.is_wall_clock else machine.clock

    def some_consent(self):
        """Mostly the one that answers."""
        elected = [each for each in self.consents if each.authority.epoch]
        return self.dice.choice(elected if elected and self.dice.random() < 0.8 else self.consents)

    async def live(self, seconds):
        """Let it run, a fault after the other."""
        end = self.loop.time() + seconds
        while self.loop.time() < end and not self.judge.stale:
            await asyncio.sleep(self.dice.expovariate(1 / self.calm_s))
            self.dice.choice(self.faults)(self)
            self.connections = [each for each in self.connections if not each.is_broken]
        judge, self.judge = self.judge, Judge()
        for machine in self.machines:
            machine.revive()
        return judge

    def break_a_stream(self):
        if self.connections:
            self.dice.choice(self.connections).break_off()

    def break_every_stream(self):
        for connection in self.connections:
            connection.break_off()

    def end_every_stream(self):
        for connection in self.connections:
            connection.end_for_the_reader()

    def stop_somebody(self):
        machine = self.dice.choice([*self.consents, *self.readers]).machine
        machine.stop()
        self.loop.call_later(self.dice.choice((0.1, 1, 2, 4)) * self.dice.random(), machine.go_on)

    def stop_the_elected_one(self):
        for consent in self.consents:
            if consent.authority.epoch:
                consent.machine.stop()
                self.loop.call_later(self.dice.uniform(1, 4), consent.machine.go_on)

    def kill_a_consent(self):
        self._kill(self.consents, Consent)

    def kill_a_reader(self):
        self._kill(self.readers, Reader)

    def restart_the_database(self):
        self.truth.restart()

    def restore_the_database(self):
        """To what it was some commits ago."""
        self.truth.restore(self.dice.randrange(1, 40))
        self.judge.restored()

    def promote_a_standby(self):
        """It is synchronous, but nobody relies on that: now and then the last commits are lost."""
        self.truth.restore(self.dice.choice((0, 0, 1, 2)))
        self.judge.restored()

    def lose_the_seat(self):
        """The elected one's session ends and nobody tells it."""
        self.truth.lose_seat()

    def cut_off_a_consent(self):
        self._cut_off(self.dice.choice(self.consents).machine, [self.database])

    def cut_off_a_reader(self):
        self._cut_off(self.dice.choice(self.readers).machine, [each.machine for each in self.consents])

    def _cut_off(self, machine, others):
        for other in others:
            self.network.cut(machine, other)
        self.loop.call_later(self.dice.choice((0.2, 2, 4)) * self.dice.random(), self.network.heal)

    def change_the_weather(self):
        self.network.slowness_s = self.dice.choice((0.001, 0.004, 0.02, 0.1))

    def spoil_the_weather(self):
        self.network.slowness_s = 0.1

    def raise_a_floor(self):
        self.person.spawn(raise_floor(self, self.dice.choice(_SCOPES)))

    def repeat_old_grants(self):
        for place in self.granted:
            self.person.spawn(repeat_a_grant(self, place))

    def set_the_wall_clocks(self):
        for machine in self.machines:
            machine.wall_step_s = self.dice.uniform(-60, 60)

    def _kill(self, processes, kind):
        place = self.dice.randrange(len(processes))
        old = processes[place].machine
        old.kill()
        for connection in self.connections:
            if old in connection.ends:
                connection.break_off()
        processes[place] = kind(self, self._machine(old.name))

    def _machine(self, name):
        rate, offset_s = 1 + self.dice.uniform(-DRIFT, DRIFT), self.dice.uniform(0, 1e6)
        machine = Machine(self.loop, name, rate=rate, offset_s=offset_s)
        self.machines.append(machine)
        return machine


_FAULTS = (
    World.break_a_stream,
    World.break_every_stream,
    World.end_every_stream,
    World.stop_somebody,
    World.stop_somebody,
    World.stop_the_elected_one,
    World.kill_a_consent,
    World.kill_a_reader,
    World.restart_the_database,
    World.restore_the_database,
    World.promote_a_standby,
    World.lose_the_seat,
    World.cut_off_a_consent,
    World.cut_off_a_reader,
    World.change_the_weather,
    World.spoil_the_weather,
    World.raise_a_floor,
    World.repeat_old_grants,
    World.set_the_wall_clocks,
)


def run(seed, variant=HONEST, seconds=30.0):
    """Live `seconds` of virtual time or until the first stale read; return what the judge saw."""

    async def live():
        return await World(seed, variant).live(seconds)

    with variant.broken():
        return run_virtually(live())
