"""A decider that is killed in a test: `python -m tests.integration.recommendation.killed URL ROUNDS`.

It begins all the contacts it may with every persona in turn, and writes down each that it was allowed, once it was.
"""

import asyncio
import sys
import time
from dataclasses import replace

from kit.db import Database
from kit.tenancy import acting_for
from services.recommendation.deciding import Act, Initiative, Moment, Treatment
from services.recommendation.domain import Decision, Signals
from services.recommendation.use_cases.decide import Asked, decide_about
from tests.integration.recommendation.deciders import Clock, deciding, eager, keyed, town, treated

PERSONAS = range(20)
TREATMENT = Treatment(3, 1, frozenset())
_READ = Decision("recommend.offer", is_allowed=True, reason="GRANTED", sequence=1, record_id="")
_AT_ONCE = 4


async def main(url: str, rounds: int) -> None:
    """Decide about every persona so many times."""
    database = Database(url, pool_size=_AT_ONCE)
    around = treated(eager(deciding(database, town(), Clock())), TREATMENT)
    around = replace(around, now_ms=lambda: time.time_ns() // 1_000_000)
    waiting = (number for _ in range(rounds) for number in PERSONAS)

    async def work() -> None:
        for number in waiting:
            # Linked with its neighbour, whose contacts count, too.
            circle = keyed(number), keyed(number ^ 1)
            moment = Moment(around.now_ms(), "web", frozenset({Act.HELLO}), Initiative.BRAND)
            answer = await decide_about(around, Signals(_READ, (), (), circle=circle), Asked(moment))
            if answer.decided is not None and answer.decided.act is not Act.SILENT:
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()

    with acting_for("oak"):
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(work())
    await database.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
