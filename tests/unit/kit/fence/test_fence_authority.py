import asyncio

import pytest

from kit.errors import UnavailableError
from kit.fence import Authority, Change, Scope
from tests.simulation.machines import run_virtually

TERM_S = 1.0
SCOPE = Scope("oak", 7)
CHANGE = Change(SCOPE, 4, 5, (b"ada",))


def virtually(test):
    """Run a test in virtual time, in which waiting takes none."""

    def run(*arguments):
        run_virtually(test(*arguments))

    return run


def authority(epoch=1):
    loop = asyncio.get_running_loop()
    made = Authority(lambda: round(loop.time() * 1e9), term_ns=int(TERM_S * 1e9))
    made.sit(epoch)
    return made


async def seconds_of(waiting):
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await waiting
    return loop.time() - begun


class TestAcknowledge:
    @virtually
    async def test_with_no_reader_is_at_once(self):
        assert await seconds_of(authority().acknowledge([CHANGE])) == 0

    @virtually
    async def test_waits_until_a_leased_reader_has_applied(self):
        one = authority()
        holder = one.join()
        one.renew(holder)
        acknowledging = asyncio.create_task(one.acknowledge([CHANGE]))
        assert await holder.next() == (CHANGE,)
        holder.applied(SCOPE, 4)
        await asyncio.sleep(0.1)
        assert not acknowledging.done()
        holder.applied(SCOPE, 5)
        assert await seconds_of(acknowledging) == 0

    @virtually
    async def test_waits_for_nobody_who_has_applied_it_already(self):
        one = authority()
        holder = one.join()
        one.renew(holder)
        holder.applied(SCOPE, 6)
        assert await seconds_of(one.acknowledge([CHANGE])) == 0

    @virtually
    async def test_tells_a_reader_without_lease_and_does_not_wait_for_it(self):
        one = authority()
        holder = one.join()
        assert await seconds_of(one.acknowledge([CHANGE])) == 0
        assert await holder.next() == (CHANGE,)

    @virtually
    async def test_waits_for_the_lease_of_a_lost_connection(self):
        one = authority()
        holder = one.join()
        one.renew(holder)
        one.part(holder)
        assert await seconds_of(one.acknowledge([CHANGE])) == pytest.approx(TERM_S)

    @virtually
    async def test_does_not_wait_for_a_lease_that_was_given_back(self):
        one = authority()
        holder = one.join()
        one.renew(holder)
        acknowledging = asyncio.create_task(one.acknowledge([CHANGE]))
        await asyncio.sleep(0.1)
        holder.release()
        assert await seconds_of(acknowledging) == 0

    @virtually
    async def test_waits_two_terms_at_most_for_one_that_renews_and_does_not_apply(self):
        one = authority()
        holder = one.join()
        one.renew(holder)
        refused = []

        async def renew():
            await asyncio.sleep(0.24)
            while not refused:
                try:
                    one.renew(holder)
                except UnavailableError:
                    refused.append(asyncio.get_running_loop().time())
                await asyncio.sleep(0.25)

        renewing = asyncio.create_task(renew())
        assert 1 < await seconds_of(one.acknowledge([CHANGE])) <= 2 * TERM_S
        await renewing
        assert refused

    @virtually
    async def test_a_new_authority_waits_a_term_for_the_leases_of_the_one_before(self):
        one = authority(epoch=2)
        await asyncio.sleep(0.25)
        assert await seconds_of(one.acknowledge([CHANGE])) == pytest.approx(0.75)

    @virtually
    async def test_is_refused_while_nobody_is_elected_and_when_the_seat_is_lost_meanwhile(self):
        one = authority(epoch=2)
        acknowledging = asyncio.create_task(one.acknowledge([CHANGE]))
        await asyncio.sleep(0.1)
        one.rise(2)
        with pytest.raises(UnavailableError):
            await acknowledging
        with pytest.raises(UnavailableError):
            await one.acknowledge([CHANGE])

    @virtually
    async def test_an_office_taken_anew_meanwhile_waits_its_own_term(self):
        one = authority(epoch=2)
        acknowledging = asyncio.create_task(one.acknowledge([CHANGE]))
        await asyncio.sleep(0.9)
        one.rise(2)
        one.sit(4)
        assert await seconds_of(acknowledging) == pytest.approx(TERM_S)

    @virtually
    async def test_a_reader_that_lets_too_much_lie_gets_no_lease_and_is_hung_up_on(self):
        one = authority()
        holder = one.join()
        for _ in range(1001):
            await one.acknowledge([CHANGE])
        with pytest.raises(UnavailableError):
            one.renew(holder)
        assert await holder.next() is None


class TestSeat:
    @virtually
    async def test_without_one_no_lease_is_given(self):
        one = authority()
        one.rise(1)
        with pytest.raises(UnavailableError):
            one.renew(one.join())

    @virtually
    async def test_whoever_writes_waits_for_an_election_for_as_long_as_it_has(self):
        one = authority()
        one.rise(1)
        asyncio.get_running_loop().call_later(3 * TERM_S, one.sit, 3)
        assert await one.elected(4 * TERM_S) == 3
        one.rise(3)
        with pytest.raises(UnavailableError):
            await one.elected(0.5)
        assert asyncio.get_running_loop().time() == pytest.approx(3.5)

    @virtually
    async def test_news_of_an_election_past_does_not_end_the_present_one(self):
        one = authority(epoch=3)
        one.rise(1)
        assert one.seated() == 3


class TestHolders:
    @virtually
    async def test_are_forgotten_once_gone_and_expired(self):
        one = authority()
        for _ in range(20):
            holder = one.join()
            one.renew(holder)
            one.part(holder)
            await asyncio.sleep(0.25)
        assert len(one._holders) <= 5
        assert not one._connected
