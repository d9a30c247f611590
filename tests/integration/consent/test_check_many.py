import random
import time

from services.consent import use_cases
from services.consent.domain import SHARDS, Holder, Intent, Statement
from services.consent.purposes import Purposes
from services.consent.use_cases import Surroundings
from tests.integration.consent.conftest import START_MS

AUDIENCE = "app:shop"
ASKED = ("collect.behaviour", "nonsense", "research.model", "core.service")


def someone(dice):
    return Holder("oak", dice.randrange(SHARDS), dice.randbytes(16), AUDIENCE)


async def masks(database, around, holders, purposes=ASKED):
    async with database.reading() as connection:
        who = ("oak", AUDIENCE, [each.shard for each in holders], [each.pid for each in holders])
        return await use_cases.check_many(connection, around, who, purposes)


class TestCheckMany:
    async def test_agrees_with_check_for_every_persona(self, consent_database, around, clock):
        dice = random.Random(7)
        holders = [someone(dice) for _ in range(60)]
        for holder in holders:
            for _ in range(dice.randrange(4)):
                clock.ms = START_MS + dice.randrange(2 * 365 * 24 * 3600) * 1000
                statement = Statement(
                    holder, dice.choice(list(Intent)), (dice.choice(ASKED[::2]),), clock.ms, "gpc", "", ""
                )
                async with consent_database.transaction() as connection:
                    await use_cases.state(connection, around, statement)
        clock.ms = START_MS + 2 * 365 * 24 * 3600 * 1000
        raised = Purposes("2", [*around.purposes.ordered])
        found = await masks(consent_database, Surroundings(raised, clock, around.new_id), holders)
        expected = []
        for holder in holders:
            async with consent_database.reading() as connection:
                decisions = await use_cases.check(connection, around, holder, ASKED)
            expected.append(sum(each.is_allowed << place for place, each in enumerate(decisions)))
        assert found == expected
        assert len(set(found)) > 2

    async def test_the_same_persona_twice_is_answered_twice(self, consent_database, around):
        holder = someone(random.Random(1))
        async with consent_database.transaction() as connection:
            await use_cases.state(
                connection, around, Statement(holder, Intent.GRANT, ("research.model",), 0, "rest", "", "")
            )
        assert await masks(consent_database, around, [holder, holder], ["research.model"]) == [1, 1]

    async def test_nobody_asked_about_is_nobody_answered(self, consent_database, around):
        assert await masks(consent_database, around, []) == []

    async def test_twenty_thousand_take_one_statement_and_little_time(self, consent_database, around):
        dice = random.Random(3)
        holders = [someone(dice) for _ in range(20_000)]
        async with consent_database.transaction() as connection:
            for holder in holders[:64]:
                statement = Statement(holder, Intent.GRANT, ("collect.behaviour",), 0, "rest", "", "")
                await use_cases.state(connection, around, statement)
        started = time.perf_counter()
        found = await masks(consent_database, around, holders, ["collect.behaviour"])
        assert found == [1] * 64 + [0] * (20_000 - 64)
        assert time.perf_counter() - started < 2
