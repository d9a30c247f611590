import random
import time
from dataclasses import replace

import msgspec

from kit.db import raw
from services.consent.domain import SHARDS, Holder, Intent, Statement
from services.consent.purposes import PurposePack, Purposes
from services.consent.repository.consents import _READ_MANY
from services.consent.tables import current
from services.consent.use_cases import check as checking
from services.consent.use_cases import state as stating
from tests.integration.consent.conftest import START_MS

AUDIENCE = "app:shop"
ASKED = ("collect.behaviour", "nonsense", "research.model", "core.service")


def someone(dice):
    return Holder("oak", dice.randrange(SHARDS), dice.randbytes(16), AUDIENCE)


async def masks(database, around, holders, purposes=ASKED):
    async with database.reading() as connection:
        who = ("oak", AUDIENCE, [each.shard for each in holders], [each.pid for each in holders])
        return (await checking.check_many(connection, around, who, purposes)).allowed


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
                    await stating.state(connection, around, statement)
        clock.ms = START_MS + 2 * 365 * 24 * 3600 * 1000
        found = await masks(consent_database, around, holders)
        expected = []
        for holder in holders:
            decisions = await checking.check(consent_database, around, holder, ASKED)
            expected.append(sum(each.is_allowed << place for place, each in enumerate(decisions)))
        assert found == expected
        assert len(set(found)) > 2

    async def test_a_raised_floor_ends_older_versions(self, consent_database, around):
        holder = someone(random.Random(2))
        async with consent_database.transaction() as connection:
            await stating.state(
                connection, around, Statement(holder, Intent.GRANT, ("research.model",), 0, "rest", "", "")
            )
        entry = msgspec.structs.replace(around.purposes.entries["research.model"], version=2, floor=2)
        raised = Purposes(PurposePack(id="purposes", version="2", purposes=(entry,)))
        under_raised = replace(around, purposes=raised)
        assert await masks(consent_database, around, [holder], ["research.model"]) == [1]
        assert await masks(consent_database, under_raised, [holder], ["research.model"]) == [0]

    async def test_the_same_persona_twice_is_answered_twice(self, consent_database, around):
        holder = someone(random.Random(1))
        async with consent_database.transaction() as connection:
            await stating.state(
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
                await stating.state(connection, around, statement)
        started = time.perf_counter()
        found = await masks(consent_database, around, holders, ["collect.behaviour"])
        assert found == [1] * 64 + [0] * (20_000 - 64)
        assert time.perf_counter() - started < 2

    async def test_looks_each_persona_up_even_without_statistics(self, consent_database):
        dice = random.Random(5)
        people = [(dice.randrange(SHARDS), dice.randbytes(16)) for _ in range(20_000)]
        names = [column.name for column in current.c]
        async with consent_database.transaction() as connection:
            driver = await raw(connection)
            await driver.copy_records_to_table(
                "current_consents",
                columns=names,
                records=[
                    ("oak", shard, pid, AUDIENCE, ASKED[0], 1, "given", "r", 1, 1, 2, "rest", "")
                    for shard, pid in people
                ],
            )
            shards, pids = zip(*people[:500], strict=True)
            lines = await driver.fetch(
                f"EXPLAIN {_READ_MANY}", "oak", AUDIENCE, shards, pids, [ASKED[0]], [1], [1], ["given"], 1
            )
        plan = "\n".join(line[0] for line in lines)
        assert "Index Scan using current_consents_pkey" in plan
