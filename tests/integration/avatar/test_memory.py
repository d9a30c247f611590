import asyncio

import pytest
from sqlalchemy import select

from kit.errors import TypedError
from services.avatar import convert
from services.avatar.repository import read_encounter
from services.avatar.tables import memories, receipts
from services.avatar.use_cases import sweep


async def rows(street, table):
    async with street.database.reading() as connection:
        return (await connection.execute(select(table))).all()


class TestMemory:
    async def test_what_was_asked_tried_and_dismissed_is_there_next_time(self, shop, ada):
        assert not (await ada.open()).HasField("memory")
        await ada.observe("tried", "lamp")
        await ada.observe("asked", "chair")
        await ada.ask("price", "long table")
        await ada.observe("removed", "sofa")
        await ada.close()
        shop.clock.pass_s(86_400)
        memory = (await shop.visit(ada.visit.subject).open()).memory
        assert (list(memory.tried), list(memory.asked), list(memory.dismissed)) == (
            ["lamp"],
            ["table", "chair"],
            ["sofa"],
        )
        assert memory.last_met_at_ms == shop.clock.ms - 86_400_000

    async def test_it_is_of_this_world_alone(self, shop, ada):
        await ada.open()
        await ada.observe("tried", "lamp")
        elsewhere = shop.visitor("elsewhere")
        elsewhere.eid = ada.visit.subject.eid
        shop.profile.personas["world:elsewhere", elsewhere.eid] = shop.profile.personas[
            ada.visit.subject.audience, elsewhere.eid
        ]
        shop.profile.give(elsewhere, "remember.conversation")
        assert not (await shop.visit(elsewhere).open()).HasField("memory")

    async def test_without_consent_nothing_is_kept(self, shop, ada):
        shop.profile.take(ada.visit.subject, "remember.conversation")
        await ada.open()
        await ada.observe("tried", "lamp")
        await ada.close()
        assert await rows(shop, memories) == []

    async def test_after_a_withdrawal_it_is_not_read_and_not_written_and_a_later_grant_shows_what_was_there(
        self, shop, ada
    ):
        await ada.open()
        await ada.observe("tried", "lamp")
        shop.profile.take(ada.visit.subject, "remember.conversation")
        await ada.observe("tried", "chair")
        assert not (await shop.visit(ada.visit.subject).open()).HasField("memory")
        shop.profile.give(ada.visit.subject, "remember.conversation")
        assert list((await shop.visit(ada.visit.subject).open()).memory.tried) == ["lamp"]

    async def test_it_lies_sealed(self, shop, ada):
        await ada.open()
        await ada.observe("tried", "very-special-lamp")
        (row,) = await rows(shop, memories)
        assert b"lamp" not in row.body
        assert row.key_id

    async def test_what_a_lost_key_sealed_is_as_if_it_were_not(self, shop, ada):
        await ada.open()
        await ada.observe("tried", "lamp")
        who = (ada.visit.subject.audience, ada.visit.subject.eid)
        shop.profile.personas[who] = (shop.profile.personas[who][0], bytes(32))
        again = shop.visit(ada.visit.subject)
        assert not (await again.open()).HasField("memory")
        await again.observe("tried", "chair")
        assert list((await shop.visit(ada.visit.subject).open()).memory.tried) == ["chair"]


class TestForget:
    async def test_nothing_is_left_and_a_receipt_says_so(self, shop, ada):
        await ada.open()
        await ada.observe("tried", "lamp")
        await ada.ask(frame_id="f1")
        forgotten = await ada.forget(frame_id="f2")
        assert forgotten.was_known
        assert len(forgotten.receipt) == 32
        assert await rows(shop, memories) == []
        (receipt,) = await rows(shop, receipts)
        assert (receipt.receipt, receipt.was_known) == (forgotten.receipt, True)
        assert not (await shop.visit(ada.visit.subject).open()).HasField("memory")
        assert (await ada.ask(frame_id="f1")).action.why == ["I have forgotten this, as you asked."]

    async def test_a_repeat_gives_the_same_receipt(self, ada):
        await ada.open()
        first, again = [await ada.forget(frame_id="f1") for _ in range(2)]
        assert (again.is_repeat, again.receipt, again.was_known) == (True, first.receipt, first.was_known)

    async def test_who_was_not_known_is_told_so(self, shop):
        visiting = shop.visit(shop.visitor())
        await visiting.open()
        assert not (await visiting.forget()).was_known

    async def test_it_forgets_what_consent_no_longer_lets_it_read(self, shop, ada):
        await ada.open()
        await ada.observe("tried", "lamp")
        await ada.consent(take=["*"])
        await ada.forget()
        assert await rows(shop, memories) == []

    async def test_who_said_just_looking_is_still_left_alone(self, shop, ada):
        opened = await ada.open()
        await ada.act(opened.next.ref, "stopped")
        await ada.forget()
        shop.clock.pass_s(1000)
        assert list((await ada.observe("seen")).grants) == []


class TestConcurrency:
    async def test_no_dismissal_is_lost(self, shop, ada):
        await ada.open()
        refs = [f"item{number}" for number in range(20)]
        await asyncio.gather(*(ada.observe("dismissed", ref, frame_id=ref) for ref in refs))
        visit = convert.visit(ada.visit, shop.clock.ms)
        async with shop.database.reading() as connection:
            kept = await read_encounter(connection, visit, locked=False)
        assert set(kept.encounter.dismissed) == set(refs)
        assert kept.encounter.manners.dismissals == 20

    async def test_the_same_frame_sent_often_at_once_counts_once(self, shop, ada):
        await ada.open()
        noted = await asyncio.gather(*(ada.observe("dismissed", "lamp", frame_id="f1") for _ in range(10)))
        assert sorted(each.is_repeat for each in noted) == [False] + [True] * 9

    async def test_leave_is_used_once(self, shop, ada):
        await ada.open()
        shop.clock.pass_s(30)
        await ada.observe("seen")
        answers = await asyncio.gather(*(ada.ask(frame_id=f"f{each}", unasked=True) for each in range(8)))
        assert sorted(answer.action.act for answer in answers) == ["show"] + ["wait"] * 7

    async def test_two_visits_of_one_visitor_remember_both(self, shop, ada):
        second = shop.visit(ada.visit.subject)
        await asyncio.gather(ada.open(), second.open())
        tried = {f"{name}{each}": visiting for name, visiting in (("a", ada), ("b", second)) for each in range(4)}
        await asyncio.gather(*(visiting.observe("tried", ref) for ref, visiting in tried.items()))
        memory = (await shop.visit(ada.visit.subject).open()).memory
        assert set(memory.tried) == set(tried)


class TestConsent:
    async def test_given_and_taken_from_inside_the_world(self, shop):
        visiting = shop.visit(shop.visitor())
        await visiting.open()
        changed = await visiting.consent(give=["personalise.world", "recommend.offer"])
        assert [(record.purpose, record.state) for record in changed.records] == [
            ("personalise.world", "given"),
            ("recommend.offer", "given"),
        ]
        assert (await visiting.ask()).action.act == "show"
        changed = await visiting.consent(take=["recommend.offer"])
        assert [record.state for record in changed.records] == ["withdrawn"]
        assert (await visiting.ask()).action.act == "none"

    async def test_what_the_consent_service_refuses_is_refused(self, ada):
        await ada.open()
        with pytest.raises(TypedError) as refused:
            await ada.consent(give=["world.domination"])
        assert refused.value.reason == "UNKNOWN_PURPOSE"


class TestSweep:
    async def test_what_ran_out_is_deleted_with_all_that_belongs_to_it(self, shop, ada):
        await ada.open()
        await ada.ask(frame_id="f1")
        async with shop.database.transaction() as connection:
            assert await sweep(connection, shop.clock.ms) == 0
        shop.clock.pass_s(41 * 60)
        async with shop.database.transaction() as connection:
            assert await sweep(connection, shop.clock.ms) == 1
        with pytest.raises(TypedError) as refused:
            await ada.ask()
        assert refused.value.reason == "VISIT_EXPIRED"
