"""Limits of contact hold however many deciders work at once, over linked personas, and when some are killed."""

import asyncio
import random
import signal
import sys
from collections import Counter

import pytest

from kit.db import Database
from kit.tenancy import acting_for
from services.recommendation.deciding import WINDOW_MS, Act, Initiative, Moment, Treatment, merge
from services.recommendation.domain import Decision, Signals
from services.recommendation.repository import decisions
from services.recommendation.sealed import open_state
from services.recommendation.use_cases.decide import Asked, decide_about
from tests.integration.recommendation import killed
from tests.integration.recommendation.deciders import Clock, deciding, eager, keyed, town, treated

HOUR_MS = 3_600_000
READ = Decision("recommend.offer", is_allowed=True, reason="GRANTED", sequence=1, record_id="")
TREATMENTS = [Treatment(3, HOUR_MS, frozenset(range(20, 24))), Treatment(2, 30 * HOUR_MS, frozenset())]


def signals(*circle):
    return Signals(READ, (), (), circle=circle)


def asked(clock, channel):
    return Asked(Moment(clock.at_ms, channel, frozenset({Act.HELLO}), Initiative.BRAND))


@pytest.fixture
async def processes(settings):
    opened = [Database(settings.database_url, pool_size=4) for _ in range(3)]
    yield opened
    for each in opened:
        await each.dispose()


async def contacts(database, *circle):
    """What is kept of all of a circle."""
    kept = await decisions.read_states(database, circle)
    return merge(open_state(each, kept[each.persona.pid].body) for each in circle).contacts


def check(begun, treatment):
    begun = sorted(begun)
    for place, at_ms in enumerate(begun):
        assert sum(at_ms - WINDOW_MS < other <= at_ms for other in begun) <= treatment.contacts
        assert place == 0 or at_ms - begun[place - 1] >= treatment.least_gap_ms
        assert (at_ms // HOUR_MS) % 24 not in treatment.quiet


class TestManyDeciders:
    @pytest.mark.parametrize("seed", range(2))
    async def test_no_limit_is_exceeded_by_those_who_decide_at_once(self, processes, seed):
        rng, clock, treatment = random.Random(seed), Clock(), TREATMENTS[seed]
        models, one, two = town(), keyed(1), keyed(2)
        around = [treated(eager(deciding(each, models, clock)), treatment) for each in processes]
        begun = []

        async def decide_once(decider, circle, channel):
            answer = await decide_about(decider, signals(*circle), asked(clock, channel))
            if answer.decided.act is not Act.SILENT:
                begun.append(clock.at_ms)

        with acting_for("oak"):
            for _ in range(8):
                # Both worlds, three channels, three pools of connections.
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(12):
                        circle = rng.choice([(one, two), (two, one)])
                        tasks.create_task(decide_once(rng.choice(around), circle, rng.choice("abc")))
                check(begun, treatment)
                assert sorted(begun) == list(await contacts(processes[0], one, two))
                clock.at_ms += rng.choice([HOUR_MS, 7 * HOUR_MS, 40 * HOUR_MS])
        assert begun


class TestKilled:
    async def test_a_decider_that_is_killed_has_spent_what_it_took(self, settings, processes):
        async def start(rounds):
            arguments = ("-m", "tests.integration.recommendation.killed", settings.database_url, str(rounds))
            return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)

        async def listen(process, until):
            lines = []
            while len(lines) < until and (line := await process.stdout.readline()):
                lines.append(int(line))
            return lines

        # It would go on for long, and works on several at once.
        victim = await start(100_000)
        heard = await listen(victim, 10)
        victim.send_signal(signal.SIGKILL)
        heard += await listen(victim, 1_000)
        heir = await start(4)
        heard += await listen(heir, 1_000)
        assert [await each.wait() for each in (victim, heir)] == [-signal.SIGKILL, 0]
        begun = Counter(number & ~1 for number in heard)
        with acting_for("oak"):
            for number in sorted(begun):
                kept = await contacts(processes[0], keyed(number), keyed(number ^ 1))
                assert begun[number] <= len(kept) <= killed.TREATMENT.contacts
        assert len(begun) == len({number & ~1 for number in killed.PERSONAS})
