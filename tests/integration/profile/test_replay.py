import asyncio
import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.profile.candidate import load_candidate
from services.profile.comparing import told
from services.profile.domain import COLLECT, SHARDS, Kind, Persona
from services.profile.replaying import Trial, Window
from services.profile.repository.histories import snapshot
from services.profile.use_cases.replay import Sources, replay
from services.profile.weights import load_weights
from tests.integration.profile.door import BRAND, SHOP, eid

NAMES = ("ada", "bob", "phone", "laptop")
KINDS = tuple(kind for kind in Kind if kind < Kind.IDENTIFIED)
FACTS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "age_ms": st.integers(0, 400 * 86_400_000),
        "item": st.none() | st.sampled_from(("pot", "cup")),
        "topics": st.lists(st.sampled_from(("tea", "rum", "cake")), max_size=3).map(tuple),
        "value": st.none() | st.floats(0, 1),
    }
)
STEPS = st.one_of(
    st.tuples(st.just("fold"), st.lists(st.tuples(st.sampled_from(NAMES), FACTS), min_size=1, max_size=9)),
    st.tuples(st.just("again"), st.integers(0, 99)),
    st.tuples(st.just("identify"), st.tuples(st.sampled_from(("ada", "bob")), st.sampled_from(("phone", "laptop")))),
    st.tuples(st.just("withdraw"), st.sampled_from(NAMES)),
    st.tuples(st.just("grant"), st.sampled_from(NAMES)),
)
PROGRAMS = st.lists(STEPS, min_size=2, max_size=8)


@pytest.fixture
def sources(stores):
    return Sources(stores.profile, stores.vault, stores.keyring, stores.consent)


@pytest.fixture
def replayed(sources, clock):
    async def run(candidate=None, window=None, shards=range(SHARDS)):
        trial = Trial(load_weights(), window or Window(), clock(), candidate)
        return await replay(sources, BRAND, shards, trial, lambda: None)

    return run


@pytest.fixture
def candidate(tmp_path):
    def written(text):
        (tmp_path / "candidate.yaml").write_text("id: traits\nversion: tried\n" + text)
        return load_candidate(tmp_path / "candidate.yaml")

    return written


async def checksums(room):
    """Every row of every table of both databases."""
    found = {}
    for open_database in (room.profile, room.vault):
        async with open_database() as connection:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (name,) in tables:
                found[name] = await connection.fetchval(
                    f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t"
                )
    return found


async def agreed(room):
    """The facets that may be read today and their interactions, as the truth and the rows have them."""
    rows = await room.rows("SELECT shard, pid, sum(events)::int FROM interaction_blocks GROUP BY shard, pid")
    personas = [Persona(BRAND, shard, pid) for shard, pid, _ in rows]
    masks = await room.stores.consent.check_many(BRAND, SHOP, [COLLECT], personas)
    allowed = [events for (_, _, events), mask in zip(rows, masks.allowed, strict=True) if mask]
    return len(allowed), sum(allowed)


class Program:
    """Runs the steps of a program through the real folder."""

    def __init__(self, room, tag):
        self.room = room
        self.tag = tag
        self.sent = []

    def name(self, name):
        return f"{self.tag}-{name}"

    async def step(self, step, what):
        room, door = self.room, self.room.door
        # Of what is said at the same moment, no counts.
        room.clock.ms += 1
        match step:
            case "grant":
                await room.grant(self.name(what))
            case "withdraw":
                await room.withdraw(self.name(what))
            case "identify":
                user, anonymous = map(self.name, what)
                said = door.event(user, Kind.IDENTIFIED, item=None, topics=(), other=eid(anonymous))
                await room.fold(door.message(said))
            case "fold":
                events = [self.event(name, **facts) for name, facts in what]
                self.sent += events
                await room.fold(door.message(*events))
            case "again":
                chance = random.Random(what)
                if self.sent:
                    await room.fold(door.message(*(chance.choice(self.sent) for _ in range(3))))

    def event(self, name, *, age_ms, **facts):
        return self.room.door.event(self.name(name), at_ms=self.room.clock() - age_ms, **facts)


class TestPrograms:
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(program=PROGRAMS)
    async def test_recomputed_is_live_bit_for_bit(self, room, replayed, program):
        run = Program(room, os.urandom(4).hex())
        for name in NAMES[:3]:
            await room.grant(run.name(name))
        for step, what in program:
            await run.step(step, what)
        before = await checksums(room)
        tally = await replayed()
        assert (tally.matching, tally.interactions) == await agreed(room)
        assert (tally.differing, tally.unreadable, tally.first) == (0, 0, None)
        assert await checksums(room) == before


class TestCandidate:
    async def test_one_weight_changes_just_what_hangs_on_it(self, room, replayed, candidate):
        for number in range(50):
            await room.grant(f"n{number}")
        praise = [room.door.event(f"n{n}", Kind.PRAISED, topics=("tea",), item="pot") for n in range(30)]
        bought = [room.door.event(f"n{n}", Kind.BOUGHT, topics=("cake",), item="bun") for n in range(30, 50)]
        await room.fold(room.door.message(*praise, *bought))
        answer = told(await replayed(candidate("kinds: {praised: {weight: 0.1}}")), is_whole=True)
        assert answer["check"] == {"matching": 50, "differing": 0, "first_difference": None}
        assert (answer["personas"], answer["facets_changed"]) == (50, 30)
        assert {name: count for name, count in answer["changed"].items() if count} == {"any": 30, "likes": 30}
        assert answer["lost"] == {"likes": {"tea": 30}, "dislikes": {}, "wishes": {}, "kinds": {}}
        assert not any(answer["gained"].values())

    async def test_a_kind_can_become_another(self, room, replayed, candidate):
        for number in range(20):
            await room.grant(f"n{number}")
        await room.fold(room.door.message(*(room.door.event(f"n{n}", Kind.SEEN) for n in range(20))))
        tried = candidate("translation: {kinds: [{kind: seen, to: bought}], topics: {drinks: liquids}}")
        answer = told(await replayed(tried), is_whole=True)
        assert answer["gained"]["kinds"] == {"bought>=1": 20}
        assert answer["lost"]["kinds"] == {"seen>=1": 20}
        assert answer["gained"]["likes"] == {"liquids": 20}

    async def test_linked_facets_are_one_persona(self, room, replayed, candidate):
        for name in ("phone", "ada"):
            await room.grant(name)
        said = room.door.event("ada", Kind.IDENTIFIED, item=None, topics=(), other=eid("phone"))
        await room.fold(room.door.message(room.door.event("phone"), room.door.event("ada"), said))
        tally = await replayed(candidate("kinds: {seen: {weight: 0.9}}"))
        assert (tally.personas, tally.facets, tally.matching, tally.interactions) == (1, 2, 2, 3)
        assert tally.changed["likes"] == 1

    async def test_a_window_bounds_what_is_folded(self, room, replayed, clock):
        await room.grant("ada")
        old, new = (room.door.event("ada", at_ms=clock() - age) for age in (9_000, 1_000))
        await room.fold(room.door.message(old, new))
        tally = await replayed(window=Window(clock() - 5_000, None))
        assert (tally.interactions, tally.folded, tally.matching, tally.differing) == (2, 1, 0, 0)


class TestConsent:
    async def test_whoever_has_withdrawn_is_not_read(self, room, replayed):
        for name in ("ada", "bob"):
            await room.grant(name)
        await room.fold(room.door.message(room.door.event("ada"), room.door.event("bob")))
        await room.withdraw("ada", COLLECT)
        # Even bytes that would not open are never looked at.
        persona = (await room.bound("ada")).persona
        async with room.profile() as connection:
            await connection.execute("UPDATE interaction_blocks SET body = 'x' WHERE pid = $1", persona.pid)
        tally = await replayed()
        assert (tally.facets, tally.withheld, tally.matching, tally.unreadable) == (1, 1, 1, 0)
        room.clock.ms += 1
        await room.grant("ada")
        assert (await replayed()).unreadable == 1

    async def test_without_its_shard_key_a_facet_is_gone(self, room, replayed):
        await room.grant("ada")
        await room.fold(room.door.message(room.door.event("ada")))
        family = f"shard-{(await room.bound('ada')).persona.shard:02d}"
        room.stores.keyring.destroy(family, room.stores.keyring.current(family).version)
        tally = await replayed()
        assert (tally.facets, tally.withheld) == (0, 1)

    async def test_without_its_data_key_a_facet_is_gone(self, room, replayed):
        await room.grant("ada")
        await room.fold(room.door.message(room.door.event("ada")))
        async with room.vault() as connection:
            await connection.execute("DELETE FROM personas")
        tally = await replayed()
        assert (tally.facets, tally.withheld, tally.interactions) == (0, 0, 0)


class TestHealth:
    async def test_a_facet_that_is_not_its_history_is_found(self, room, replayed):
        for name in ("ada", "bob"):
            await room.grant(name)
        await room.fold(room.door.message(room.door.event("ada"), room.door.event("bob")))
        kept = await room.rows("SELECT * FROM facets")
        await room.fold(room.door.message(room.door.event("ada", Kind.BOUGHT)))
        persona = (await room.bound("ada")).persona
        (body,) = (row["body"] for row in kept if row["pid"] == persona.pid)
        async with room.profile() as connection:
            await connection.execute("UPDATE facets SET body = $1, blocks = 2 WHERE pid = $2", body, persona.pid)
        tally = await replayed()
        assert (tally.matching, tally.differing, tally.first.shard) == (1, 1, persona.shard)
        assert tally.first.parts == ("likes", "channels", "kinds", "wishes", "last", "bought_on")

    async def test_a_facet_that_is_lost_is_found(self, room, replayed):
        await room.grant("ada")
        await room.fold(room.door.message(room.door.event("ada")))
        async with room.profile() as connection:
            await connection.execute("DELETE FROM facets")
        assert (await replayed()).first.parts == ("facet",)

    async def test_folding_meanwhile_looks_like_no_difference(self, room, replayed):
        for name in NAMES:
            await room.grant(name)
        await room.fold(room.door.message(*map(room.door.event, NAMES)))

        seen = []

        async def fold_on():
            while len({tally.interactions for tally in seen}) < 4:
                await room.fold(room.door.message(*map(room.door.event, NAMES)))

        folding = asyncio.create_task(fold_on())
        while not folding.done():
            seen.append(await replayed(shards={eid(name)[0] % SHARDS for name in NAMES}))
        await folding
        assert [(tally.matching, tally.differing) for tally in seen] == [(len(NAMES), 0)] * len(seen)


class TestReadOnly:
    async def test_a_replay_cannot_write(self, stores):
        with pytest.raises(Exception, match="read-only transaction"):
            async with snapshot(stores.profile) as connection:
                await connection.execute("DELETE FROM facets")

    async def test_shards_add_up(self, room, replayed):
        for number in range(9):
            await room.grant(f"n{number}")
        await room.fold(room.door.message(*(room.door.event(f"n{n}") for n in range(9))))
        halves = [await replayed(shards=shards) for shards in (range(32), range(32, SHARDS))]
        halves[0].add(halves[1])
        assert halves[0] == await replayed()
