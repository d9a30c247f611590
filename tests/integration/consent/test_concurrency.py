import asyncio
import contextlib
import itertools
import random
from dataclasses import replace

import pytest
from sqlalchemy import text

from services.consent.chain import first_break, genesis
from services.consent.domain import Holder, Intent, Reason, Statement
from services.consent.repository import histories
from services.consent.tables import heads
from services.consent.use_cases import check as checking
from services.consent.use_cases import state as stating

PURPOSES = ("recommend.offer", "personalise.world", "research.model")
AUDIENCE = "app:shop"


def holder(number=1, shard=7):
    return Holder("oak", shard, bytes([number]) * 16, AUDIENCE)


async def state(database, around, statement):
    async with database.transaction() as connection:
        return (await stating.state(connection, around, statement)).consents


async def is_allowed(database, around, who, purpose=PURPOSES[0]):
    [decision] = await checking.check(database, around, who, [purpose])
    return decision.is_allowed


@pytest.fixture
def storm(consent_database, around, clock):
    """Statements of a few personas about a few purposes, shuffled: (grants and withdrawals, each at its own time)."""
    dice = random.Random(11)
    statements = [
        Statement(holder(number), intent, (purpose,), clock.ms - 1000 + minute, "rest", "", "")
        for minute, (number, purpose, intent) in enumerate(
            itertools.product((1, 2), PURPOSES, (*Intent, *Intent, *Intent))
        )
    ]
    dice.shuffle(statements)
    return statements


class TestManyAtOnce:
    async def test_the_chain_is_whole_and_without_gap(self, consent_database, around, storm):
        await asyncio.gather(*(state(consent_database, around, each) for each in storm))
        async with consent_database.reading() as connection:
            chain = await histories.read_chain(connection, "oak", 7)
            head = (await connection.execute(heads.select())).one()
        assert [record.sequence for record, _ in chain] == list(range(1, len(chain) + 1))
        assert first_break(genesis("oak", 7), chain) is None
        assert (head.sequence, head.hash) == (len(chain), chain[-1][1])

    async def test_grants_of_many_keep_the_chains_whole_beside_single_ones(self, consent_database, around, clock):
        many = [
            Statement(holder(number, shard), Intent.GRANT, PURPOSES, clock.ms, "sdk-preferences", "", "")
            for number in range(1, 6)
            for shard in (3, 7, 5)
        ]

        async def grant(statements):
            async with consent_database.transaction() as connection:
                return (await stating.grant_many(connection, around, statements))[0]

        singles = [state(consent_database, around, replace(each, purposes=PURPOSES[:1])) for each in many[:4]]
        recorded, again, *_ = await asyncio.gather(grant(many), grant(many[::-1]), *singles)
        async with consent_database.reading() as connection:
            chains = {shard: await histories.read_chain(connection, "oak", shard) for shard in (3, 5, 7)}
        assert recorded + again <= sum(map(len, chains.values())) == len(many) * len(PURPOSES)
        assert [first_break(genesis("oak", shard), chain) for shard, chain in chains.items()] == [None] * 3
        assert all([await is_allowed(consent_database, around, each.holder, PURPOSES[2]) for each in many])

    async def test_the_last_word_is_in_force_whatever_came_first(self, consent_database, around, storm):
        await asyncio.gather(*(state(consent_database, around, each) for each in storm))
        last = {}
        for each in sorted(storm, key=lambda statement: statement.stated_at_ms):
            last[each.holder.pid, each.purposes[0]] = each.intent is Intent.GRANT
        for (pid, purpose), expected in last.items():
            assert await is_allowed(consent_database, around, holder(pid[0]), purpose) == expected

    async def test_sequences_follow_the_order_of_commits(self, consent_database, around, clock):
        done = asyncio.Event()
        gaps = []

        async def watch():
            while not done.is_set():
                async with consent_database.reading() as connection:
                    row = (
                        await connection.execute(text("SELECT count(*) c, coalesce(max(sequence), 0) m FROM records"))
                    ).one()
                if row.c != row.m:
                    gaps.append(tuple(row))

        watcher = asyncio.create_task(watch())
        statements = [
            Statement(holder(number), Intent.GRANT, PURPOSES, clock.ms, "rest", "", "") for number in range(1, 31)
        ]
        await asyncio.gather(*(state(consent_database, around, each) for each in statements))
        done.set()
        await watcher
        assert gaps == []

    async def test_first_statements_of_a_shard_at_once_make_one_head(self, consent_database, around, clock):
        statements = [
            Statement(holder(number, shard=3), Intent.WITHDRAW, (PURPOSES[0],), clock.ms, "gpc", "", "")
            for number in range(1, 9)
        ]
        await asyncio.gather(*(state(consent_database, around, each) for each in statements))
        async with consent_database.reading() as connection:
            [head] = (await connection.execute(heads.select().where(heads.c.shard == 3))).all()
        assert head.sequence == 8


class TestAfterWithdrawal:
    async def test_every_check_that_starts_later_denies(self, consent_database, around, clock):
        who = holder()
        stale = []
        # Rounds whose grant has begun, and the last round whose withdrawal was acknowledged.
        begun = acknowledged = 0

        async def check_all_the_time():
            while acknowledged < 40:
                at_start = begun
                must_deny = acknowledged == begun
                if await is_allowed(consent_database, around, who) and must_deny and begun == at_start:
                    stale.append(at_start)

        readers = [asyncio.create_task(check_all_the_time()) for _ in range(4)]
        for number in range(1, 41):
            begun = number
            clock.ms += 2
            await state(consent_database, around, Statement(who, Intent.GRANT, PURPOSES, clock.ms, "rest", "", ""))
            clock.ms += 2
            await state(consent_database, around, Statement(who, Intent.WITHDRAW, (), clock.ms, "rest", "", ""))
            acknowledged = number
            checks = await asyncio.gather(*(is_allowed(consent_database, around, who) for _ in range(3)))
            assert checks == [False] * 3
        await asyncio.gather(*readers)
        assert stale == []

    async def test_a_rolled_back_withdrawal_leaves_no_number_behind(self, consent_database, around, clock):
        who = holder()
        statement = Statement(who, Intent.WITHDRAW, (PURPOSES[0],), clock.ms, "rest", "", "")
        with contextlib.suppress(RuntimeError):
            async with consent_database.transaction() as connection:
                await stating.state(connection, around, statement)
                raise RuntimeError
        [record] = await state(consent_database, around, statement)
        [decision] = await checking.check(consent_database, around, who, [PURPOSES[0]])
        assert record.sequence == 1
        assert decision.reason is Reason.WITHDRAWN
