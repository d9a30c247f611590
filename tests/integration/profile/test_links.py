import pytest

from kit.errors import UnavailableError
from services.profile.domain import COLLECT, Kind
from services.profile.repository import links
from services.profile.traits import encode
from services.profile.use_cases import read
from tests.integration.profile.door import eid, subject

PERSONALISE = "personalise.world"


def says_to_be(room, user, anonymous, **facts):
    return room.door.event(user, Kind.IDENTIFIED, item=None, topics=(), other=eid(anonymous), **facts)


async def seen(room, name):
    view = (await read.read_view(room.stores, subject(name), [PERSONALISE])).view
    return None if view is None else dict(view.kinds)


class TestIdentify:
    async def test_the_anonymous_facet_is_read_with_its_user_and_kept_apart(self, room):
        await room.grant("phone", COLLECT, PERSONALISE)
        await room.grant("ada", COLLECT, PERSONALISE)
        await room.fold(room.door.message(room.door.event("phone", Kind.BOUGHT), room.door.event("ada", Kind.SEEN)))
        await room.fold(room.door.message(says_to_be(room, "ada", "phone")))
        assert await seen(room, "ada") == await seen(room, "phone") == {"bought": 1, "seen": 1}
        assert set((await room.traits("phone")).kinds) == {Kind.BOUGHT}

    async def test_unlinking_leaves_no_residue(self, room):
        for name in ("phone", "ada"):
            await room.grant(name, COLLECT, PERSONALISE)
        await room.fold(room.door.message(room.door.event("phone", Kind.BOUGHT), room.door.event("ada", Kind.SEEN)))
        before = [await seen(room, name) for name in ("phone", "ada")]
        phone = encode(await room.traits("phone"))
        await room.fold(room.door.message(says_to_be(room, "ada", "phone")))
        phone_bound, ada_bound = await room.bound("phone"), await room.bound("ada")
        async with room.vault() as connection:
            await links.unlink(connection, phone_bound.persona, ada_bound.persona)
        assert [await seen(room, name) for name in ("phone", "ada")] == before
        assert encode(await room.traits("phone")) == phone
        assert await room.vault_rows("SELECT 1 FROM links UNION ALL SELECT 1 FROM faces") == []

    async def test_several_devices_of_one_user_are_one_persona(self, room):
        for name in ("phone", "laptop", "ada"):
            await room.grant(name, COLLECT, PERSONALISE)
        await room.fold(room.door.message(room.door.event("phone", Kind.BOUGHT), room.door.event("laptop", Kind.RATED)))
        await room.fold(room.door.message(says_to_be(room, "ada", "phone"), says_to_be(room, "ada", "laptop")))
        assert await seen(room, "laptop") == {"bought": 1, "rated": 1}

    async def test_another_user_on_the_same_device_gets_a_facet_of_their_own(self, room):
        for name in ("phone", "ada", "bob"):
            await room.grant(name, COLLECT, PERSONALISE)
        await room.fold(room.door.message(room.door.event("phone", Kind.BOUGHT)))
        await room.fold(room.door.message(says_to_be(room, "ada", "phone")))
        first = await room.bound("phone")
        await room.fold(room.door.message(says_to_be(room, "bob", "phone")))
        assert (await room.bound("phone")).persona != first.persona
        await room.fold(room.door.message(room.door.event("phone", Kind.RATED)))
        assert await room.books() == {"received": 4, "stored": 3, "suppressed": 1}
        await room.grant("phone", COLLECT, PERSONALISE)
        await room.fold(room.door.message(room.door.event("phone", Kind.RATED)))
        assert await seen(room, "ada") == {"bought": 1}
        assert await seen(room, "bob") == {"rated": 1}

    async def test_what_one_user_said_about_consent_is_not_taken_for_the_next(self, room):
        for name in ("ada", "bob"):
            await room.grant(name, COLLECT)
        agreeing = {"granted": (COLLECT,)}
        await room.fold(room.door.message(room.door.event("phone", **agreeing)))
        await room.fold(room.door.message(says_to_be(room, "ada", "phone"), says_to_be(room, "bob", "phone")))
        await room.fold(room.door.message(room.door.event("phone")))
        assert (await room.books())["suppressed"] == 1
        await room.fold(room.door.message(room.door.event("phone", **agreeing)))
        assert (await room.books())["stored"] == 4

    async def test_the_first_user_coming_back_finds_their_facet_again(self, room):
        for name in ("phone", "ada", "bob"):
            await room.grant(name, COLLECT, PERSONALISE)
        first = await room.bound("phone")
        for user in ("ada", "bob", "ada"):
            await room.fold(room.door.message(says_to_be(room, user, "phone")))
        assert (await room.bound("phone")).persona == first.persona
        assert len(await room.vault_rows("SELECT * FROM faces")) == 2

    async def test_an_id_that_agrees_later_is_linked_then(self, room):
        await room.grant("ada", COLLECT, PERSONALISE)
        await room.fold(room.door.message(says_to_be(room, "ada", "phone")))
        await room.grant("phone", COLLECT, PERSONALISE)
        await room.fold(room.door.message(room.door.event("phone", Kind.BOUGHT)))
        assert await seen(room, "ada") == {"bought": 1}

    async def test_a_user_without_consent_links_nothing(self, room):
        await room.grant("phone", COLLECT)
        await room.fold(room.door.message(says_to_be(room, "ada", "phone")))
        assert await room.vault_rows("SELECT * FROM faces") == []

    async def test_folding_again_after_a_crash_leads_to_the_same_end(self, room, monkeypatch):
        for name in ("phone", "ada", "bob"):
            await room.grant(name, COLLECT)
        message = room.door.message(
            says_to_be(room, "ada", "phone", at_ms=1_000), says_to_be(room, "bob", "phone", at_ms=2_000)
        )

        async def crash(*_):
            raise ConnectionResetError

        with monkeypatch.context() as patch:
            patch.setattr("services.profile.repository.books.close", crash)
            for _ in range(2):
                with pytest.raises(UnavailableError):
                    await room.fold(message)
        present = await room.bound("phone")
        await room.fold(message)
        assert (await room.bound("phone")).persona == present.persona
        assert len(await room.vault_rows("SELECT * FROM faces")) == 2
        assert len(await room.vault_rows("SELECT * FROM personas")) == 4


class TestConsentOverLinks:
    async def test_taking_back_as_the_user_takes_back_for_the_device(self, room, clock):
        for name in ("phone", "ada"):
            await room.grant(name, COLLECT, PERSONALISE)
        await room.fold(room.door.message(room.door.event("phone"), says_to_be(room, "ada", "phone")))
        clock.ms += 1
        await room.withdraw("ada", PERSONALISE)
        assert await seen(room, "ada") is None
        assert await seen(room, "phone") is None

    async def test_a_device_that_refused_is_left_out(self, room, clock):
        for name in ("phone", "ada"):
            await room.grant(name, COLLECT, PERSONALISE)
        await room.fold(room.door.message(room.door.event("phone", Kind.BOUGHT), room.door.event("ada", Kind.SEEN)))
        clock.ms += 1
        await room.withdraw("phone", PERSONALISE)
        await room.fold(room.door.message(says_to_be(room, "ada", "phone")))
        assert await seen(room, "ada") == {"seen": 1}

    async def test_a_device_that_was_never_asked_follows_its_user(self, room):
        await room.grant("phone", COLLECT)
        await room.grant("ada", COLLECT, PERSONALISE)
        await room.fold(room.door.message(room.door.event("phone", Kind.BOUGHT), says_to_be(room, "ada", "phone")))
        assert await seen(room, "ada") == {"bought": 1}
        assert await seen(room, "phone") is None
