"""Turning the edge key: the first contact under the new version finds the persona, whoever else is at it."""

import asyncio
import hashlib
import os
import random

import pytest

from services.profile.domain import COLLECT, Kind, Statement, Subject
from services.profile.domain.errors import ErasedSinceError
from services.profile.erasing import Eraser, Pace
from services.profile.graces import EDGE, Grace, Graces
from services.profile.repository import facets
from services.profile.use_cases import consents, read
from tests.integration.profile.door import BRAND, SHOP

PERSONALISE = "personalise.world"
DAY_MS = 86_400_000


def eid(name, version):
    return hashlib.sha256(f"{name}|{version}".encode()).digest()[:16]


def under(name, version, *older):
    """A visitor as a door calls them that holds these versions of the edge key."""
    return Subject(BRAND, SHOP, eid(name, version), version, tuple((each, eid(name, each)) for each in older))


def event(room, name, version, *older, **facts):
    subject = under(name, version, *older)
    return room.door.event(eid=subject.eid, version=version, former=subject.former, **facts)


async def grant(room, subject, *purposes):
    told = Statement(room.clock(), "rest")
    return await consents.grant(room.stores, subject, purposes or (COLLECT, PERSONALISE), told)


async def pids(room):
    return {bytes(pid) for (pid,) in await room.vault_rows("SELECT pid FROM personas")}


async def bound_pids(room):
    return [bytes(pid) for (pid,) in await room.vault_rows("SELECT pid FROM bindings")]


@pytest.fixture
def eraser(stores):
    async def delete(erasure):
        await facets.erase(stores.profile, erasure.brand, erasure.personas)

    return Eraser(stores, {"facets": delete}, Pace(settled_ms=1_000, first_pause_ms=10))


class TestFirstContact:
    async def test_a_read_finds_the_persona_and_its_handle_stays(self, room):
        await grant(room, under("ada", 1))
        before = await read.read_view(room.stores, under("ada", 1), [PERSONALISE])
        after = await read.read_view(room.stores, under("ada", 2, 1), [PERSONALISE])
        assert after.view is not None
        assert after.handle == before.handle

    async def test_an_event_finds_the_facet(self, room):
        await grant(room, under("ada", 1))
        await room.fold(room.door.message(event(room, "ada", 1)))
        await room.fold(room.door.message(event(room, "ada", 2, 1, kind=Kind.BOUGHT)))
        bound = await consents.find(room.stores, under("ada", 2))
        assert {kind: tally.count for kind, tally in (await room.traits_of(bound)).kinds.items()} == {
            Kind.SEEN: 1,
            Kind.BOUGHT: 1,
        }
        assert await room.books() == {"received": 2, "stored": 2}

    @pytest.mark.parametrize("heard", [(False, True), (True, False), (True, True)])
    async def test_an_event_sent_again_across_the_turn_counts_once(self, room, heard):
        """Whichever of two doors has heard of the turn, and whichever is asked first."""
        await grant(room, under("ada", 1))
        old, new = os.urandom(16), os.urandom(16)
        for has_heard in heard:
            told = (2, 1) if has_heard else (1,)
            ids = {"mid": new, "former_mids": (old,)} if has_heard else {"mid": old}
            await room.fold(room.door.message(event(room, "ada", *told, **ids)))
        assert await room.books() == {"received": 2, "stored": 1, "duplicate": 1}

    async def test_a_door_that_has_not_heard_of_it_yet_finds_the_same(self, room):
        await grant(room, under("ada", 2, 1))
        await grant(room, under("ada", 1))
        assert len(await pids(room)) == 1
        assert len(set(await bound_pids(room))) == 1

    async def test_nobody_is_made_by_looking(self, room):
        assert (await read.read_view(room.stores, under("eve", 2, 1), [PERSONALISE])).view is None
        assert await bound_pids(room) == []

    async def test_an_id_of_three_versions_ago_is_found(self, room):
        await grant(room, under("ada", 1))
        assert (await read.read_view(room.stores, under("ada", 4, 3, 2, 1), [PERSONALISE])).view is not None

    async def test_who_stood_behind_a_device_still_does(self, room):
        for name in ("phone", "ada", "bob"):
            await grant(room, under(name, 1))
        said = {"kind": Kind.IDENTIFIED, "item": None, "topics": ()}
        await room.fold(room.door.message(event(room, "ada", 1, other=eid("phone", 1), **said)))
        first = await consents.find(room.stores, under("phone", 1))
        turned = {"other": eid("phone", 2), "other_former": ((1, eid("phone", 1)),), **said}
        await room.fold(room.door.message(event(room, "ada", 2, 1, **turned)))
        assert (await consents.find(room.stores, under("phone", 2))).persona == first.persona
        await room.fold(room.door.message(event(room, "bob", 2, 1, **turned)))
        assert (await consents.find(room.stores, under("phone", 2))).persona != first.persona
        await room.fold(room.door.message(event(room, "ada", 2, 1, **turned)))
        assert (await consents.find(room.stores, under("phone", 2))).persona == first.persona


class TestRaces:
    @pytest.mark.parametrize("seed", range(6))
    async def test_first_contacts_at_once_leave_one_binding_each_and_one_persona(self, room, seed):
        chance = random.Random(seed)
        if chance.random() < 0.5:
            await grant(room, under("ada", 1))
        contacts = [
            lambda: grant(room, under("ada", 1)),
            lambda: grant(room, under("ada", 2, 1)),
            lambda: grant(room, under("ada", 3, 2, 1)),
            lambda: consents.find(room.stores, under("ada", 2, 1)),
            lambda: consents.find(room.stores, under("ada", 3, 2, 1)),
        ]
        await asyncio.gather(*(chance.choice(contacts)() for _ in range(8)))
        await grant(room, under("ada", 3, 2, 1))
        assert len(await pids(room)) == 1
        assert set(await bound_pids(room)) == await pids(room)
        assert len(await bound_pids(room)) <= 3

    @pytest.mark.parametrize("seed", range(4))
    async def test_a_first_contact_never_outlives_erasing(self, room, eraser, seed):
        await grant(room, under("ada", 1))
        chance = random.Random(seed)
        contacts = [eraser.erase(under("ada", 1), "rest")]
        contacts += [
            consents.find(room.stores, under("ada", version, *range(version - 1, 0, -1))) for version in (2, 3)
        ]
        chance.shuffle(contacts)
        await asyncio.gather(*contacts)
        assert await pids(room) == set()
        assert await bound_pids(room) == []

    async def test_an_erased_id_is_not_brought_back_under_another_version(self, room, eraser):
        await grant(room, under("ada", 1))
        before = room.clock.ms
        room.clock.ms += 10
        await eraser.erase(under("ada", 1), "rest")
        with pytest.raises(ErasedSinceError):
            await consents.grant(room.stores, under("ada", 2, 1), [COLLECT], Statement(before, "rest"))


class TestGraces:
    async def test_old_ids_and_their_key_go_and_whoever_came_stays(self, room, eraser):
        ring = room.stores.keyring
        ring.ensure(EDGE)
        await grant(room, under("ada", 1))
        await grant(room, under("bob", 1))
        await grant(room, under("phone", 1))
        said = {"kind": Kind.IDENTIFIED, "item": None, "topics": ()}
        await room.fold(room.door.message(event(room, "ada", 1, other=eid("phone", 1), **said)))
        ring.create(EDGE)
        assert await consents.find(room.stores, under("ada", 2, 1)) is not None
        graces = Graces(room.stores, Grace(edge_ms=10 * DAY_MS, pair_ms=10 * DAY_MS))
        await graces.round()
        assert ring.versions(EDGE) == ["1", "2"]
        room.clock.ms += 11 * DAY_MS
        await graces.round()
        assert ring.versions(EDGE) == ["2"]
        assert ring.retired(EDGE) == []
        assert await consents.find(room.stores, under("ada", 2)) is not None
        assert await consents.find(room.stores, under("bob", 1)) is None
        assert await room.vault_rows("SELECT 1 FROM faces") == []
        # Bob can be named by nobody any more, so he is erased; the phone is one with Ada, who is here.
        await eraser.round()
        assert len(await pids(room)) == 2
        await graces.round()
        assert len(await room.vault_rows("SELECT 1 FROM erasures")) == 1

    async def test_whoever_comes_after_the_grace_is_somebody_new(self, room, eraser):
        ring = room.stores.keyring
        ring.ensure(EDGE)
        await grant(room, under("ada", 1))
        before = await pids(room)
        ring.create(EDGE)
        ring.retire(EDGE, "1")
        await Graces(room.stores, Grace(edge_ms=10 * DAY_MS, pair_ms=10 * DAY_MS)).round()
        await eraser.round()
        await grant(room, under("ada", 2))
        assert (await pids(room)).isdisjoint(before)
