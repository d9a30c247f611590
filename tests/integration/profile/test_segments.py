"""Wish segments that live: who enters and leaves, when that is announced, and what staff are told."""

import asyncio
from dataclasses import replace

import pytest

from contracts.profile.v1 import events_pb2, profile_pb2
from kit.events import ensure_stream
from kit.events.outbox import Relay
from kit.testing import eventually
from services.profile import messages
from services.profile.__main__ import open_eraser
from services.profile.domain import AGGREGATE, COLLECT, POWER_CUT, Kind
from services.profile.leaving import Leaving
from services.profile.segments import Decided, Segment, SegmentsPack
from services.profile.streams import Streams
from services.profile.tables.profile import OUTBOX
from services.profile.use_cases import segment
from tests.integration.profile.door import BRAND, SHOP, eid, subject

DAY_MS = 86_400_000
PACK = SegmentsPack(
    id="segments",
    version="1",
    told_from=2,
    segments={"tea-lovers": Segment(("tea",), 0.5, 30), "gin": Segment(("gin",), 0.5, 30)},
)


@pytest.fixture
async def stores(stores):
    return replace(stores, segments=PACK)


@pytest.fixture
def leaving(stores):
    return Leaving(stores, BRAND, PACK.segments)


async def wish(room, name="ada", kind=Kind.WISHED, **facts):
    await room.fold(room.door.message(room.door.event(name, kind, **{"item": "pot", "topics": ("tea",), **facts})))


async def members(room):
    return [segment for (segment,) in await room.rows("SELECT segment FROM wish_memberships ORDER BY segment")]


async def announced(room):
    """What waits to leave, oldest first, without lessons."""
    rows = await room.rows("SELECT subject, payload FROM outbox WHERE subject ~ 'wish_segment' ORDER BY id")
    told = [(subject, events_pb2.WishSegmentMoved.FromString(payload)) for subject, payload in rows]
    return [
        (subject.split(".")[2].removeprefix("wish_segment_"), each.segment, each.personas) for subject, each in told
    ]


class TestFolding:
    async def test_whoever_wishes_enters_with_the_fold_and_once(self, room):
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room)
        assert await members(room) == ["tea-lovers"]
        await wish(room)
        assert await announced(room) == [("entered", "tea-lovers", 1)]

    async def test_a_folded_message_that_comes_again_announces_nothing(self, room):
        await room.grant("ada", COLLECT, AGGREGATE)
        message = room.door.message(room.door.event(kind=Kind.WISHED, topics=("tea",)))
        await room.fold(message)
        await room.fold(message)
        await room.fold(room.door.again(message))
        assert await announced(room) == [("entered", "tea-lovers", 1)]

    async def test_those_of_one_fold_are_announced_together_and_without_a_name(self, room):
        for name in ("ada", "ben"):
            await room.grant(name, COLLECT, AGGREGATE)
        events = [room.door.event(name, Kind.WISHED, topics=("tea",)) for name in ("ada", "ben")]
        await room.fold(room.door.message(*events))
        assert await announced(room) == [("entered", "tea-lovers", 2)]
        pids = [pid for (pid,) in await room.rows("SELECT pid FROM wish_memberships")]
        for (payload,) in await room.rows("SELECT payload FROM outbox WHERE subject ~ 'wish_segment'"):
            assert not any(pid in payload for pid in (*pids, eid("ada"), eid("ben")))

    async def test_who_may_not_be_counted_is_no_member(self, room):
        await room.grant("ada", COLLECT)
        await wish(room)
        assert (await members(room), await announced(room)) == ([], [])

    async def test_a_wish_that_came_true_leaves_with_the_fold(self, room):
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room)
        await wish(room, kind=Kind.BOUGHT)
        assert await members(room) == []
        assert await announced(room) == [("entered", "tea-lovers", 1), ("left", "tea-lovers", 1)]

    async def test_the_tail_of_a_facet_counts(self, room):
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room, kind=Kind.TRIED)
        await wish(room, kind=Kind.SEEN)
        assert await members(room) == []
        await wish(room, kind=Kind.TRIED)
        assert await members(room) == ["tea-lovers"]

    async def test_a_fold_of_which_nothing_is_kept_moves_nobody(self, room):
        await room.grant("ada", COLLECT, AGGREGATE)
        await room.fold(room.door.message(room.door.event(kind=Kind.SEEN)))
        await room.own()
        with pytest.raises(Exception, match="owns this partition"):
            await wish(room)
        assert (await members(room), await announced(room)) == ([], [])


class TestTime:
    async def test_a_membership_ends_at_its_moment_and_not_before(self, room, leaving, clock):
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room)
        [(ends_at_ms,)] = await room.rows("SELECT ends_at_ms FROM wish_memberships")
        clock.ms = ends_at_ms - 1
        assert await leaving.round() == 0
        clock.ms = ends_at_ms
        assert await leaving.round() == 1
        assert await leaving.round() == 0
        assert (await members(room), (await announced(room))[1:]) == ([], [("left", "tea-lovers", 1)])

    async def test_new_evidence_prolongs_it(self, room, leaving, clock):
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room)
        [(ends_at_ms,)] = await room.rows("SELECT ends_at_ms FROM wish_memberships")
        await wish(room, at_ms=clock() + 1000)
        clock.ms = ends_at_ms
        assert await leaving.round() == 0
        assert await members(room) == ["tea-lovers"]

    async def test_two_that_end_memberships_at_once_end_each_once(self, room, leaving, clock):
        for name in ("ada", "ben", "cleo"):
            await room.grant(name, COLLECT, AGGREGATE)
            await wish(room, name)
        clock.ms += 40 * DAY_MS
        assert sum(await asyncio.gather(leaving.round(), leaving.round())) == 3
        assert sum(count for moved, _, count in await announced(room) if moved == "left") == 3

    async def test_only_what_is_due_is_looked_at(self, room):
        async with room.profile() as connection:
            await connection.execute("SET LOCAL enable_seqscan = off")
            plan = await connection.fetch(
                "EXPLAIN SELECT 1 FROM wish_memberships WHERE brand = 'oak' AND ends_at_ms <= 5 ORDER BY ends_at_ms"
            )
        assert any("wish_memberships_by_end" in line for (line,) in plan)

    async def test_segments_that_are_configured_no_more_are_left(self, room, stores):
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room)
        await Leaving(stores, BRAND, {"gin": PACK.segments["gin"]}).begin()
        assert (await members(room), (await announced(room))[-1]) == ([], ("left", "tea-lovers", 1))


class TestConsent:
    @pytest.mark.parametrize("purpose", [AGGREGATE, COLLECT])
    async def test_a_withdrawal_makes_leave(self, room, purpose):
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room)
        await room.withdraw("ada", purpose)
        assert (await members(room), (await announced(room))[-1]) == ([], ("left", "tea-lovers", 1))

    async def test_a_withdrawal_that_events_carry_makes_leave(self, room):
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room)
        await wish(room, kind=Kind.SEEN, withdrawn=(AGGREGATE,))
        assert await members(room) == []

    async def test_who_withdraws_while_a_fold_is_under_way_is_no_member_afterwards(self, room, stores):
        decided = await self.decided(room)
        await room.withdraw("ada", AGGREGATE)
        async with stores.profile.transaction() as transaction:
            await segment.settle(stores, transaction, BRAND, decided)
        assert (await members(room), await announced(room)) == ([], [])

    async def test_who_withdraws_while_it_commits_leaves_with_the_answer(self, room, stores):
        decided = await self.decided(room)
        async with stores.profile.transaction() as transaction:
            await segment.settle(stores, transaction, BRAND, decided)
            withdrawing = asyncio.create_task(room.withdraw("ada", AGGREGATE))
            await eventually(lambda: self.waits(room))
            assert not withdrawing.done()
        await withdrawing
        assert (await members(room), (await announced(room))[-1]) == ([], ("left", "tea-lovers", 1))

    async def decided(self, room):
        """Return what a fold has decided before somebody withdraws."""
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room, kind=Kind.SEEN)
        return [Decided((await room.bound("ada")).persona, SHOP, {"tea-lovers": room.clock() + DAY_MS})]

    async def waits(self, room):
        return await room.rows("SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7107 AND NOT granted")

    async def test_an_erased_persona_leaves(self, room, stores, nats):
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room)
        eraser = open_eraser(stores, Streams({POWER_CUT: nats}, 64 << 20))
        await eraser.erase(subject("ada"), "rest")
        await eraser.round()
        assert (await members(room), (await announced(room))[-1]) == ([], ("left", "tea-lovers", 1))


class TestCounts:
    async def sizes(self, profile):
        answer = await profile.ReadWishSegments(profile_pb2.ReadWishSegmentsRequest(brand=BRAND))
        assert answer.told_from == 2
        return {each.name: each.personas for each in answer.segments}

    async def test_they_come_in_steps(self, room, profile):
        for place, name in enumerate(("ada", "ben", "cleo"), 1):
            await room.grant(name, COLLECT, AGGREGATE)
            await wish(room, name)
            assert await self.sizes(profile) == {"tea-lovers": place // 2 * 2, "gin": 0}

    async def test_whom_time_or_consent_ends_is_not_counted_even_while_the_row_is_there(self, room, profile, clock):
        for name in ("ada", "ben"):
            await room.grant(name, COLLECT, AGGREGATE)
            await wish(room, name)
        before = await room.rows("SELECT * FROM wish_memberships WHERE pid = $1", (await room.bound("ben")).persona.pid)
        await room.withdraw("ben", AGGREGATE)
        async with room.profile() as connection:
            await connection.execute("INSERT INTO wish_memberships VALUES ($1, $2, $3, $4, $5, $6)", *before[0])
        assert (await self.sizes(profile))["tea-lovers"] == 0
        clock.ms += 1
        await room.grant("ben", AGGREGATE)
        assert (await self.sizes(profile))["tea-lovers"] == 2
        clock.ms += 40 * DAY_MS
        assert (await self.sizes(profile))["tea-lovers"] == 0


class TestAnnouncing:
    async def test_it_is_heard_on_the_stream(self, room, stores, nats):
        js = nats.jetstream()
        await ensure_stream(js, messages.SEGMENTS, messages.SEGMENT_SUBJECTS, max_bytes=1 << 20)
        heard = await js.subscribe(f"profile.v1.wish_segment_entered.{BRAND}", ordered_consumer=True)
        relaying = asyncio.create_task(Relay(stores.profile, OUTBOX, js, poll_s=0.01).run())
        await room.grant("ada", COLLECT, AGGREGATE)
        await wish(room)
        message = await heard.next_msg(timeout=10)
        assert events_pb2.WishSegmentMoved.FromString(message.data).segment == "tea-lovers"
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await heard.unsubscribe()
