"""Handles: replaced when the pair key turns, told to their audience alone, gone after the grace or with a new face."""

import pytest

from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1 import profile_pb2 as contract
from kit import rotation
from kit.errors import RemoteError
from services.profile.domain import COLLECT, Kind
from services.profile.domain.errors import HandleGoneError
from services.profile.graces import Grace, Graces
from services.profile.use_cases import explain, read
from services.profile.use_cases.name import Naming
from tests.integration.profile.door import BRAND, SHOP, subject, subject_message
from tests.integration.profile.test_links import says_to_be

PERSONALISE = "personalise.world"
WORLD = "world:mall"
DAY_MS = 86_400_000
GRACE_MS = 30 * DAY_MS


@pytest.fixture
def naming(stores):
    return Naming(stores, GRACE_MS)


async def handle(room, name="ada", audience=SHOP):
    return (await read.read_view(room.stores, subject(name, audience), [PERSONALISE])).handle


def turn(room, audience=""):
    """Turn the key, at the moment that the clock of the test shows then."""
    key = rotation.rotate(room.stores.keyring, "pair", audience)
    room.clock.ms = int(rotation.created_at(room.stores.keyring, "pair", audience, key.version) * 1000) + 1


async def known(room, *names, audience=SHOP):
    for name in names:
        await room.grant(name, COLLECT, PERSONALISE, audience=audience)


class TestTurning:
    async def test_an_old_handle_answers_until_the_grace_ends(self, room, naming):
        await known(room, "ada")
        old = await handle(room)
        turn(room)
        found = await naming.find(BRAND, SHOP, old)
        assert found.handle == await handle(room) != old
        assert found.until_ms == room.clock() + GRACE_MS - 1
        room.clock.ms += GRACE_MS + 1_000
        with pytest.raises(HandleGoneError):
            await naming.find(BRAND, SHOP, old)
        assert (await naming.find(BRAND, SHOP, await handle(room))).until_ms == 0

    async def test_one_audience_turns_alone(self, room, naming):
        await known(room, "ada")
        await known(room, "ada", audience=WORLD)
        mine, theirs = await handle(room), await handle(room, audience=WORLD)
        turn(room, SHOP)
        assert await handle(room) != mine
        assert await handle(room, audience=WORLD) == theirs
        turn(room)
        versions = {(await handle(room, audience=each)).partition(".")[0] for each in (SHOP, WORLD)}
        assert versions == {"3"}
        assert (await naming.find(BRAND, SHOP, mine)).handle == await handle(room)

    async def test_a_retired_version_answers_no_more(self, room, naming):
        await known(room, "ada")
        old = await handle(room)
        turn(room)
        rotation.retire(room.stores.keyring, "pair", "1")
        with pytest.raises(HandleGoneError):
            await naming.find(BRAND, SHOP, old)

    async def test_staff_find_somebody_by_either_handle(self, room):
        await known(room, "ada")
        old = await handle(room)
        turn(room)
        for each in (old, await handle(room)):
            assert (await explain.to_staff(room.stores, BRAND, each, PERSONALISE)).audience == SHOP

    async def test_keys_go_when_the_grace_ends(self, room):
        ring = room.stores.keyring
        rotation.rotate(ring, "pair", SHOP)
        rotation.rotate(ring, "pair")
        room.clock.ms += GRACE_MS + 1_000
        await Graces(room.stores, Grace(GRACE_MS, GRACE_MS)).round()
        assert rotation.usable(ring, "pair", SHOP) == rotation.usable(ring, "pair") == ["3"]


class TestAnnouncing:
    async def test_names_each_who_had_the_old_handle_page_by_page(self, room, naming):
        names = [f"v{number}" for number in range(7)]
        await known(room, *names)
        old = {await handle(room, name) for name in names}
        turn(room)
        room.clock.ms += 1_000
        await known(room, "later")
        told, after = [], b""
        while True:
            page, after = await naming.replaced(BRAND, SHOP, 3, after)
            told += page
            if not after:
                break
        assert {pair.old for pair in told} == old
        assert {pair.new for pair in told} == {await handle(room, name) for name in names}
        assert len(told) == len(names)

    async def test_tells_no_other_audience_and_nobody_before_a_turn(self, room, naming):
        await known(room, "ada")
        assert await naming.replaced(BRAND, SHOP, 100, b"") == ([], b"")
        turn(room)
        assert (await naming.replaced(BRAND, WORLD, 100, b""))[0] == []
        assert len((await naming.replaced(BRAND, SHOP, 100, b""))[0]) == 1

    async def test_leaves_out_whom_the_audience_may_not_know(self, room, naming):
        await known(room, "ada")
        turn(room)
        await room.withdraw("ada", PERSONALISE)
        assert (await naming.replaced(BRAND, SHOP, 100, b""))[0] == []

    async def test_a_place_of_another_audience_is_refused(self, room, profile, naming):
        await known(room, "ada", "bob")
        turn(room)
        _, after = await naming.replaced(BRAND, SHOP, 1, b"")
        request = contract.ListReplacedHandlesRequest(brand=BRAND, audience=WORLD, count=1, after=after)
        with pytest.raises(RemoteError) as refused:
            await profile.ListReplacedHandles(request)
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "after")


class TestNewFace:
    async def take(self, profile, name="ada"):
        request = contract.TakeNewFaceRequest(subject=subject_message(name), statement=Statement(method="rest"))
        return (await profile.TakeNewFace(request, timeout=30)).erasure

    async def gone(self, profile, old):
        with pytest.raises(RemoteError) as refused:
            await profile.FindHandle(contract.FindHandleRequest(brand=BRAND, audience=SHOP, handle=old))
        return refused.value.reason

    async def test_the_old_handle_is_gone_at_once_and_nothing_of_it_is_carried_over(self, room, profile):
        await known(room, "ada")
        await room.fold(room.door.message(room.door.event(kind=Kind.BOUGHT)))
        old, before = await handle(room), await room.bound()
        erasure = await self.take(profile)
        assert erasure.unreadable_at_ms
        assert await self.gone(profile, old) == "HANDLE_GONE"
        room.clock.ms += 1_000
        assert await handle(room) == ""
        await known(room, "ada")
        seen = await read.read_view(room.stores, subject("ada"), [PERSONALISE])
        assert seen.handle != old
        assert (seen.view.likes, dict(seen.view.kinds)) == ((), {})
        assert (await room.bound()).persona.pid != before.persona.pid

    async def test_what_was_said_before_does_not_come_over(self, room, profile):
        await known(room, "ada")
        late = room.door.event(granted=(COLLECT,))
        room.clock.ms += 2_000
        await self.take(profile)
        await room.fold(room.door.message(late))
        assert await room.bound() is None
        assert await room.books() == {"received": 1, "suppressed": 1}

    async def test_a_device_of_the_same_visitor_goes_with_it(self, room, profile):
        await known(room, "ada", "phone")
        await room.fold(room.door.message(room.door.event("phone"), says_to_be(room, "ada", "phone")))
        await self.take(profile)
        assert await room.bound("phone") is None
        assert await room.vault_rows("SELECT 1 FROM links UNION ALL SELECT 1 FROM faces") == []

    async def test_of_somebody_unknown_is_answered_alike(self, profile):
        assert (await self.take(profile, "eve")).unreadable_at_ms

    async def test_is_announced_to_nobody(self, room, profile, naming):
        await known(room, "ada")
        turn(room)
        await self.take(profile)
        room.clock.ms += 1_000
        await known(room, "ada")
        assert (await naming.replaced(BRAND, SHOP, 100, b""))[0] == []


class TestFindHandle:
    @pytest.mark.parametrize("asked", ["1", "1.zz", "9.0123", ""])
    async def test_what_is_no_handle_is_refused(self, profile, asked):
        with pytest.raises(RemoteError) as refused:
            await profile.FindHandle(contract.FindHandleRequest(brand=BRAND, audience=SHOP, handle=asked))
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "handle")

    async def test_denied_unknown_and_others_handles_look_alike(self, room, profile, naming):
        await known(room, "ada")
        await known(room, "ada", audience=WORLD)
        mine, theirs = await handle(room), await handle(room, audience=WORLD)
        await room.withdraw("ada", PERSONALISE)
        for asked in (mine, theirs, "1." + "0" * 32, "77." + "0" * 32):
            with pytest.raises(HandleGoneError):
                await naming.find(BRAND, SHOP, asked)
