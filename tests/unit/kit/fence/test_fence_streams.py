"""The two ends of a stream: `host` and `follow`, joined by queues, in virtual time."""

import asyncio

import pytest

from kit.errors import UnavailableError
from kit.fence import Applied, Change, FencedCache, Lease, Release, Renewal, Scope, follow, host
from tests.unit.kit.fence.test_fence_authority import CHANGE, SCOPE, TERM_S, authority, seconds_of, virtually

OTHER = Scope("oak", 8)


class Heads:
    """The truth's heads; reading them can be held up."""

    def __init__(self):
        self.epoch, self.heads = 1, {SCOPE: 4}
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.reads = 0

    async def __call__(self):
        found = self.epoch, dict(self.heads)
        self.reads += 1
        await self.may_answer.wait()
        return found


class Stream:
    """What a reader says goes into `asked`; what it is told comes out of `told`."""

    def __init__(self, one, heads):
        self.asked = asyncio.Queue()
        self.told = host(one, heads, self._all())

    async def _all(self):
        while (each := await self.asked.get()) is not None:
            yield each

    def say(self, *asked):
        for each in asked:
            self.asked.put_nowait(each)

    async def hear(self):
        return await anext(self.told)


class TestHost:
    @virtually
    async def test_a_lease_carries_every_head_once(self):
        heads = Heads()
        stream = Stream(authority(), heads)
        stream.say(Renewal())
        assert await stream.hear() == Lease(int(TERM_S * 1e9), ((SCOPE, 4),), 1)
        heads.heads[OTHER] = 1
        stream.say(Renewal())
        assert (await stream.hear()).heads == ((OTHER, 1),)

    @virtually
    async def test_a_change_during_the_reading_of_the_heads_waits_for_the_reader(self):
        one, heads = authority(), Heads()
        heads.may_answer.clear()
        stream = Stream(one, heads)
        stream.say(Renewal())
        hearing = asyncio.create_task(stream.hear())
        await asyncio.sleep(0.1)
        acknowledging = asyncio.create_task(one.acknowledge([CHANGE]))
        await asyncio.sleep(0.1)
        heads.may_answer.set()
        assert [await hearing, (await stream.hear()).heads] == [(CHANGE,), ((SCOPE, 4),)]
        assert not acknowledging.done()
        stream.say(Applied(((SCOPE, 5),)))
        assert await seconds_of(acknowledging) == 0

    @virtually
    async def test_another_epoch_beside_the_heads_ends_the_office(self):
        one, heads = authority(), Heads()
        heads.epoch = 2
        stream = Stream(one, heads)
        stream.say(Renewal())
        with pytest.raises(UnavailableError):
            await stream.hear()
        assert one.epoch == 0

    @virtually
    async def test_a_released_lease_is_not_waited_for(self):
        one = authority()
        stream = Stream(one, Heads())
        stream.say(Renewal(), Release(), None)
        assert isinstance(await stream.hear(), Lease)
        with pytest.raises(StopAsyncIteration):
            await stream.hear()
        assert await seconds_of(one.acknowledge([CHANGE])) == 0

    @virtually
    async def test_a_reader_that_hung_up_is_gone_even_if_nobody_closes_its_generator(self):
        one = authority()
        stream = Stream(one, Heads())
        stream.say(Renewal())
        await stream.hear()
        stream.say(None)
        await asyncio.sleep(0.1)
        assert not one._connected
        assert await seconds_of(one.acknowledge([CHANGE])) == pytest.approx(TERM_S - 0.1)

    @virtually
    async def test_closing_the_authority_ends_every_stream(self):
        one = authority()
        stream = Stream(one, Heads())
        stream.say(Renewal())
        await stream.hear()
        one.close()
        with pytest.raises(StopAsyncIteration):
            await stream.hear()


class Wire:
    """A connection that a test holds the other end of."""

    def __init__(self):
        self.asked, self.said = asyncio.Queue(), asyncio.Queue()
        self.is_released = False

    async def ask(self, asked):
        self.asked.put_nowait(asked)

    async def receive(self):
        said = await self.said.get()
        if isinstance(said, BaseException):
            raise said
        return said

    async def release(self):
        self.is_released = True


class Following:
    """A follower and the wires it opened."""

    def __init__(self):
        loop = asyncio.get_running_loop()
        clock = lambda: round(loop.time() * 1e9)  # noqa: E731
        self.cache = FencedCache(clock, margin_ns=0, capacity=10)
        self.wires = []
        self.opened = asyncio.Queue()
        self.task = asyncio.create_task(follow(self._open, self.cache, clock))

    def _open(self):
        self.wires.append(Wire())
        self.opened.put_nowait(self.wires[-1])
        return self.wires[-1]

    async def end(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def lease(*heads):
    return Lease(int(TERM_S * 1e9), heads, 1)


class TestFollow:
    @virtually
    async def test_a_lease_that_is_answered_late_is_shorter_by_that(self):
        following = Following()
        wire = await following.opened.get()
        assert isinstance(await wire.asked.get(), Renewal)
        await asyncio.sleep(0.75)
        wire.said.put_nowait(lease())
        await asyncio.sleep(0.1)
        assert following.cache.is_leased
        await asyncio.sleep(0.2)
        assert not following.cache.is_leased
        await following.end()

    @virtually
    async def test_what_is_told_is_applied_before_it_is_said_so(self):
        following = Following()
        wire = await following.opened.get()
        await wire.asked.get()
        wire.said.put_nowait(lease((SCOPE, 4)))
        assert await wire.asked.get() == Applied(((SCOPE, 4),))
        following.cache.put(SCOPE, b"ada", 4, {"x": True})
        wire.said.put_nowait((Change(SCOPE, 4, 5, (b"ada",)),))
        assert await wire.asked.get() == Applied(((SCOPE, 5),))
        assert following.cache.get(SCOPE, b"ada") is None
        await following.end()

    @virtually
    async def test_it_renews_in_good_time_and_one_at_a_time(self):
        following = Following()
        wire = await following.opened.get()
        for _ in range(8):
            assert isinstance(await wire.asked.get(), Renewal)
            await asyncio.sleep(0.01)
            assert wire.asked.empty()
            wire.said.put_nowait(lease())
            await asyncio.sleep(0.2)
            assert following.cache.is_leased
        await following.end()

    @virtually
    async def test_every_loss_ends_the_lease_and_is_followed_by_another_connection(self):
        following = Following()
        for number in range(1, 5):
            wire = await following.opened.get()
            await wire.asked.get()
            wire.said.put_nowait(lease())
            await asyncio.sleep(0.1)
            assert following.cache.is_leased
            wire.said.put_nowait(UnavailableError("hung up"))
            await asyncio.sleep(0.1)
            assert (following.cache.is_leased, wire.is_released) == (False, True)
            assert len(following.wires) == number
        await following.end()

    @virtually
    async def test_a_connection_that_answers_nothing_is_given_up(self):
        following = Following()
        first = await following.opened.get()
        second = await following.opened.get()
        assert first.is_released
        assert second is not first
        await following.end()

    @virtually
    async def test_a_call_that_ended_as_cancelled_is_a_loss_like_any(self):
        following = Following()
        first = await following.opened.get()
        first.said.put_nowait(asyncio.CancelledError())
        assert await following.opened.get() is not first
        await following.end()

    @virtually
    async def test_an_unexpected_error_is_not_kept_silent(self):
        following = Following()
        wire = await following.opened.get()
        await wire.asked.get()
        wire.said.put_nowait(lease())
        wire.said.put_nowait(LookupError())
        with pytest.raises(LookupError):
            await following.task
        assert (following.cache.is_leased, wire.is_released) == (False, True)

    @virtually
    async def test_one_that_ends_gives_its_lease_back(self):
        following = Following()
        wire = await following.opened.get()
        await wire.asked.get()
        wire.said.put_nowait(lease())
        await asyncio.sleep(0.1)
        await following.end()
        assert (following.cache.is_leased, wire.is_released) == (False, True)
