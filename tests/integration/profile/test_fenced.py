import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from kit.errors import TypedError
from kit.fence import FencedCache, Renewal, boottime_ns, follow
from kit.http import free_port
from kit.rpc import connect
from kit.testing import eventually
from services.profile.clients import ConsentClient
from services.profile.domain import Persona, Statement
from services.profile.fenced import Decisions

OFFER, AUDIENCE = "recommend.offer", "app:shop"
TERM_S = 1.0


def persona():
    return Persona("oak", 7, os.urandom(16))


class Spied:
    """The truth, and how often it was asked."""

    def __init__(self, truth):
        self.truth, self.asked = truth, 0

    async def check(self, *arguments):
        self.asked += 1
        return await self.truth.check(*arguments)

    async def check_many(self, *arguments):
        self.asked += 1
        return await self.truth.check_many(*arguments)


class Reader:
    def __init__(self, consent, clock):
        self.consent, self.truth = consent, Spied(consent)
        self.cache = FencedCache(boottime_ns, margin_ns=50_000_000, capacity=1000)
        self.decisions = Decisions(self.truth, self.cache, clock)
        self.clock = clock

    async def is_allowed(self, who):
        [decision] = await self.decisions.check(who, AUDIENCE, [OFFER])
        return decision.is_allowed

    async def say(self, what, who):
        self.clock.ms += 1
        await what(who, AUDIENCE, [OFFER], Statement(self.clock.ms, "rest", "", ""))

    async def is_warm(self, who):
        asked = self.truth.asked
        return await self.is_allowed(who) and self.truth.asked == asked


@asynccontextmanager
async def reading(address, clock):
    async with connect(address) as channel:
        made = Reader(ConsentClient(channel), clock)
        following = asyncio.create_task(follow(made.consent.hold, made.cache, boottime_ns))
        try:
            await eventually(lambda: made.cache.is_leased)
            yield made
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


@pytest.fixture
async def reader(consent_address, clock):
    async with reading(consent_address, clock) as made:
        yield made


class TestDecisions:
    async def test_every_change_is_seen_by_the_next_read(self, reader):
        who = persona()
        for _ in range(5):
            assert not await reader.is_allowed(who)
            await reader.say(reader.consent.grant, who)
            assert await reader.is_allowed(who)
            assert await reader.decisions.check_many(AUDIENCE, [OFFER], [who]) == [1]
            await reader.say(reader.consent.withdraw, who)
            assert await reader.decisions.check_many(AUDIENCE, [OFFER], [who]) == [0]

    async def test_a_change_by_one_is_seen_by_every_other_reader(self, reader, consent_address, clock):
        who = persona()
        async with reading(consent_address, clock) as other:
            await reader.say(reader.consent.grant, who)
            assert await other.is_allowed(who)
            await reader.say(reader.consent.withdraw, who)
            assert not await other.is_allowed(who)

    async def test_a_warm_read_does_not_ask_the_truth(self, reader):
        who = persona()
        await reader.say(reader.consent.grant, who)
        await eventually(lambda: reader.is_warm(who))
        asked = reader.truth.asked
        for _ in range(1000):
            # Again where the machine let the lease run out meanwhile; never a round trip for each.
            assert await reader.is_allowed(who)
        assert reader.truth.asked < asked + 100

    async def test_many_words_at_once_do_not_break_the_stream(self, reader):
        hold = reader.consent.hold()
        await asyncio.gather(*(hold.ask(Renewal()) for _ in range(50)))
        for _ in range(50):
            await hold.receive()
        await hold.release()

    async def test_a_reading_that_is_given_up_leaves_the_lease_to_be_given_back(self, reader):
        hold = reader.consent.hold()
        await hold.ask(Renewal())
        await hold.receive()
        receiving = asyncio.create_task(hold.receive())
        await asyncio.sleep(0)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        await hold.ask(Renewal())
        await hold.receive()
        await hold.release()


@pytest.fixture
async def process(urls, tmp_path):
    """The consent service as a process of its own."""
    address = f"127.0.0.1:{free_port()}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MASKENBALL_")}
    environment |= {
        "MASKENBALL_DATABASE_URL": urls["consent"],
        "MASKENBALL_GRPC_ADDRESS": address,
        "MASKENBALL_FENCE_TERM_S": str(TERM_S),
        "MASKENBALL_KEYRING_DIR": str(tmp_path / "keyring"),
    }
    began = subprocess.Popen([sys.executable, "-m", "services.consent"], env=environment, stderr=subprocess.DEVNULL)
    yield began, address
    began.kill()
    began.wait()


class TestWithoutTheTruth:
    @pytest.mark.parametrize("blow", [signal.SIGSTOP, signal.SIGKILL])
    async def test_memory_answers_for_the_lease_and_then_nothing_is_allowed(self, process, clock, blow):
        began, address = process
        async with reading(address, clock) as reader:
            who = persona()
            await reader.say(reader.consent.grant, who)
            await eventually(lambda: reader.is_warm(who))
            began.send_signal(blow)
            ends_at = asyncio.get_running_loop().time() + TERM_S

            async def is_refused():
                began_at = asyncio.get_running_loop().time()
                try:
                    is_allowed = await reader.is_allowed(who)
                except TypedError as error:
                    return error.reason
                assert is_allowed
                assert began_at < ends_at
                return None

            assert await eventually(is_refused) in {"UNAVAILABLE", "DEADLINE", "DEADLINE_EXCEEDED"}
            if blow is signal.SIGSTOP:
                began.send_signal(signal.SIGCONT)
                await eventually(lambda: reader.cache.is_leased)
                assert await reader.is_allowed(who)
