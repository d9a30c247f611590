from dataclasses import replace

import pytest

from contracts.interaction.v1.payload import Interaction, Quarantined, Remains
from services.profile.domain import Batch, BooksLine, Bound, Kind, Persona, Poison
from services.profile.folding import (
    HOUR_MS,
    Books,
    Known,
    admit,
    first_events,
    first_of_each,
    identifications,
    lesson_of,
    received,
    shards_of,
    share_out,
    statements,
    unseen,
)
from services.profile.traits import Traits, absorb
from services.profile.weights import load_weights

SHOP = "app:shop"
ADA = bytes([1]) * 16


def event(mid=1, name=ADA, kind=Kind.SEEN, **facts):
    return Interaction(SHOP, name, mid.to_bytes(16, "big"), kind, **{"at_ms": mid, "channel": "web", **facts})


def batch(*events, sequence=1, batch_id=b"b" * 16, sealed_at_ms=HOUR_MS + 5):
    return Batch(sequence, batch_id, sealed_at_ms, ((SHOP, len(events)),), events, ())


def collecting(bound):
    return Known(bound, bound)


def bound(name=b"p"):
    return Bound(Persona("oak", 1, name * 16), 1, "1", b"", "1")


class TestUnseen:
    def test_what_is_behind_the_position_or_known_is_left_out(self):
        old, known, twice, new = (
            batch(sequence=s, batch_id=bytes([b]) * 16) for s, b in ((1, 1), (5, 2), (6, 3), (7, 3))
        )
        assert unseen([old, known, twice, new], 4, {bytes([2]) * 16}) == [twice]

    def test_poison_without_a_batch_is_told_apart_by_its_place(self):
        poison = [Poison(sequence, "NOT_AN_ENVELOPE", b"") for sequence in (1, 2)]
        assert unseen(poison, 0, set()) == poison


class TestShards:
    def test_all_ids_that_are_told_of_are_held(self):
        did, mended, refused = (event(name=bytes([first]) * 16) for first in (1, 2, 67))
        left = Remains(refused.eid, 1, "web", b"n" * 16)
        told = [
            Quarantined(SHOP, b"m" * 16, reason, "event", remains) for reason, remains in (("a", left), ("b", None))
        ]
        assert shards_of([replace(batch(did), rejected=told, mended=[mended])]) == {1, 2, 3}
        assert not shards_of([])


class TestFirstEvents:
    def test_everybody_is_met_once_whatever_they_did(self):
        ada, bob = event(1, former=((1, ADA),)), event(2, name=b"B" * 16)
        assert first_events([batch(ada, bob), batch(event(3))]) == {(SHOP, ADA): ada, (SHOP, bob.eid): bob}


class TestStatements:
    def test_the_last_word_counts_whatever_the_order(self):
        said = [event(2, granted=("x",)), event(3, withdrawn=("x",)), event(1, granted=("x", "y"))]
        for order in (said, said[::-1]):
            assert statements([batch(*order)]) == {(SHOP, ADA): {"x": (3, False), "y": (1, True)}}

    def test_at_the_same_time_no_counts(self):
        both = [event(1, granted=("x",)), event(1, withdrawn=("x",))]
        for order in (both, both[::-1]):
            assert statements([batch(*order)]) == {(SHOP, ADA): {"x": (1, False)}}


class TestWords:
    SAID = event(1, kind=Kind.PRAISED, stances=(-8, -4, -8, 8, -8))

    def told(self, heard):
        everybody = {(SHOP, ADA): bound()}
        return [each.interaction for each in admit(3, [batch(self.SAID)], Known(everybody, everybody, heard), Books())]

    def test_what_was_said_counts_where_it_may(self):
        assert self.told({(SHOP, ADA)}) == [self.SAID]

    def test_otherwise_the_deed_alone_counts(self):
        assert self.told(frozenset()) == [event(1, kind=Kind.PRAISED)]


class TestBooks:
    def test_every_event_gets_one_fate(self):
        books = Books()
        told = batch(event(1), event(1), event(2), event(3, name=bytes(16)))
        poison = Poison(2, "UNSEALABLE", b"", b"c" * 16, HOUR_MS, ((SHOP, 3),))
        received(3, [told, poison], books)
        first = first_of_each(admit(3, [told], collecting({(SHOP, ADA): bound()}), books), set(), books)
        share_out(first, {(1, (1).to_bytes(16, "big"))}, books)
        assert books.lines() == [
            (3, BooksLine(SHOP, HOUR_MS, received=7, stored=1, duplicate=2, quarantined=3, suppressed=1))
        ]


class TestTurnedKeys:
    OLD, NEW = event(1), event(2, former_mids=(event(1).mid,))

    @pytest.mark.parametrize("order", [(OLD, NEW), (NEW, OLD), (NEW, NEW), (OLD, NEW, OLD)])
    def test_an_event_that_comes_under_two_keys_counts_once(self, order):
        books = Books()
        first = first_of_each(admit(0, [batch(*order)], collecting({(SHOP, ADA): bound()}), books), set(), books)
        [share] = share_out(first, set(first), books).values()
        assert share.interactions == [order[0]]
        [(_, line)] = books.lines()
        assert (line.stored, line.duplicate) == (1, len(order) - 1)

    @pytest.mark.parametrize("known", [OLD.mid, NEW.mid])
    def test_whichever_identity_was_there_before(self, known):
        first = first_of_each(admit(0, [batch(self.NEW)], collecting({(SHOP, ADA): bound()}), Books()), set(), Books())
        assert share_out(first, set(first) - {(1, known)}, Books()) == {}


class TestSharing:
    def test_each_persona_gets_its_own(self):
        other = bytes([2]) * 16
        allowing = {(SHOP, ADA): bound(b"p"), (SHOP, other): bound(b"q")}
        admitted = admit(0, [batch(event(1), event(2, name=other), event(3))], collecting(allowing), Books())
        first = first_of_each(admitted, set(), Books())
        shares = share_out(first, set(first), Books())
        assert {pid: len(share.interactions) for pid, share in shares.items()} == {b"p" * 16: 2, b"q" * 16: 1}

    def test_identifications_come_oldest_first_and_name_somebody_else(self):
        events = [
            event(3, kind=Kind.IDENTIFIED, other=b"x" * 16),
            event(1, kind=Kind.IDENTIFIED, other=b"y" * 16),
            event(2, kind=Kind.IDENTIFIED, other=ADA),
            event(4, kind=Kind.IDENTIFIED),
        ]
        first = first_of_each(admit(0, [batch(*events)], collecting({(SHOP, ADA): bound()}), Books()), set(), Books())
        said = identifications(share_out(first, set(first), Books()).values())
        assert [each.other for each, _ in said] == [b"y" * 16, b"x" * 16]


class TestLessons:
    def test_items_before_and_what_is_new(self):
        weights = load_weights()
        traits = Traits()
        absorb(traits, [event(1, item="a"), event(2), event(3, item="b")], weights)
        lesson = lesson_of(traits, [event(5, item="d", kind=Kind.BOUGHT), event(4, item="c"), event(6)], weights)
        assert lesson.before == ("a", "b")
        assert [(each.item, each.weight) for each in lesson.learnt] == [("c", 0.1), ("d", 1.0)]

    def test_without_items_there_is_nothing_to_learn(self):
        assert lesson_of(Traits(), [event(1)], load_weights()) is None
