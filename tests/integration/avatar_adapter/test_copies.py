"""What a door keeps of visitors it met a moment ago, and when it may not be used."""

import asyncio

import pytest

from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.profile.v1.events_pb2 import FacetsNamed
from kit.fence import Change, Lease, Scope, boottime_ns

SCOPE = Scope("oak", 7)
NAME = b"n" * 16
GREETINGS = ("Good day.", "Good morning.", "Hello.")
HOUR_NS = 3_600 * 10**9


def again(**changes):
    told = {"fence_name": NAME, "shard": SCOPE.shard, "read_at": 5, "greet_s": 60, "greetings": GREETINGS}
    return pb.Again(opening=b"sealed", **told | changes)


@pytest.fixture
async def met(stand):
    """A door under the fence that has met somebody once."""
    stand.fence.lease(Lease(HOUR_NS, ((SCOPE, 5),), 1), boottime_ns())
    stand.core.again = again()
    stand.core.takes_openings.set()
    await stand.open(i="first")
    return stand


async def asks(stand):
    """Open once more, and tell whether the avatar service was asked."""
    before = len(stand.core.of(pb.OpenRequest))
    await stand.open(i=f"more-{len(stand.core.heard)}-{before}")
    return len(stand.core.of(pb.OpenRequest)) > before


async def told(stand, count=1):
    while len(stand.core.of(pb.Opening)) < count:
        await asyncio.sleep(0)
    return stand.core.of(pb.Opening)


class TestCopies:
    async def test_whoever_was_met_is_met_again_without_asking(self, met):
        answer = await met.open(i="again")
        assert len(met.core.of(pb.OpenRequest)) == 1
        [opening] = await told(met)
        assert (opening.opening, opening.ref) == (b"sealed", answer["n"]["ref"])
        assert answer["n"]["say"] == GREETINGS[opening.visit.visit_id[0] % 3]
        assert (answer["g"], answer["n"]["exp"], answer["ai"]) == ({"greet": 60}, 60, "Ada is an AI guide of Oak.")

    async def test_another_visitor_avatar_language_or_world_is_asked_about(self, met):
        for number, change in enumerate(({"v": "somebody-else"}, {"lang": "de"}, {"v": ""})):
            await met.open(i=f"other-{number}", **change)
        assert len(met.core.of(pb.OpenRequest)) == 4

    async def test_a_frame_that_comes_again_is_asked_about(self, met):
        await met.open(i="again")
        answers = [await met.open(i="again"), await met.open(i="first")]
        assert len(met.core.of(pb.OpenRequest)) == 3
        assert [each.get("dup") for each in answers] == [None, 1]

    async def test_a_change_of_consent_ends_it(self, met):
        met.fence.apply((Change(SCOPE, 5, 6, (NAME,)),))
        assert await asks(met)

    async def test_without_a_lease_everybody_is_asked_about(self, met):
        met.fence.end()
        assert await asks(met)

    async def test_what_was_read_before_a_change_is_not_kept(self, met):
        met.fence.apply((Change(SCOPE, 5, 6, (NAME,)),))
        assert await asks(met)
        assert await asks(met)

    async def test_what_time_has_ended_is_asked_about(self, met):
        met.core.again = again(holds_until_ms=1)
        met.fence.apply((Change(SCOPE, 4, 5, (NAME,)),))
        assert await asks(met)
        assert await asks(met)

    async def test_a_hint_of_the_profile_service_ends_it(self, met):
        heard = met.copies.hints
        await met.nats.publish("profile.v1.named.oak", FacetsNamed(names=[NAME]).SerializeToString())
        await met.nats.flush()
        while met.copies.hints == heard:
            await asyncio.sleep(0)
        assert await asks(met)

    async def test_whoever_went_on_may_be_remembered_differently(self, met):
        visit = (await met.open(i="again"))["s"]
        await met.post({"op": "obs", "s": visit, "e": "seen"})
        assert await asks(met)

    async def test_another_door_says_who_went_on(self, met):
        heard = met.copies.hints
        visitor = met.core.of(pb.OpenRequest)[0].visit.subject.eid
        await met.nats.publish("adapter.v1.met", visitor)
        await met.nats.flush()
        while met.copies.hints == heard:
            await asyncio.sleep(0)
        assert await asks(met)


class TestOpenings:
    async def test_a_frame_waits_until_the_avatar_service_knows_of_its_visit(self, met):
        met.core.takes_openings.clear()
        visit = (await met.open(i="again"))["s"]
        asking = asyncio.create_task(met.post({"op": "ask", "s": visit, "k": "help"}))
        # By another connection: this one has been through the door since.
        await met.open(i="third")
        assert not met.core.of(pb.AskRequest)
        met.core.takes_openings.set()
        assert (await asking).status_code == 200
        kinds = [type(each) for each in met.core.heard if isinstance(each, pb.Opening | pb.AskRequest)]
        assert kinds.index(pb.Opening) < kinds.index(pb.AskRequest)

    async def test_a_visit_that_is_opened_again_waits_for_its_opening(self, met):
        met.core.takes_openings.clear()
        await met.open(i="again")
        repeating = asyncio.create_task(met.open(i="again"))
        await met.open(i="third")
        assert len(met.core.of(pb.OpenRequest)) == 1
        met.core.takes_openings.set()
        await repeating
        kinds = [type(each) for each in met.core.heard]
        assert kinds.index(pb.Opening) < len(kinds) - 1 - kinds[::-1].index(pb.OpenRequest)

    async def test_what_could_not_be_told_is_told_again(self, met):
        met.core.refusals = 2
        await met.open(i="again")
        assert len(await told(met)) == 1

    async def test_what_is_no_longer_allowed_when_it_is_told_is_asked_about(self, met):
        met.core.takes_openings.clear()
        await met.open(i="again")
        await met.open(i="third")
        met.fence.apply((Change(SCOPE, 5, 6, (NAME,)),))
        met.core.takes_openings.set()
        while len(met.core.of(pb.OpenRequest)) < 2:
            await asyncio.sleep(0)
        assert len(await told(met)) == 1
