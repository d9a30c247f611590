import asyncio

import pytest

from contracts.profile.v1 import profile_pb2 as contract
from kit.errors import RemoteError
from services.profile.domain import OFFER, Kind
from tests.integration.profile.door import SHOP, subject_message
from tests.integration.profile.rights import WORLD


class TestRemove:
    async def test_the_very_next_decision_does_not_offer_it(self, rights):
        await rights.grant()
        assert list((await rights.persona()).removed_items) == []
        await rights.remove(ref="tea")
        assert list((await rights.persona()).removed_items) == ["tea"]
        assert list((await rights.signals()).removed_items) == ["tea"]

    async def test_a_warm_read_does_not_outlive_it(self, rights):
        await rights.grant()
        for number in range(20):
            await rights.persona()
            await rights.remove(ref=f"tea-{number}")
            assert f"tea-{number}" in (await rights.persona()).removed_items

    async def test_removing_the_brand_denies_every_offer(self, rights):
        await rights.grant()
        await rights.remove("brand")
        answer = await rights.persona()
        assert [each.reason for each in answer.decisions if each.purpose == OFFER] == ["REMOVED"]
        assert (await rights.signals()).decision.is_allowed is False
        await rights.restore("brand")
        assert (await rights.signals()).decision.is_allowed is True

    async def test_gifts_go_by_their_topic(self, rights):
        await rights.grant()
        await rights.remove("gifts")
        assert list((await rights.signals()).removed_topics) == ["gift"]

    async def test_again_changes_nothing_not_even_the_time_to_undo(self, rights, clock):
        await rights.grant()
        first = await rights.remove()
        clock.ms += 9_000
        assert await rights.remove() == first
        await rights.restore()
        assert list((await rights.signals()).removed_items) == []

    async def test_it_is_too_late_after_ten_seconds_and_never_for_the_person(self, rights, clock):
        await rights.grant()
        await rights.remove()
        clock.ms += 10_001
        with pytest.raises(RemoteError) as late:
            await rights.restore()
        assert (late.value.reason, late.value.field) == ("UNDO_EXPIRED", "removal")
        await rights.restore(within_ms=0)
        assert list((await rights.signals()).removed_items) == []

    async def test_somebody_unknown_is_answered_like_anybody(self, rights, clock):
        assert await rights.remove(name="nobody") <= clock.ms
        await rights.grant()
        for name in ("nobody", "ada"):
            with pytest.raises(RemoteError) as refused:
                await rights.restore(name=name)
            assert refused.value.reason == "REMOVAL_UNKNOWN"

    async def test_it_holds_wherever_the_persona_is_linked_and_is_undone_there(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        await rights.remove(ref="tea")
        assert list((await rights.signals("visitor", WORLD)).removed_items) == ["tea"]
        await rights.restore(ref="tea")
        assert list((await rights.signals("visitor", WORLD)).removed_items) == []

    async def test_what_the_world_removed_is_taken_back_in_the_shop(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.remove(ref="tea", name="visitor", audience=WORLD)
        assert list((await rights.persona()).removed_items) == []
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        assert list((await rights.persona()).removed_items) == ["tea"]
        await rights.restore(ref="tea")
        assert list((await rights.signals("visitor", WORLD)).removed_items) == []

    async def test_it_holds_no_further_than_the_link(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        await rights.remove(ref="tea")
        await rights.unlink("visitor", WORLD)
        assert list((await rights.signals("visitor", WORLD)).removed_items) == []
        assert list((await rights.signals()).removed_items) == ["tea"]

    async def test_no_door_keeps_what_was_read_before_it(self, rights):
        await rights.grant()
        before = await rights.vouched()
        await rights.remove()
        # A copy is dropped when a later change of its persona is applied: that of the removal.
        assert (await rights.vouched()).read_at > before.read_at

    async def test_no_read_that_begins_after_the_acknowledgement_lacks_it_wherever_it_is_linked(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        removed: list[str] = []

        async def lacking(name, audience):
            while len(removed) < 10:
                due = set(removed)
                if not due <= set((await rights.signals(name, audience)).removed_items):
                    return due
            return None

        async def remove():
            for number in range(10):
                name, audience = (("ada", SHOP), ("visitor", WORLD))[number % 2]
                await rights.remove(ref=f"tea-{number}", name=name, audience=audience)
                removed.append(f"tea-{number}")

        readers = (lacking("ada", SHOP), lacking("visitor", WORLD))
        assert (await asyncio.gather(*readers, remove()))[:2] == [None, None]

    async def test_what_it_rested_on_goes_with_it_and_comes_back_exactly(self, rights):
        await rights.grant()
        await rights.did(*(rights.event(kind=Kind.BOUGHT, item=f"tea-{each}") for each in range(4)))
        before = await rights.persona()
        assert list(before.likes) == ["drinks"]
        await rights.remove(ref="cup", grounds=["drinks", "tea-1"])
        after = await rights.persona()
        assert list(after.likes) == []
        assert [each.weight for each in after.signals if each.item == "tea-1"] == [0.0]
        assert list((await rights.view()).likes) == []
        shown = await rights.see()
        assert [each["is_objected"] for each in shown["inferred"] if each["value"] == "drinks"] == [True]
        assert [each["grounds"] for each in shown["removed"]] == [["drinks", "tea-1"]]
        await rights.restore(ref="cup")
        restored = await rights.persona()
        assert (list(restored.likes), list(restored.signals)) == (list(before.likes), list(before.signals))

    async def test_what_it_rested_on_is_gone_in_linked_worlds_too(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.did(*(rights.event(kind=Kind.BOUGHT, item=f"tea-{each}") for each in range(4)))
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        assert list((await rights.signals("visitor", WORLD)).likes) == ["drinks"]
        await rights.remove(ref="cup", name="visitor", audience=WORLD, grounds=["drinks"])
        assert list((await rights.signals("visitor", WORLD)).likes) == []
        assert list((await rights.signals()).likes) == []

    @pytest.mark.parametrize(("what", "grounds"), [("offer", ["x"] * 4), ("offer", [""]), ("brand", ["x"])])
    async def test_grounds_that_are_none_are_refused_by_name(self, rights, what, grounds):
        await rights.grant()
        with pytest.raises(RemoteError) as refused:
            await rights.remove(what, grounds=grounds)
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "removal.grounds")

    async def test_five_hundred_are_kept_and_the_next_is_refused_by_name(self, rights, monkeypatch):
        monkeypatch.setattr("services.profile.choices.MOST_REMOVALS", 2)
        await rights.grant()
        await rights.remove(ref="a")
        await rights.remove(ref="b")
        with pytest.raises(RemoteError) as refused:
            await rights.remove(ref="c")
        assert (refused.value.reason, refused.value.limit) == ("REMOVALS_FULL", "2")
        await rights.remove(ref="a")

    @pytest.mark.parametrize(("what", "ref"), [("offer", ""), ("offer", "a b"), ("brand", "x"), ("all", "")])
    async def test_what_cannot_be_removed_is_refused_by_name(self, rights, what, ref):
        removal = contract.Removal(what=what, ref=ref)
        request = contract.RemoveRequest(subject=subject_message("ada"), removal=removal, statement=rights.said())
        with pytest.raises(RemoteError) as refused:
            await rights.profile.Remove(request)
        assert refused.value.reason == "INVALID_ARGUMENT"
        assert refused.value.field.startswith("removal.")

    async def test_nothing_of_it_is_readable_in_the_vault(self, rights, room):
        await rights.grant()
        await rights.remove(ref="peculiar-tea")
        [(body,)] = await room.vault_rows("SELECT choices FROM personas")
        assert body
        assert b"peculiar" not in body
