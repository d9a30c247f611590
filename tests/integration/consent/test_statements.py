import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kit.migrate import check
from services.consent.chain import first_break, genesis
from services.consent.domain import VALIDITY_MS, Holder, Intent, Reason, State, Statement
from services.consent.repository import histories
from services.consent.tables import current, heads, records
from services.consent.use_cases import check as checking
from services.consent.use_cases import state as stating

HOLDER = Holder("oak", 7, b"p" * 16, "app:shop")
OFFER, WORLD = "recommend.offer", "personalise.world"


async def state(database, around, intent, *purposes, at=0, holder=HOLDER, method="rest"):
    statement = Statement(holder, intent, purposes, at, method, "2026-01", "de")
    async with database.transaction() as connection:
        return (await stating.state(connection, around, statement)).consents


async def grant(database, around, *purposes, **rest):
    return await state(database, around, Intent.GRANT, *purposes, **rest)


async def withdraw(database, around, *purposes, **rest):
    return await state(database, around, Intent.WITHDRAW, *purposes, **rest)


async def ask(database, around, *purposes, holder=HOLDER):
    return await checking.check(database, around, holder, purposes)


async def chain(database, shard=7):
    async with database.reading() as connection:
        return await histories.read_chain(connection, "oak", shard)


class TestGrant:
    async def test_what_was_granted_is_allowed(self, consent_database, around, clock):
        [record] = await grant(consent_database, around, OFFER)
        [decision] = await ask(consent_database, around, OFFER)
        assert (record.state, record.sequence, record.expires_at_ms) == (State.GIVEN, 1, clock.ms + VALIDITY_MS)
        assert (decision.is_allowed, decision.reason) == (True, Reason.GRANTED)
        assert (decision.sequence, decision.record_id) == (1, record.record_id)

    async def test_the_same_grant_twice_is_recorded_once(self, consent_database, around, clock):
        first = await grant(consent_database, around, OFFER, at=clock.ms)
        again = await grant(consent_database, around, OFFER, at=clock.ms)
        assert again == first
        assert len(await chain(consent_database)) == 1

    async def test_a_later_grant_renews(self, consent_database, around, clock):
        await grant(consent_database, around, OFFER)
        clock.ms += 1000
        [renewed] = await grant(consent_database, around, OFFER)
        assert (renewed.state, renewed.sequence) == (State.RENEWED, 2)

    async def test_answers_one_record_per_purpose_in_the_order_asked(self, consent_database, around):
        consents = await grant(consent_database, around, WORLD, OFFER, WORLD)
        assert [each.purpose for each in consents] == [WORLD, OFFER, WORLD]
        assert len(await chain(consent_database)) == 2

    async def test_another_audience_is_not_covered(self, consent_database, around):
        await grant(consent_database, around, OFFER)
        [decision] = await ask(consent_database, around, OFFER, holder=Holder("oak", 7, b"p" * 16, "world:oak-street"))
        assert (decision.is_allowed, decision.reason, decision.record_id) == (False, Reason.NEVER_ASKED, "")

    async def test_a_queued_grant_older_than_a_withdrawal_stays_without_effect(self, consent_database, around, clock):
        await withdraw(consent_database, around, OFFER, at=clock.ms)
        [in_force] = await grant(consent_database, around, OFFER, at=clock.ms - 5000)
        assert in_force.state is State.WITHDRAWN


class TestWithdraw:
    async def test_what_was_withdrawn_is_denied(self, consent_database, around, clock):
        await grant(consent_database, around, OFFER, WORLD)
        clock.ms += 1
        [record] = await withdraw(consent_database, around, OFFER)
        offer, world = await ask(consent_database, around, OFFER, WORLD)
        assert (record.state, record.expires_at_ms) == (State.WITHDRAWN, 0)
        assert (offer.is_allowed, offer.reason, offer.record_id) == (False, Reason.WITHDRAWN, record.record_id)
        assert world.is_allowed
        assert offer.sequence == world.sequence == 3

    async def test_said_in_the_same_millisecond_it_outranks_the_grant(self, consent_database, around):
        await grant(consent_database, around, OFFER)
        await withdraw(consent_database, around, OFFER)
        [decision] = await ask(consent_database, around, OFFER)
        assert decision.reason is Reason.WITHDRAWN

    async def test_the_clock_of_another_door_cannot_undo_it(self, consent_database, around, clock):
        await grant(consent_database, around, OFFER, at=clock.ms)
        await withdraw(consent_database, around, OFFER, at=clock.ms - 5000)
        [decision] = await ask(consent_database, around, OFFER)
        assert decision.reason is Reason.WITHDRAWN

    async def test_a_preference_older_than_the_grant_stays_without_effect(self, consent_database, around, clock):
        await grant(consent_database, around, OFFER, at=clock.ms)
        await withdraw(consent_database, around, OFFER, at=clock.ms - 5000, method="sdk-preferences")
        [decision] = await ask(consent_database, around, OFFER)
        assert decision.is_allowed

    async def test_no_purposes_means_all_that_can_be(self, consent_database, around, clock):
        await grant(consent_database, around, OFFER, WORLD)
        clock.ms += 1
        withdrawn = await withdraw(consent_database, around)
        assert {each.state for each in withdrawn} == {State.WITHDRAWN}
        assert len(withdrawn) == 9
        assert not any(each.is_allowed for each in await ask(consent_database, around, OFFER, WORLD))

    async def test_the_same_withdrawal_twice_is_recorded_once(self, consent_database, around, clock):
        first = await withdraw(consent_database, around, OFFER, at=clock.ms)
        assert await withdraw(consent_database, around, OFFER, at=clock.ms) == first
        assert len(await chain(consent_database)) == 1


class TestCheck:
    async def test_unknown_is_denied_with_a_reason(self, consent_database, around):
        decisions = await ask(consent_database, around, OFFER, "sell.everything", "core.service")
        assert [(each.is_allowed, each.reason, each.sequence) for each in decisions] == [
            (False, Reason.NEVER_ASKED, 0),
            (False, Reason.UNKNOWN_PURPOSE, 0),
            (True, Reason.ALWAYS_ON, 0),
        ]

    async def test_a_consent_expires(self, consent_database, around, clock):
        await grant(consent_database, around, OFFER)
        clock.ms += VALIDITY_MS
        [decision] = await ask(consent_database, around, OFFER)
        assert decision.reason is Reason.EXPIRED


class TestListConsents:
    async def test_lists_every_purpose_of_the_pack_in_its_order(self, consent_database, around):
        await grant(consent_database, around, OFFER)
        consents = await checking.list_consents(consent_database, around, HOLDER)
        assert [each.purpose for each in consents] == [each.id for each in around.purposes.ordered]
        assert {each.purpose for each in consents if each.state is State.GIVEN} == {OFFER}
        assert {each.state for each in consents} == {State.GIVEN, State.NEVER_ASKED}


class TestRecords:
    async def test_chain_and_head_agree(self, consent_database, around, clock):
        for minute in range(5):
            clock.ms += minute
            await grant(consent_database, around, OFFER, WORLD)
            await withdraw(consent_database, around, OFFER)
        records_kept = await chain(consent_database)
        async with consent_database.reading() as connection:
            head = (await connection.execute(heads.select())).one()
        assert first_break(genesis("oak", 7), records_kept) is None
        assert (head.sequence, head.hash) == (records_kept[-1][0].sequence, records_kept[-1][1])

    @pytest.mark.parametrize(
        "attempt", ["UPDATE records SET state = 'given'", "DELETE FROM records", "TRUNCATE records"]
    )
    async def test_a_record_cannot_be_changed(self, consent_database, around, attempt):
        await withdraw(consent_database, around, OFFER)
        with pytest.raises(DBAPIError, match="append-only"):
            async with consent_database.transaction() as connection:
                await connection.execute(text(attempt))
        assert len(await chain(consent_database)) == 1

    async def test_in_force_is_the_newest_record_of_the_chain(self, consent_database, around, clock):
        await grant(consent_database, around, OFFER)
        clock.ms += 1
        await withdraw(consent_database, around, OFFER)
        async with consent_database.reading() as connection:
            row = (await connection.execute(current.select())).one()
            newest = (await connection.execute(records.select().order_by(records.c.sequence.desc()).limit(1))).one()
        assert (row.record_id, row.state) == (newest.record_id, "withdrawn")

    def test_tables_and_migrations_agree(self, database_url, migrations):
        check(database_url("consent"), migrations["consent"])
