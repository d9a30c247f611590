import os
from dataclasses import dataclass, field

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.interaction.v1.payload import Interaction
from services.profile import sealed
from services.profile.candidate import Candidate, Rule
from services.profile.domain import Batch, Bound, Kind, Persona
from services.profile.folding import Books, Known, admit, first_of_each, share_out
from services.profile.replaying import Refolded, Trial, Window, translated
from services.profile.stored import Stored
from services.profile.traits import Traits, absorb, decode, encode
from services.profile.weights import KindWeight, load_weights
from tests.unit.profile.interactions import HISTORIES, interactions

WEIGHTS = load_weights()
KEY = bytes(32)
NAMES = tuple(bytes([number]) * 16 for number in range(4))
SHOP = "app:shop"
DECODER = msgspec.msgpack.Decoder(list[Stored])
EVENTS = st.lists(st.tuples(st.sampled_from(NAMES), interactions()), max_size=12)
STEPS = st.one_of(
    st.tuples(st.sampled_from(("grant", "withdraw")), st.sampled_from(NAMES)),
    st.tuples(st.just("fold"), EVENTS),
    st.tuples(st.just("again"), st.integers(0, 2**16)),
)
PROGRAMS = st.lists(STEPS, max_size=12)
CANDIDATE = Candidate(
    "traits",
    "tried",
    tuple(KindWeight(0.9, 0.3) if number == Kind.SEEN else each for number, each in enumerate(WEIGHTS)),
    (Rule(Kind.SEEN, Kind.ASKED, channel="ios"), Rule(Kind.TRIED, None), Rule(Kind.PRAISED, Kind.COMPLAINED, "app:no")),
    {"a": "b", "c": None},
)


@dataclass
class Shop:
    """The pure parts of the folder around a dictionary of sealed bytes."""

    allowing: set[bytes] = field(default_factory=lambda: set(NAMES[:2]))
    known: set = field(default_factory=set)
    sent: list = field(default_factory=list)
    facets: dict = field(default_factory=dict)
    tried: dict = field(default_factory=dict)
    blocks: dict = field(default_factory=dict)

    def run(self, program, chance):
        for step, what in program:
            match step:
                case "grant":
                    self.allowing.add(what)
                case "withdraw":
                    self.allowing.discard(what)
                case "fold":
                    self.fold([replace_eid(each, eid) for eid, each in what])
                case "again":
                    chance.seed(what)
                    self.fold([chance.choice(self.sent) for _ in range(3) if self.sent])

    def fold(self, events):
        self.sent += events
        batch = Batch(1, os.urandom(16), 0, (), events, ())
        collecting = {(SHOP, name): bound(name) for name in self.allowing}
        books = Books()
        first = first_of_each(admit(0, [batch], Known(collecting, collecting), books), frozenset(), books)
        new = first.keys() - self.known
        self.known |= new
        for pid, share in share_out(first, new, books).items():
            live = decode(self.facets.get(pid, encode(Traits())))
            absorb(live, share.interactions, WEIGHTS)
            self.facets[pid] = encode(live)
            block = sealed.seal_block(KEY, share.bound.persona, batch.batch_id, share.interactions)
            self.blocks.setdefault(pid, []).append((batch.batch_id, block))

    def refolded(self, pid, trial, chance):
        blocks = list(self.blocks[pid])
        chance.shuffle(blocks)
        refolded = Refolded()
        for block_id, block in blocks:
            refolded.add(sealed.open_block(KEY, bound(pid).persona, block_id, block), trial)
        refolded.settle(trial)
        return refolded


def bound(name):
    return Bound(Persona("oak", name[0] % 64, name), 1, "1", b"", "1")


def replace_eid(each, eid):
    return Interaction(
        SHOP, eid, each.mid, each.kind, each.at_ms, each.channel, each.item, each.topics, each.value, each.other
    )


class TestPrograms:
    @settings(max_examples=200)
    @given(PROGRAMS, st.randoms(use_true_random=False))
    def test_recomputed_is_incremental_bit_for_bit(self, program, chance):
        shop = Shop()
        shop.run(program, chance)
        trial = Trial(WEIGHTS, Window(), 0)
        for pid, live in shop.facets.items():
            assert encode(shop.refolded(pid, trial, chance).live) == live

    @settings(max_examples=100)
    @given(PROGRAMS, st.randoms(use_true_random=False), st.lists(st.integers(0, 60), max_size=4))
    def test_a_candidate_folded_in_any_split_is_the_candidate_folded_live(self, program, chance, cuts):
        shop = Shop()
        shop.run(program, chance)
        trial = Trial(WEIGHTS, Window(), 0, CANDIDATE)
        for pid in shop.facets:
            refolded = shop.refolded(pid, trial, chance)
            assert encode(refolded.live) == shop.facets[pid]
            assert encode(refolded.candidate) == one_by_one(shop, pid, cuts)

    @given(HISTORIES)
    def test_the_live_pack_as_candidate_changes_nothing(self, history):
        same = Candidate("traits", "same", WEIGHTS)
        refolded = Refolded()
        refolded.add(block_of(history), trial := Trial(WEIGHTS, Window(), 0, same))
        refolded.settle(trial)
        assert encode(refolded.live) == encode(refolded.candidate)

    @given(HISTORIES, st.integers(0, 10**12), st.integers(0, 10**12))
    def test_a_window_folds_what_lies_in_it_and_nothing_else(self, history, one, other):
        window = Window(min(one, other), max(one, other))
        refolded = Refolded()
        refolded.add(block_of(history), trial := Trial(WEIGHTS, window, 0))
        refolded.settle(trial)
        expected = Traits()
        inside = [each for each in history if window.from_ms <= each.at_ms < window.until_ms]
        absorb(expected, inside, WEIGHTS)
        assert encode(refolded.live) == encode(expected)
        assert (refolded.interactions, refolded.folded) == (len(history), len(inside))


def one_by_one(shop, pid, cuts):
    """What an incremental folder makes of the same history under the candidate, encoded in between."""
    meant = [
        each
        for block_id, body in shop.blocks[pid]
        for each in DECODER.decode(sealed.open_block(KEY, bound(pid).persona, block_id, body))
    ]
    traits = Traits()
    for at, each in enumerate(translated(meant, CANDIDATE)):
        absorb(traits, [each], CANDIDATE.weights)
        if at in cuts:
            traits = decode(encode(traits))
    return encode(traits)


def block_of(history):
    persona = Persona("oak", 0, bytes(16))
    return sealed.open_block(KEY, persona, bytes(16), sealed.seal_block(KEY, persona, bytes(16), history))


class TestTranslation:
    def test_the_first_rule_that_fits_counts(self):
        rules = (Rule(Kind.SEEN, Kind.ASKED, "app:shop", "web"), Rule(Kind.SEEN, None, "app:shop"))
        candidate = Candidate("traits", "tried", WEIGHTS, rules)
        told = [(SHOP, "web"), (SHOP, "ios"), ("app:news", "web")]
        seen = [Stored(source, b"", Kind.SEEN, 0, channel, None, (), None, None) for source, channel in told]
        assert [(each.source, each.kind) for each in translated(seen, candidate)] == [
            (SHOP, Kind.ASKED),
            ("app:news", Kind.SEEN),
        ]

    def test_topics_that_become_one_count_once(self):
        candidate = Candidate("traits", "tried", WEIGHTS, (), {"tea": "drinks", "misc": None})
        seen = Stored(SHOP, b"", Kind.SEEN, 0, "web", None, ("drinks", "tea", "misc", "cake"), None, None)
        (each,) = translated([seen], candidate)
        assert each.topics == ("drinks", "cake")
