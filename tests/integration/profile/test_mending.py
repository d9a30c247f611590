import asyncio
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from contracts.interaction.v1.payload import Quarantined, Remains
from contracts.profile.v1 import profile_pb2 as contract
from kit.db import raw
from kit.errors import InvalidArgumentError, RemoteError, UnavailableError
from kit.testing import eventually
from services.profile import messages
from services.profile.domain import COLLECT, PROCESS_DEATH, Kind
from services.profile.hot import Hot
from services.profile.housekeeping import Housekeeper
from services.profile.mending import Rule, ValueField, encode_rule
from services.profile.repository import quarantine as kept
from services.profile.repository.quarantine import RuleRow
from services.profile.use_cases.fold import Fold
from services.profile.use_cases.mend import Quarantine
from services.profile.use_cases.parts import Part
from services.profile.use_cases.receipts import Receipts, Run
from tests.integration.profile.door import BRAND, PARTITION, SHOP, eid

HOUR_MS = 3_600_000
NAMED, OTHER_NAME = b"n" * 16, b"o" * 16
BOUGHT = Rule(int(Kind.BOUGHT), ("sku", "product_id"), (ValueField("total"),))
RATED = Rule(int(Kind.RATED), (), (ValueField("rating", (1, 5)),), needs_value=True)


def unknown(name="ada", named=NAMED, **facts):
    """An event whose name no vocabulary knows, as a door sends it."""
    told = {"items": {"product_id": "tea"}, "topics": ("drinks",), "values": {"total": 9.5, "rating": 7}}
    remains = Remains(eid(name), facts.pop("at_ms", 1_000), "web", named, **{**told, **facts})
    return Quarantined(SHOP, os.urandom(16), "unknown_event", "event", remains)


class Bench:
    """Rules and replay around a room; what is replayed lies on `sent` until it is folded."""

    def __init__(self, room):
        self.room = room
        self.sent = []
        self.quarantine = Quarantine(room.stores, room.door.epochs, self.append, 1)

    async def append(self, partition, data):
        assert partition == PARTITION
        self.sent.append(data)

    async def rule(self, rule=BOUGHT, named=NAMED):
        return await self.quarantine.put_rules(BRAND, [RuleRow(SHOP, named, "means", encode_rule(rule))])

    async def replay(self, most=100, after=b""):
        return await self.quarantine.replay(BRAND, "", after, most)

    def messages(self):
        """What was sent, as the folder opens it."""
        return [self.message(data) for data in self.sent]

    def message(self, data):
        self.room.door.sequence += 1
        return messages.open_message(PARTITION, self.room.door.sequence, data, self.room.door.epochs)

    async def fold_sent(self):
        await self.room.fold(*self.messages())
        self.sent.clear()

    async def fates(self, message, count):
        ((*fates,),) = await Receipts(self.room.stores, 2).read(
            BRAND, self.room.clock(), [Run(0, message.batch_id, 0, count)]
        )
        return [(each.fate, each.reason) for each in fates]

    async def states(self):
        rows = await self.room.rows("SELECT mended_at_ms > 0, fate, remains = '' FROM quarantine ORDER BY mid")
        return [tuple(row) for row in rows]


@pytest.fixture
def bench(room):
    return Bench(room)


class TestReplay:
    async def test_a_mended_event_is_folded_and_leaves_the_quarantine(self, room, bench):
        await room.grant()
        message = room.door.message(rejected=[unknown()])
        await room.fold(message)
        assert await room.books() == {"received": 1, "quarantined": 1}
        assert await bench.rule() == 1
        sent = await bench.replay()
        assert (sent.replayed, sent.unfit, sent.unreadable, sent.next) == (1, 0, 0, b"")
        await bench.fold_sent()
        assert await room.books() == {"received": 1, "stored": 1}
        traits = await room.traits()
        assert {kind: tally.count for kind, tally in traits.kinds.items()} == {Kind.BOUGHT: 1}
        assert [each.item for each in traits.last] == ["tea"]
        assert await bench.states() == [(True, "stored", True)]
        assert await bench.fates(message, 1) == [("stored", "mended")]

    async def test_the_hour_it_was_received_in_keeps_balance(self, room, bench, clock):
        await room.grant()
        await room.fold(room.door.message(room.door.event(), rejected=[unknown()]))
        clock.ms += 2 * HOUR_MS
        await bench.rule()
        await bench.replay()
        await bench.fold_sent()
        (line,) = await room.rows("SELECT received, stored, quarantined FROM books")
        assert tuple(line) == (2, 2, 0)

    async def test_todays_consent_is_asked(self, room, bench, clock):
        await room.grant()
        message = room.door.message(rejected=[unknown()])
        await room.fold(message)
        await bench.rule()
        await bench.replay()
        clock.ms += 1
        await room.withdraw()
        await bench.fold_sent()
        assert await room.books() == {"received": 1, "suppressed": 1}
        assert await bench.states() == [(True, "suppressed", True)]
        assert await bench.fates(message, 1) == [("suppressed", "mended")]

    async def test_what_came_in_class_1_is_let_in_from_the_stream_of_class_2(self, room, bench):
        await room.grant()
        relaxed = await room.own("run", replace(PARTITION, durability_class=PROCESS_DEATH))
        message = room.door.message(rejected=[unknown()])
        await room.fold(message, owner=relaxed)
        assert await bench.fates(message, 1) == [("quarantined", "unknown_event")]
        await bench.rule()
        await bench.replay()
        await bench.fold_sent()
        assert await room.books() == {"received": 1, "stored": 1}
        assert await bench.fates(message, 1) == [("stored", "mended")]

    async def test_sent_twice_it_is_let_in_once(self, room, bench):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown()]))
        await bench.rule()
        for _ in range(2):
            assert (await bench.replay()).replayed == 1
        await room.fold(*bench.messages())
        assert await room.books() == {"received": 1, "stored": 1}
        await bench.fold_sent()
        assert await room.books() == {"received": 1, "stored": 1}
        assert (await bench.replay()).replayed == 0

    async def test_sent_twice_into_two_folds_under_way_it_is_let_in_once(self, room, bench):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown()]))
        await bench.rule()
        for _ in range(2):
            await bench.replay()
        first, second = ([message] for message in bench.messages())
        before = Fold(room.folding, Hot(), [Part(room.owner, first)])
        behind = Fold(room.folding, Hot(), [Part(room.owner, second)], before)
        running = asyncio.create_task(before.run())
        await eventually(lambda: before.has_shared_out)
        await asyncio.gather(running, behind.run())
        assert await room.books() == {"received": 1, "stored": 1}
        assert (await room.traits()).kinds[Kind.BOUGHT].count == 1

    async def test_what_the_client_sent_again_mended_is_a_duplicate(self, room, bench):
        await room.grant()
        refused = unknown()
        await room.fold(room.door.message(rejected=[refused]))
        await room.fold(room.door.message(room.door.event(mid=refused.mid)))
        await bench.rule()
        await bench.replay()
        await bench.fold_sent()
        assert await room.books() == {"received": 2, "stored": 1, "duplicate": 1}
        assert await bench.states() == [(True, "duplicate", True)]

    async def test_refused_again_after_it_was_mended_it_is_a_duplicate(self, room, bench):
        await room.grant()
        refused = unknown()
        await room.fold(room.door.message(rejected=[refused]))
        await bench.rule()
        await bench.replay()
        await bench.fold_sent()
        await room.fold(room.door.message(rejected=[refused]))
        assert await room.books() == {"received": 2, "stored": 1, "duplicate": 1}

    @pytest.mark.parametrize("step", ["hold", "let_in"])
    async def test_a_fold_that_fails_leaves_it_set_aside_and_its_repetition_lets_it_in(
        self, room, bench, monkeypatch, step
    ):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown()]))
        await bench.rule()
        await bench.replay()
        replayed = bench.messages()
        done = getattr(kept, step)

        async def done_and_failed(*arguments):
            await done(*arguments)
            raise UnavailableError

        with monkeypatch.context() as patch:
            patch.setattr(kept, step, done_and_failed)
            with pytest.raises(UnavailableError):
                await room.fold(*replayed)
        assert await room.books() == {"received": 1, "quarantined": 1}
        assert await bench.states() == [(False, "", False)]
        await room.fold(*replayed)
        assert await room.books() == {"received": 1, "stored": 1}

    async def test_a_replay_that_broke_off_goes_on_with_what_is_left(self, room, bench, monkeypatch):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown() for _ in range(3)]))
        await bench.rule()

        async def away(*_):
            raise UnavailableError

        broken = Quarantine(room.stores, room.door.epochs, away, 1)
        with pytest.raises(UnavailableError):
            await broken.replay(BRAND, "", b"", 100)
        assert (await bench.replay()).replayed == 3
        await bench.fold_sent()
        assert await room.books() == {"received": 3, "stored": 3}

    async def test_pages_reach_what_lies_behind_events_that_do_not_fit(self, room, bench):
        await room.grant()
        # Out of range: three times unfit, before two that fit.
        rejected = [unknown(named=OTHER_NAME) for _ in range(3)]
        await room.fold(room.door.message(rejected=rejected))
        room.clock.ms += 1
        await room.fold(room.door.message(rejected=[unknown() for _ in range(2)]))
        await bench.rule()
        await bench.rule(RATED, OTHER_NAME)
        after, replayed, unfit = b"", 0, 0
        for _ in range(3):
            sent = await bench.replay(most=2, after=after)
            after, replayed, unfit = sent.next, replayed + sent.replayed, unfit + sent.unfit
        assert (replayed, unfit, after) == (2, 3, b"")
        await bench.fold_sent()
        assert await room.books() == {"received": 5, "stored": 2, "quarantined": 3}

    async def test_mixed_with_other_events_every_one_has_its_fate(self, room, bench):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown(), unknown("bob")]))
        await bench.rule()
        await bench.replay()
        other = room.door.message(room.door.event(), room.door.event("bob"), rejected=[unknown()])
        await room.fold(other, *bench.messages())
        assert await room.books() == {"received": 5, "stored": 2, "suppressed": 1, "quarantined": 2}
        assert [fate for fate, _ in await bench.fates(other, 3)] == ["stored", "suppressed", "quarantined"]


class TestRules:
    async def test_a_rule_brings_the_range_and_the_default_of_its_source(self, room, bench):
        await room.grant()
        told = [{"rating": 80}, {"rating": 101}, {}]
        await room.fold(room.door.message(rejected=[unknown(values=values) for values in told]))
        hundred = (ValueField("rating", (0, 100)),)
        await bench.rule(Rule(int(Kind.RATED), ("product_id",), hundred, needs_value=True, default=0.5))
        await bench.replay()
        (message,) = bench.messages()
        assert sorted(each.value for each in message.mended) == [0.5, 0.5, 0.8]

    async def test_what_todays_filter_refuses_stays_set_aside(self, room, bench):
        await room.grant()
        items = ["ann@example.com", "415555267", "tea"]
        await room.fold(room.door.message(rejected=[unknown(items={"sku": item}) for item in items]))
        await bench.rule()
        sent = await bench.replay()
        assert (sent.replayed, sent.refused, sent.unfit, sent.unreadable) == (1, 2, 0, 0)
        await bench.rule(BOUGHT._replace(own_ids=(9,)))
        sent = await bench.replay()
        assert (sent.replayed, sent.refused) == (2, 1)
        await bench.fold_sent()
        assert await room.books() == {"received": 3, "stored": 2, "quarantined": 1}


class TestExpiry:
    KEPT_MS = 30 * 86_400_000

    @pytest.fixture
    def keeper(self, room):
        """Housekeeping with nothing else to keep."""
        return Housekeeper(room.folding, SimpleNamespace(classes=()), room.days, lambda: [PARTITION])

    async def round(self, keeper):
        await keeper.round(is_purging=False)

    async def test_it_is_emptied_by_time_and_the_books_still_count(self, room, bench, keeper, clock):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown(), unknown(named=OTHER_NAME)]))
        await bench.rule()
        await bench.replay()
        await bench.fold_sent()
        clock.ms += self.KEPT_MS
        await room.fold(room.door.message(rejected=[unknown()]))
        await self.round(keeper)
        assert len(await bench.states()) == 3
        before = expired("mended"), expired("quarantined")
        clock.ms += 1
        await self.round(keeper)
        assert await bench.states() == [(False, "", False)]
        assert (expired("mended") - before[0], expired("quarantined") - before[1]) == (1, 1)
        assert await room.books() == {"received": 3, "stored": 1, "quarantined": 2}

    async def test_what_is_emptied_on_its_way_back_stays_quarantined(self, room, bench, keeper, clock):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown()]))
        await bench.rule()
        await bench.replay()
        clock.ms += self.KEPT_MS + 1
        await self.round(keeper)
        await bench.fold_sent()
        assert await room.books() == {"received": 1, "quarantined": 1}
        assert (await bench.replay()).replayed == 0

    async def test_a_fold_that_lets_one_in_is_not_waited_for(self, room, bench, keeper, clock):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown(), unknown(named=OTHER_NAME)]))
        await bench.rule()
        await bench.replay()
        clock.ms += self.KEPT_MS + 1
        async with room.stores.profile.transaction() as folding:
            mids = [row["mid"] for row in await room.rows("SELECT mid FROM quarantine WHERE named = $1", NAMED)]
            assert len(await kept.hold(await raw(folding), BRAND, mids)) == 1
            await self.round(keeper)
        assert len(await bench.states()) == 1
        await bench.fold_sent()
        assert await room.books() == {"received": 2, "stored": 1, "quarantined": 1}
        await self.round(keeper)
        assert await bench.states() == []

    async def test_killed_in_between_it_is_emptied_by_the_next_round(self, room, bench, keeper, clock, monkeypatch):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown()]))
        clock.ms += self.KEPT_MS + 1
        expire, before = kept.expire, expired("quarantined")

        async def expired_and_killed(connection, *arguments):
            await expire(connection, *arguments)
            await room.rows("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            return []

        with monkeypatch.context() as patch:
            patch.setattr(kept, "expire", expired_and_killed)
            with pytest.raises(UnavailableError):
                await self.round(keeper)
        assert await bench.states() == [(False, "", False)]
        await self.round(keeper)
        assert (await bench.states(), expired("quarantined") - before) == ([], 1)
        assert await room.books() == {"received": 1, "quarantined": 1}


def expired(state):
    labels = {"source": SHOP, "reason": "unknown_event", "state": state}
    return REGISTRY.get_sample_value("profile_quarantine_expired_total", labels) or 0


class TestRemains:
    async def test_of_who_has_not_agreed_nothing_is_kept(self, room, bench):
        await room.grant("bob", "personalise.world")
        await room.fold(room.door.message(rejected=[unknown("stranger"), unknown("bob")]))
        assert await bench.states() == [(False, "", True)] * 2
        await bench.rule()
        assert (await bench.replay()).replayed == 0

    async def test_they_are_sealed_and_hold_no_edge_pseudonym(self, room, bench):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown(items={"sku": "rare-teapot"})]))
        (row,) = await room.rows("SELECT q::text AS whole, remains FROM quarantine q")
        assert row["remains"]
        assert b"rare-teapot".hex() not in row["whole"]
        assert eid("ada").hex() not in row["whole"]

    async def test_when_the_data_key_is_gone_nobody_reads_them(self, room, bench):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown()]))
        await room.vault_rows("DELETE FROM personas RETURNING 1")
        await bench.rule()
        sent = await bench.replay()
        assert (sent.replayed, sent.unreadable) == (0, 1)
        assert bench.sent == []

    async def test_what_is_replayed_goes_to_the_persona_it_is_of(self, room, bench):
        """Another visitor of a shared device stands behind the id by now."""
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown()]))
        await room.vault_rows("UPDATE bindings SET pid = $1 RETURNING 1", os.urandom(16))
        await bench.rule()
        assert (await bench.replay()).unreadable == 1

    async def test_a_rejected_event_without_a_sound_id_is_poison(self, room):
        short = Quarantined(SHOP, b"short", "malformed", "")
        await room.fold(room.door.message(rejected=[short]))
        assert [row["reason"] for row in await room.rows("SELECT reason FROM dead_letters")] == ["MALFORMED"]


class TestRpc:
    async def test_counts_events_and_pages(self, profile, room, bench):
        await room.grant()
        for _ in range(3):
            room.clock.ms += 1
            await room.fold(room.door.message(rejected=[unknown(), unknown("stranger", OTHER_NAME)]))
        request = contract.ListQuarantineRequest(brand=BRAND, count=4)
        first = await profile.ListQuarantine(request)
        assert [(each.named, each.quarantined, each.can_replay) for each in first.counts] == [
            (NAMED, 3, 3),
            (OTHER_NAME, 3, 0),
        ]
        request.after = first.next
        second = await profile.ListQuarantine(request)
        assert ([len(page.events) for page in (first, second)], second.next) == ([4, 2], b"")
        times = [each.set_aside_at_ms for page in (first, second) for each in page.events]
        assert times == sorted(times, reverse=True)
        nothing = contract.ListQuarantineRequest(brand=BRAND, count=4, reason="malformed")
        assert list((await profile.ListQuarantine(nothing)).counts) == []

    async def test_a_rule_replays_through_the_stream(self, profile, room, nats):
        await room.grant("ada", COLLECT)
        await room.fold(room.door.message(rejected=[unknown(values={"rating": 4})]))
        rule = contract.MendingRule(
            source=SHOP,
            named=NAMED,
            means="product_reviewed",
            kind=Kind.RATED,
            values=[contract.ValueField(field="rating", is_scaled=True, least=1, most=5)],
            needs_value=True,
            default_value=0.25,
            own_ids=[10, 13],
        )
        answer = await profile.PutMendingRule(contract.PutMendingRuleRequest(brand=BRAND, rules=[rule]))
        assert answer.can_replay == 1
        assert list((await profile.ListMendingRules(contract.ListMendingRulesRequest(brand=BRAND))).rules) == [rule]
        sent = await profile.ReplayQuarantine(contract.ReplayQuarantineRequest(brand=BRAND, count=10))
        assert sent.replayed == 1
        (line,) = (await profile.GetBooks(contract.GetBooksRequest(brand=BRAND))).lines
        assert (line.received, line.quarantined, line.pending) == (1, 1, 0)
        stored = await nats.jetstream().get_msg(messages.STREAM, 1)
        await room.fold(messages.open_message(PARTITION, 2, stored.data, room.door.epochs))
        assert await room.books() == {"received": 1, "stored": 1}

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"source": "shop"}, "rules.source"),
            ({"named": b"short"}, "rules.named"),
            ({"kind": 99}, "rules.kind"),
            ({"items": ["x"] * 33}, "rules.items"),
            ({"default_value": float("nan")}, "rules.default_value"),
            ({"own_ids": [8]}, "rules.own_ids"),
            ({"values": [contract.ValueField(field="x", is_scaled=True, least=1, most=1)]}, "rules.values"),
        ],
    )
    async def test_a_rule_that_cannot_be_is_refused(self, profile, facts, field):
        rule = contract.MendingRule(**{"source": SHOP, "named": NAMED, "means": "x", "kind": 1, **facts})
        with pytest.raises(RemoteError) as refused:
            await profile.PutMendingRule(contract.PutMendingRuleRequest(brand=BRAND, rules=[rule]))
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", field)

    async def test_a_cursor_of_somewhere_else_is_refused(self, bench):
        with pytest.raises(InvalidArgumentError) as refused:
            await bench.replay(after=b"x")
        assert refused.value.field == "after"

    async def test_without_a_stream_a_replay_is_refused_and_nothing_is_lost(self, profile, room, nats):
        await room.grant()
        await room.fold(room.door.message(rejected=[unknown()]))
        rule = contract.MendingRule(source=SHOP, named=NAMED, means="x", kind=1)
        await profile.PutMendingRule(contract.PutMendingRuleRequest(brand=BRAND, rules=[rule]))
        await nats.jetstream().delete_stream(messages.STREAM)
        with pytest.raises(RemoteError) as refused:
            await profile.ReplayQuarantine(contract.ReplayQuarantineRequest(brand=BRAND, count=10), timeout=10)
        assert refused.value.reason == "UNAVAILABLE"
        assert await room.books() == {"received": 1, "quarantined": 1}
