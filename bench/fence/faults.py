"""Faults of real processes, drawn from a seed: stopped, killed, cut off; PostgreSQL killed, or brought back."""

import heapq
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from itertools import count

from bench.fence.world import Member, World


class Faults:
    """Draws one after the other and takes each back in its time."""

    def __init__(self, world: World, dice: random.Random, *, every_s: float = 3.0) -> None:
        self.seen: Counter[str] = Counter()
        self._world = world
        self._dice = dice
        self._every_s = every_s
        self._numbers = count()
        self._undone: list[tuple[float, int, Callable[[], None]]] = []
        self._struck: set[int] = set()

    def run(self, seconds: float) -> None:
        """Let them happen for so long; at the end everything is whole again."""
        end = time.monotonic() + seconds
        draws = (self.stop, self.kill, self.cut, self.kill_postgres, self.restore)
        weights = (8, 3, 8, 1, 1)
        while (now := time.monotonic()) < end:
            [draw] = self._dice.choices(draws, weights)
            draw()
            self._rest_until(min(end, now + self._dice.expovariate(1 / self._every_s)))
        while self._undone:
            self._undo()

    def stop(self) -> None:
        """SIGSTOP somebody, for some time."""
        member = self._somebody()
        if member is not None:
            member.child.send(signal.SIGSTOP)
            self._later(member, lambda: member.child.send(signal.SIGCONT))
            self._note("stopped", member)

    def kill(self) -> None:
        """SIGKILL somebody, who is back soon."""
        member = self._somebody()
        if member is not None:
            self._world.kill(member)
            self._later(member, lambda: self._world.revive(member), most_s=0.5)
            self._note("killed", member)

    def cut(self) -> None:
        """Cut a reader off from every consent process, or one of those from the database."""
        member = self._somebody()
        if member is not None and member.link is not None:
            member.link.cut()
            self._later(member, member.link.heal)
            self._note("cut off", member)

    def kill_postgres(self) -> None:
        """SIGKILL PostgreSQL."""
        self._world.kill_postgres()
        self.seen["PostgreSQL killed"] += 1

    def restore(self) -> None:
        """Bring the database back to what it was some time ago; the first time there is only a backup made."""
        if self._world.restore():
            self.seen["database restored"] += 1
        self._world.back_up()

    def _somebody(self) -> Member | None:
        # The few that others depend on are struck as often as the many.
        crowd = self._world.readers if self._dice.random() < 0.5 else self._world.consents  # noqa: PLR2004
        member = self._dice.choice(crowd)
        return None if id(member) in self._struck else member

    def _note(self, what: str, member: Member) -> None:
        self.seen[f"{'reader' if member in self._world.readers else 'consent'} {what}"] += 1

    def _later(self, member: Member, undo: Callable[[], None], *, most_s: float = 4.0) -> None:
        self._struck.add(id(member))

        def done() -> None:
            self._struck.discard(id(member))
            undo()

        at = time.monotonic() + most_s * self._dice.random()
        heapq.heappush(self._undone, (at, next(self._numbers), done))

    def _rest_until(self, until: float) -> None:
        while self._undone and self._undone[0][0] <= until:
            self._undo()
        time.sleep(max(0.0, until - time.monotonic()))

    def _undo(self) -> None:
        at, _, undo = heapq.heappop(self._undone)
        time.sleep(max(0.0, at - time.monotonic()))
        undo()
