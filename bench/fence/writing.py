"""`python -m bench.fence.writing {json}`: people who change their minds, each about one key, as often as they can."""

import asyncio
import itertools
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bench.fence.reading import AUDIENCE, PURPOSE
from bench.fence.table import BRAND, Place, Table, places
from contracts.common.v1.subject_pb2 import Persona
from contracts.consent.v1 import consent_pb2 as pb
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from kit.errors import TypedError
from kit.fence import boottime_ns
from kit.process import die_with_parent
from kit.rpc import connect

_PATIENCE_S = 8.0


class Order(msgspec.Struct):
    """Where the authorities are, what is shared, and seconds from an acknowledgement to the next statement, about."""

    addresses: list[str]
    table: str
    keys: int
    pause_s: float


class Person:
    """States one thing after the other about one key, each again until it is acknowledged and in force."""

    def __init__(self, place: Place, stubs: Sequence[Any]) -> None:
        self._persona = Persona(brand=BRAND, shard=place.scope.shard, pid=place.key)
        self._stubs = list(stubs)
        self._said_at_ms = 0

    async def state(self, *, is_allowed: bool) -> bool:
        """Say it once; tell whether that was acknowledged."""
        # Dated, so that one which is given up here and arrives late does not replace what was said behind it.
        self._said_at_ms = max(self._said_at_ms + 1, time.time_ns() // 1_000_000)
        said = pb.Statement(method="rest", stated_at_ms=self._said_at_ms)
        about = {"persona": self._persona, "audience": AUDIENCE, "purposes": [PURPOSE], "statement": said}
        stub = self._stubs[0]
        try:
            if is_allowed:
                answer = await stub.Grant(pb.GrantRequest(**about), timeout=_PATIENCE_S)
            else:
                answer = await stub.Withdraw(pb.WithdrawRequest(**about), timeout=_PATIENCE_S)
        except TypedError:
            self._stubs.append(self._stubs.pop(0))
            return False
        return (answer.records[0].state == "withdrawn") != is_allowed

    async def insist(self, *, is_allowed: bool) -> None:
        """Say it until it is acknowledged and in force."""
        while True:
            if await self.state(is_allowed=is_allowed):
                return
            await asyncio.sleep(random.uniform(0, 0.1))


async def live(person: Person, table: Table, place: int, pause_s: float) -> None:
    """Change one's mind for ever."""
    for is_allowed in itertools.cycle((True, False)):
        table.begin(place)
        await person.insist(is_allowed=is_allowed)
        table.settle(place, boottime_ns(), is_allowed=is_allowed)
        await asyncio.sleep(random.uniform(0.5, 1.5) * pause_s)


async def main(order: Order) -> None:
    """Write until killed."""
    table = Table(Path(order.table), order.keys)
    stubs = [ConsentServiceStub(connect(address)) for address in order.addresses]
    people = [Person(place, stubs) for place in places(order.keys)]
    await asyncio.gather(*(live(person, table, place, order.pause_s) for place, person in enumerate(people)))


if __name__ == "__main__":
    die_with_parent()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(msgspec.json.decode(sys.argv[1], type=Order)))
