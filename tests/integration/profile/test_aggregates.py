import asyncio
import random
import signal
import sys
from dataclasses import replace

import pytest

from contracts.profile.v1 import profile_pb2 as contract
from kit.db import Database
from kit.errors import RemoteError
from services.profile.aggregates import Budget, PrivacyBudgetSpentError, Question, StillCountingError
from services.profile.decay import DAY_MS
from services.profile.domain import AGGREGATE, COLLECT, Kind
from services.profile.use_cases import aggregate
from services.profile.use_cases.aggregate import Aggregates
from tests.integration.profile.door import BRAND, SHOP, eid

WORLD = "world:street"
#: So dear that there is no noise to speak of.
EXACT = 100_000
_DAYS = 30
# Pays, and is killed before it has counted.
_DYING = """
import asyncio, os, signal, sys
from types import SimpleNamespace
from kit.db import Database
from services.profile.aggregates import Budget, Question
from services.profile.use_cases.aggregate import Aggregates

class Dying(Aggregates):
    async def _counted(self, question):
        os.kill(os.getpid(), signal.SIGKILL)

async def main(url, day, prices):
    asked = Dying(SimpleNamespace(vault=Database(url), now_ms=lambda: 0), Budget(1000, 30), 1)
    for price in prices:
        await asked.tell(Question("oak", "app:shop", "likes", int(price), int(day)))

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
"""


@pytest.fixture
async def open_aggregates(stores):
    opened = []

    def open_aggregates(price=3 * EXACT, **facts):
        opened.append(Aggregates(stores, Budget(price, _DAYS), 1, **facts))
        return opened[-1]

    yield open_aggregates
    for each in opened:
        await each.stop()


@pytest.fixture
def question(clock):
    def question(counted="likes", price=EXACT, audience=SHOP):
        return Question(BRAND, audience, counted, price, clock() // DAY_MS)

    return question


@pytest.fixture
def people(room):
    async def people(names, *purposes, audience=SHOP):
        for name in names:
            await room.grant(name, COLLECT, *purposes, audience=audience)
        did = (room.door.event(name, Kind.BOUGHT, topics=("tea",), source=audience) for name in names)
        await room.fold(room.door.message(*did))

    return people


async def spent(room):
    return (await room.vault_rows("SELECT coalesce(sum(price), 0)::int FROM aggregates"))[0][0]


class TestCounting:
    async def test_those_are_counted_who_allow_it_now(self, room, open_aggregates, question, people):
        await people([f"a{n}" for n in range(6)], AGGREGATE)
        await people(["silent"])
        await room.withdraw("a0", AGGREGATE)
        await room.withdraw("a1", COLLECT)

        assert (await open_aggregates().tell(question())).answer.counts == {"tea": 4}

    async def test_those_of_other_audiences_are_not(self, open_aggregates, question, people):
        await people([f"a{n}" for n in range(3)], AGGREGATE)
        await people([f"b{n}" for n in range(5)], AGGREGATE, audience=WORLD)

        told = [await open_aggregates().tell(question("personas", audience=each)) for each in (SHOP, WORLD)]

        assert [each.answer.counts for each in told] == [{"all": 3}, {"all": 5}]

    async def test_facets_that_are_one_persona_count_once(self, room, open_aggregates, question, people):
        await people(["ada", "phone", "laptop", *(f"a{n}" for n in range(3))], AGGREGATE)
        links = (
            room.door.event("ada", Kind.IDENTIFIED, item=None, topics=(), other=eid(each))
            for each in ("phone", "laptop")
        )
        await room.fold(room.door.message(*links))

        assert (await open_aggregates().tell(question("personas"))).answer.counts == {"all": 4}

    async def test_what_few_share_is_not_told(self, open_aggregates, question, people):
        await people(["ada"], AGGREGATE)

        told = await open_aggregates().tell(question(price=1000))

        assert (told.answer.counts, told.answer.threshold) == ({}, 57)


class TestBudget:
    async def test_the_same_question_has_one_answer_and_is_paid_once(
        self, room, clock, open_aggregates, question, people
    ):
        await people([f"a{n}" for n in range(3)], AGGREGATE)
        first = await open_aggregates().tell(question())
        await people([f"b{n}" for n in range(3)], AGGREGATE)

        assert await open_aggregates().tell(question()) == first
        assert await spent(room) == first.spent == EXACT
        clock.ms += DAY_MS
        assert (await open_aggregates().tell(question())).answer.counts == {"tea": 6}

    async def test_what_is_spent_is_refused_until_the_window_has_moved_on(self, clock, open_aggregates, question):
        clock.ms -= clock.ms % DAY_MS
        asked = open_aggregates(price=1000)
        await asked.tell(question(price=600))
        clock.ms += DAY_MS
        with pytest.raises(PrivacyBudgetSpentError) as refused:
            await asked.tell(question(price=500))

        error = refused.value
        assert (error.field, error.limit, error.retry_after_s) == ("epsilon", "1 in 30 days", 29 * 86_400)
        assert error.message.startswith("0.6 of 1 are spent; there is enough from ")
        await asked.tell(question(price=400))
        clock.ms += 28 * DAY_MS
        with pytest.raises(PrivacyBudgetSpentError):
            await asked.tell(question(price=500))
        clock.ms += DAY_MS
        assert (await asked.tell(question(price=500))).spent == 900

    async def test_what_is_asked_for_in_the_past_pays_for_what_came_later(self, clock, open_aggregates, question):
        await open_aggregates(price=1000).tell(question(price=600))
        clock.ms -= 3 * DAY_MS
        with pytest.raises(PrivacyBudgetSpentError):
            await open_aggregates(price=1000).tell(question(price=500))

    @pytest.mark.parametrize("seed", range(4))
    async def test_many_who_ask_at_once_never_overspend(self, stores, urls, room, question, seed):
        dice, other = random.Random(seed), Database(urls["vault"])
        budget = Budget(1000, _DAYS)
        elsewhere = Aggregates(replace(stores, vault=other), budget, 1)
        deciders = [Aggregates(stores, budget, 1), elsewhere]
        prices = [dice.randrange(10, 500) for _ in range(24)]

        asked = (dice.choice(deciders)._pay(question(price=price)) for price in prices)
        verdicts = await asyncio.gather(*asked, return_exceptions=True)

        await other.dispose()
        total = await spent(room)
        refused = [price for price, each in zip(prices, verdicts, strict=True) if isinstance(each, Exception)]
        assert all(isinstance(each, aggregate._Paid | PrivacyBudgetSpentError) for each in verdicts)
        assert total <= budget.price
        assert all(total + price > budget.price for price in refused)
        assert total == sum(set(prices) - set(refused))

    async def test_what_was_paid_is_answered_after_a_kill_and_never_paid_back(
        self, urls, room, open_aggregates, question
    ):
        arguments = (sys.executable, "-c", _DYING, urls["vault"], str(question().day))
        dying = [await asyncio.create_subprocess_exec(*arguments, price) for price in ("400", "700")]

        ended = [await each.wait() for each in dying]

        paid = sorted(price for (price,) in await room.vault_rows("SELECT price FROM aggregates"))
        assert ended.count(-signal.SIGKILL) == len(paid)
        assert paid in ([400], [700])
        asked = open_aggregates(price=1000)
        told = [await asked.tell(question(price=price)) for price in paid]
        assert {each.spent for each in told} == {sum(paid)}


class TestPatience:
    async def test_whoever_cannot_wait_asks_again_and_the_counting_goes_on(
        self, monkeypatch, room, open_aggregates, question, people
    ):
        await people([f"a{n}" for n in range(3)], AGGREGATE)
        asked, may_count, count = open_aggregates(patience_s=0), asyncio.Event(), aggregate.count

        async def slow(*arguments):
            await may_count.wait()
            return await count(*arguments)

        monkeypatch.setattr(aggregate, "count", slow)
        with pytest.raises(StillCountingError):
            await asked.tell(question())
        may_count.set()
        await asked._once._counting[question()]

        assert (await asked.tell(question())).answer.counts == {"tea": 3}
        assert await spent(room) == EXACT

    async def test_two_processes_that_count_at_once_tell_the_same(self, open_aggregates, question, people):
        await people([f"a{n}" for n in range(12)], AGGREGATE)
        # So cheap that two answers would differ.
        asked = [open_aggregates(price=3000).tell(question("personas", 2000)) for _ in range(2)]

        one, other = await asyncio.gather(*asked)

        assert one == other


class TestContract:
    async def test_an_answer_says_what_is_left(self, profile, room, clock):
        request = contract.ReadAggregateRequest(brand=BRAND, audience=SHOP, counted="likes", epsilon=1)
        answer = await profile.ReadAggregate(request)

        assert (answer.threshold, answer.spent, answer.budget, answer.window_days) == (57, 1, 3, 30)
        assert answer.counted_at_ms <= clock() < answer.renews_at_ms

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"brand": "Oak!"}, "brand"),
            ({"audience": "shop"}, "audience"),
            ({"counted": "names"}, "counted"),
            ({"epsilon": 0.009}, "epsilon"),
            ({"epsilon": 3.001}, "epsilon"),
            ({"epsilon": float("nan")}, "epsilon"),
        ],
    )
    async def test_a_question_that_is_none_is_refused(self, profile, fields, field):
        good = {"brand": BRAND, "audience": SHOP, "counted": "likes", "epsilon": 0.1}
        with pytest.raises(RemoteError) as refused:
            await profile.ReadAggregate(contract.ReadAggregateRequest(**{**good, **fields}))
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", field)
