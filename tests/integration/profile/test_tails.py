import asyncpg
import pytest

from services.profile.domain import COLLECT, RESEARCH, Kind
from services.profile.hot import Hot
from services.profile.repository import facets
from services.profile.tails import MOST_BLOCKS, MOST_EVENTS
from tests.integration.profile.door import BRAND
from tests.integration.profile.test_together import pair as pair  # noqa: PLC0414 - a fixture


def events(room, count, **facts):
    return room.door.message(*(room.door.event(**facts) for _ in range(count)))


async def lying(room):
    """How the one facet lies: the blocks it has taken in, and those there are."""
    ((taken,),) = await room.rows("SELECT blocks FROM facets")
    ((there,),) = await room.rows("SELECT max(number) FROM interaction_blocks")
    return taken, there


class TestTails:
    async def test_a_fold_appends_and_the_facet_is_read_with_what_is_behind_it(self, room):
        await room.grant()
        for _ in range(3):
            await room.fold(events(room, 1))
        assert await lying(room) == (1, 3)
        assert (await room.traits()).kinds[Kind.SEEN].count == 3

    async def test_many_blocks_are_taken_in(self, room):
        await room.grant()
        for _ in range(MOST_BLOCKS + 1):
            await room.fold(events(room, 1))
        assert await lying(room) == (MOST_BLOCKS + 1, MOST_BLOCKS + 1)
        await room.fold(events(room, 1))
        assert await lying(room) == (MOST_BLOCKS + 1, MOST_BLOCKS + 2)
        assert (await room.traits()).kinds[Kind.SEEN].count == MOST_BLOCKS + 2

    async def test_many_events_are_taken_in(self, room):
        await room.grant()
        for count in (1, MOST_EVENTS - 1):
            await room.fold(events(room, count))
        assert await lying(room) == (1, 2)
        await room.fold(events(room, 1))
        assert await lying(room) == (3, 3)
        assert (await room.traits()).kinds[Kind.SEEN].count == MOST_EVENTS + 1

    async def test_two_that_append_under_one_number_cannot_both_commit(self, room):
        await room.grant()
        await room.fold(events(room, 1))
        persona = (await room.bound()).persona
        sealed = facets.Sealed(persona.shard, persona.pid, b"", "1", 1)
        async with room.profile() as connection:
            with pytest.raises(asyncpg.UniqueViolationError):
                await facets.keep(connection, BRAND, [], bytes(16), [facets.Block(sealed, 1, 1, is_taught=False)])


class TestTwoFoldsAtOnce:
    @pytest.mark.parametrize("hot", [Hot(), Hot(most_standings=1)])
    async def test_the_one_behind_takes_in_what_the_one_before_has_not_committed(self, room, pair, hot):
        pair.hot = hot
        await room.grant("bob")
        both = [room.door.message(*(room.door.event(name) for name in ("ada", "bob") for _ in range(200)))]
        await pair.run(both, [events(room, 100)])
        await room.fold(events(room, 1, kind=Kind.BOUGHT), owner=pair.owner)
        assert {kind: tally.count for kind, tally in (await room.traits()).kinds.items()} == {
            Kind.SEEN: 300,
            Kind.BOUGHT: 1,
        }
        assert (await room.traits("bob")).kinds[Kind.SEEN].count == 200

    async def test_nothing_grows_on_traits_that_missed_a_block(self, room, pair):
        await room.grant("ada", COLLECT, RESEARCH)
        await pair.run([events(room, 1)], [events(room, 1)])
        room.clock.ms += 1
        await room.withdraw("ada", RESEARCH)
        await pair.run([events(room, 1)], [events(room, 1)])
        _, task = await pair.begin([events(room, MOST_EVENTS)])
        await task
        assert await lying(room) == (5, 5)
        assert (await room.traits()).kinds[Kind.SEEN].count == MOST_EVENTS + 4

    async def test_both_may_be_due(self, room, pair):
        await pair.run([events(room, 1)], [events(room, MOST_EVENTS - 1)])
        await pair.run([events(room, MOST_EVENTS)], [events(room, MOST_EVENTS)])
        assert await lying(room) == (4, 4)
        assert (await room.traits()).kinds[Kind.SEEN].count == 3 * MOST_EVENTS
