import pytest

from services.profile.boundary import Crowding
from services.profile.crowds import Crowds
from services.profile.domain import COLLECT, OFFER, Kind
from services.profile.use_cases.census import Census
from services.profile.use_cases.read import read_signals, read_view
from tests.integration.profile.door import BRAND, SHOP, subject

PERSONALISE = "personalise.world"
WORLD = "world:street"
_K = 3


@pytest.fixture
def census(stores):
    return Census(stores, BRAND, Crowding(_K, 0.5), every_s=0.001)


@pytest.fixture
def crowds(stores):
    """What is open, of three that must be alike."""
    object.__setattr__(stores, "crowds", Crowds(stores.profile, _K))
    return stores.crowds


@pytest.fixture
def likers(room):
    """So many personas who like one topic."""

    async def likers(count, topic, audience=SHOP):
        names = [f"{topic}-{audience}-{n}" for n in range(count)]
        for name in names:
            await room.grant(name, COLLECT, PERSONALISE, OFFER, audience=audience)
        did = (room.door.event(name, Kind.BOUGHT, topics=(topic,), source=audience) for name in names)
        await room.fold(room.door.message(*did))
        return names

    return likers


class TestTake:
    async def test_what_enough_personas_share_is_told(self, stores, room, census, crowds, likers):
        names = await likers(_K, "tea")

        await census.take()
        await crowds.refresh()

        seen = await read_view(stores, subject(names[0]), [PERSONALISE])
        assert (seen.view.likes, seen.view.withheld) == (("tea",), ())

    async def test_what_fewer_share_is_withheld(self, stores, census, crowds, likers):
        (name,) = await likers(1, "noir")
        await likers(_K, "tea")

        await census.take()
        await crowds.refresh()

        seen = await read_view(stores, subject(name), [PERSONALISE])
        assert seen.view.likes == ()
        assert "likes" in seen.view.withheld

    async def test_nothing_is_told_before_anybody_counted(self, stores, crowds, likers):
        (name, *_) = await likers(_K, "tea")

        seen = await read_view(stores, subject(name), [PERSONALISE])

        assert (seen.view.likes, seen.view.kinds) == ((), ())

    async def test_whoever_took_collecting_back_is_not_counted(self, stores, room, census, crowds, likers):
        names = await likers(_K, "tea")
        await room.withdraw(names[-1], COLLECT)

        await census.take()
        await crowds.refresh()

        seen = await read_view(stores, subject(names[0]), [PERSONALISE])
        assert seen.view.likes == ()

    async def test_what_only_few_share_is_not_kept(self, room, census, likers):
        await likers(1, "a-rare-topic")
        await likers(_K, "tea")

        await census.take()

        ((body,),) = await room.rows("SELECT body FROM crowds")
        assert b"tea" in body
        assert b"a-rare-topic" not in body

    async def test_one_process_of_many_counts(self, stores, likers):
        await likers(_K, "tea")
        census = Census(stores, BRAND, Crowding(_K), every_s=600)

        assert [await census.take(), await census.take()] == [True, False]


class TestOffers:
    async def test_one_audience_gets_the_whole_history_ranked(self, stores, census, crowds, likers):
        (name, *_) = await likers(_K, "tea")

        await census.take()
        await crowds.refresh()

        assert (await read_signals(stores, subject(name))).draw_key == b""

    async def test_where_two_audiences_could_compare_each_draws_by_a_key_of_its_own(
        self, stores, census, crowds, likers
    ):
        here, there = await likers(_K, "tea", SHOP), await likers(_K, "tea", WORLD)

        await census.take()
        await crowds.refresh()

        keys = {
            (await read_signals(stores, subject(names[0], audience))).draw_key
            for names, audience in ((here, SHOP), (there, WORLD))
        }
        assert len(keys) == 2
        assert b"" not in keys
