"""Erasing: unreadable at once, told to every projection, complete with new shard keys; and nothing brings it back."""

import os

import pytest

from contracts.interaction.v1.payload import Remains
from kit.errors import UnavailableError
from kit.keyring import KeyMissingError
from kit.sealing import UnsealableError, unwrap
from kit.signatures import RECEIPTS, Signer, verify
from services.profile import erasing, sealed
from services.profile.domain import COLLECT, OFFER, RESEARCH, Kind
from services.profile.domain.errors import ErasedSinceError
from services.profile.erasing import Eraser, Pace, take_back
from services.profile.offered import Offered
from services.profile.repository import erasures, facets
from services.profile.use_cases import erase, rewrap
from services.profile.use_cases.benefit import Given, note
from services.profile.use_cases.read import read_view
from tests.integration.profile.door import BRAND, SHOP, eid, rejected, subject

VIEW = "personalise.world"


class Projections(dict):
    """Facets for real; the others note who was told, and may be dead."""

    def __init__(self, stores):
        self.told = {"recommendation": [], "avatar": []}
        self.dead = set()
        self.taught = []
        super().__init__(
            facets=lambda erasure: facets.erase(stores.profile, erasure.brand, erasure.personas),
            recommendation=lambda erasure: self._tell("recommendation", erasure),
            avatar=lambda erasure: self._tell("avatar", erasure),
        )
        self._stores = stores

    async def _tell(self, name, erasure):
        if name in self.dead:
            raise UnavailableError("dead")
        self.told[name].append(erasure)
        if name == "recommendation":
            await take_back(self._stores, erasure, self._unlearn)

    async def _unlearn(self, brand, batch_id, lessons):
        self.taught.append((brand, batch_id, lessons))


@pytest.fixture
def projections(stores):
    return Projections(stores)


@pytest.fixture
def eraser(stores, projections):
    return Eraser(stores, projections, Pace(settled_ms=1_000, first_pause_ms=10))


@pytest.fixture
async def ada(room):
    await room.grant("ada", COLLECT, VIEW, RESEARCH)
    await room.grant("bert", COLLECT, VIEW)
    late = room.door.event("ada", Kind.SEEN, item="cup")
    await room.fold(
        room.door.message(room.door.event("ada", Kind.BOUGHT), room.door.event("bert", Kind.BOUGHT)),
        room.door.message(late),
    )
    return late


async def finish(eraser, clock, rounds=8):
    """Let it work until nothing is due any more."""
    keys = eraser._stores.keyring
    for _ in range(rounds):
        while await eraser.round():
            pass
        clock.ms += 1_001
        # As housekeeping does once all is read.
        for version in keys.versions("epoch"):
            keys.destroy("epoch", version)


async def wrapped(room):
    rows = await room.vault_rows("SELECT pid, shard, wrapped, wrapped_by FROM personas")
    return {pid: facts for pid, *facts in rows}


def opens(keyring, body):
    """Whether any key that is left in the ring opens a wrapped data key."""
    for shard in range(64):
        for version in keyring.versions(f"shard-{shard:02d}"):
            try:
                return bool(unwrap(keyring.get(f"shard-{shard:02d}", version), body))
            except UnsealableError:
                continue
    return False


class TestErase:
    async def test_is_unreadable_at_once_and_complete_in_the_end(self, room, eraser, ada, stores, clock):
        gone, stays = await room.bound("ada"), await room.bound("bert")
        shown = [
            Given(subject(name), OFFER, "offer_shown", 1, clock(), "", Offered(0, "cup")) for name in ("ada", "bert")
        ]
        await note(stores, BRAND, shown)
        told = await eraser.erase(subject("ada"), "rest")
        assert told.unbound_at_ms
        view = await read_view(stores, subject("ada"), [VIEW])
        assert view.view is None
        assert view.decisions[0].reason == "NEVER_ASKED"
        assert (await stores.decisions.check(gone.persona, SHOP, [VIEW]))[0].reason == "ERASED"
        await finish(eraser, clock)
        done = await eraser.read(told.erasure_id)
        assert done.complete_at_ms
        assert not done.missing
        assert not done.personas
        assert set(done.signed) == {"facets", "recommendation", "avatar", "keys", "stream"}
        for table in ("facets", "interaction_blocks", "offers"):
            assert [pid for (pid,) in await room.rows(f"SELECT DISTINCT pid FROM {table}")] == [stays.persona.pid]
        assert (await read_view(stores, subject("bert"), [VIEW])).view is not None

    async def test_the_receipt_is_signed_and_names_nobody(self, room, eraser, ada, keyring, clock):
        gone = await room.bound("ada")
        told = await eraser.erase(subject("ada"), "rest")
        await finish(eraser, clock)
        receipt = (await eraser.read(told.erasure_id)).receipt
        claims = verify(receipt, Signer(keyring, RECEIPTS, erasing.RECEIPT).public_keys(), erasing.RECEIPT)
        assert claims["erasure"] == told.erasure_id
        assert claims["complete_at_ms"] >= claims["unreadable_at_ms"] >= claims["asked_at_ms"]
        assert gone.persona.pid.hex() not in str(claims)
        assert eid("ada").hex() not in str(claims)

    async def test_copies_of_before_do_not_decrypt_and_those_of_survivors_do(self, room, eraser, ada, keyring, clock):
        pid = {name: (await room.bound(name)).persona.pid for name in ("ada", "bert")}
        copied = await wrapped(room)
        assert all(opens(keyring, body) for _, body, _ in copied.values())
        await eraser.erase(subject("ada"), "rest")
        await finish(eraser, clock)
        assert not opens(keyring, copied[pid["ada"]][1])
        present = await wrapped(room)
        assert pid["ada"] not in present
        assert opens(keyring, present[pid["bert"]][1])
        assert await room.traits("bert")

    async def test_survivors_of_the_shard_are_wrapped_anew(self, room, eraser, stores, keyring, clock):
        # Names whose ids fall into one shard.
        shard = eid("ada")[0] % 64
        same = next(name for name in map(str, range(10_000)) if eid(name)[0] % 64 == shard)
        for name in ("ada", same):
            await room.grant(name)
            await room.fold(room.door.message(room.door.event(name)))
        before = await wrapped(room)
        await eraser.erase(subject("ada"), "rest")
        await finish(eraser, clock)
        (after,) = (await wrapped(room)).values()
        assert after[2] != before[(await room.bound(same)).persona.pid][2]
        assert len(keyring.versions(f"shard-{shard:02d}")) == 1
        assert await room.traits(same)

    async def test_all_that_is_linked_goes_with_it(self, room, eraser, clock):
        await room.grant("ada")
        await room.grant("device")
        said = room.door.event("ada", Kind.IDENTIFIED, item=None, topics=(), other=eid("device"))
        await room.fold(room.door.message(said, room.door.event("device")))
        await eraser.erase(subject("device"), "rest")
        await finish(eraser, clock)
        assert await room.bound("ada") is None
        for table in ("personas", "bindings", "links", "faces"):
            assert not await room.vault_rows(f"SELECT 1 FROM {table}")
        assert not await room.rows("SELECT 1 FROM facets")

    async def test_what_was_set_aside_loses_its_persona(self, room, eraser, ada, clock):
        event = rejected()
        left = Remains(eid("ada"), clock(), "web", os.urandom(16), {"product": "tea"}, (), {})
        event = type(event)(event.source, event.mid, event.reason, event.field, left)
        await room.fold(room.door.message(rejected=[event]))
        assert await room.rows("SELECT 1 FROM quarantine WHERE pid <> '' AND remains <> ''")
        await eraser.erase(subject("ada"), "rest")
        await finish(eraser, clock)
        assert await room.rows("SELECT 1 FROM quarantine WHERE pid = '' AND remains = ''")
        assert (await room.books())["quarantined"] == 1

    async def test_somebody_nobody_knows_is_answered_the_same_way(self, eraser, clock):
        told = await eraser.erase(subject("nobody"), "rest")
        await finish(eraser, clock)
        done = await eraser.read(told.erasure_id)
        assert done.receipt
        assert set(done.signed) == {"facets", "recommendation", "avatar", "keys", "stream"}

    async def test_lessons_are_handed_back_once_and_then_unreadable(
        self, room, eraser, ada, projections, keyring, clock
    ):
        told = await eraser.erase(subject("ada"), "rest")
        owed = await eraser.read(told.erasure_id)
        assert b"tea" not in owed.owed
        await finish(eraser, clock)
        assert len({batch_id for _, batch_id, _ in projections.taught}) == 1
        assert b"tea" in projections.taught[0][2]
        assert b"cup" in projections.taught[0][2]
        with pytest.raises(KeyMissingError):
            keyring.get("erasure", owed.owed_key)
        assert not (await eraser.read(told.erasure_id)).owed

    async def test_whom_models_did_not_learn_from_owes_nothing(self, room, eraser, ada, projections, clock):
        await eraser.erase(subject("bert"), "rest")
        await finish(eraser, clock)
        assert not projections.taught


class TestStream:
    async def test_waits_for_the_keys_of_what_it_did_last(self, room, eraser, ada, clock, keyring):
        clock.ms += 60_000
        told = await eraser.erase(subject("ada"), "rest")
        for _ in range(5):
            while await eraser.round():
                pass
            clock.ms += 1_001
        waiting = await eraser.read(told.erasure_id)
        assert waiting.missing == {"stream": "KEYS_IN_USE"}
        assert "keys" in waiting.signed
        assert not waiting.complete_at_ms
        await finish(eraser, clock)
        assert (await eraser.read(told.erasure_id)).complete_at_ms


class TestDeadProjection:
    async def test_is_named_and_asked_again_until_it_has_signed(self, eraser, ada, projections, clock):
        projections.dead.add("avatar")
        told = await eraser.erase(subject("ada"), "rest")
        await finish(eraser, clock, rounds=3)
        waiting = await eraser.read(told.erasure_id)
        assert waiting.missing == {"avatar": "UNAVAILABLE"}
        assert "facets" in waiting.signed
        assert not waiting.complete_at_ms
        projections.dead.clear()
        await finish(eraser, clock, rounds=40)
        assert (await eraser.read(told.erasure_id)).complete_at_ms


class TestCrash:
    @pytest.mark.parametrize(
        ("where", "name"),
        [
            (erase.circles, "circle"),
            (erase.gone, "mark"),
            (erase.erasures, "unbound"),
            (erasures, "sign"),
            (rewrap.wrappings, "brands"),
            (erasures, "rewrapped"),
            (sealed, "destroy_shard_keys"),
            (erasures, "complete"),
        ],
    )
    async def test_another_worker_ends_what_one_began(
        self, monkeypatch, room, eraser, ada, stores, projections, clock, where, name
    ):
        monkeypatch.setattr(where, name, _dies)
        with pytest.raises(_Death):
            await eraser.erase(subject("ada"), "rest")
            await finish(eraser, clock)
        monkeypatch.undo()
        clock.ms += 60_000
        other = Eraser(stores, projections, Pace(settled_ms=1_000, first_pause_ms=10))
        await finish(other, clock)
        ((complete_at_ms, receipt),) = await room.vault_rows("SELECT complete_at_ms, receipt FROM erasures")
        assert complete_at_ms
        assert receipt
        assert await room.bound("ada") is None
        assert await room.traits("bert")
        assert len(await room.rows("SELECT 1 FROM facets")) == 1


class _Death(BaseException):
    """Ends a worker wherever it is."""


async def _death(*_, **__):
    raise _Death


def _dies(*_, **__):
    raise _Death


class TestComingBack:
    async def test_a_late_event_is_suppressed(self, room, eraser, ada, clock):
        told = room.door.event("ada", Kind.SEEN, at_ms=clock() - 10)
        await eraser.erase(subject("ada"), "rest")
        await room.fold(room.door.message(told))
        assert await room.bound("ada") is None
        assert (await room.books())["suppressed"] == 1

    async def test_an_event_of_before_does_not_bring_consent_back_with_it(self, room, eraser, ada, clock):
        late = room.door.event("ada", Kind.SEEN, granted=(COLLECT,), at_ms=clock() - 10)
        await eraser.erase(subject("ada"), "rest")
        await room.fold(room.door.message(late))
        assert await room.bound("ada") is None
        assert (await room.books())["suppressed"] == 1

    async def test_a_grant_of_before_is_refused(self, room, eraser, ada, clock):
        await eraser.erase(subject("ada"), "rest")
        clock.ms -= 10
        with pytest.raises(ErasedSinceError):
            await room.grant("ada")

    async def test_a_grant_of_later_makes_a_new_persona(self, room, eraser, ada, stores, clock):
        before = await room.bound("ada")
        await eraser.erase(subject("ada"), "rest")
        await finish(eraser, clock)
        await room.grant("ada", COLLECT, VIEW)
        after = await room.bound("ada")
        assert after.persona.pid != before.persona.pid
        assert (await read_view(stores, subject("ada"), [VIEW])).view.likes == ()
        assert after.persona.brand == BRAND
