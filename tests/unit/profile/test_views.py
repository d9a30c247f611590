import os

from hypothesis import given
from hypothesis import strategies as st

from contracts.interaction.v1.payload import Interaction
from services.profile.decay import DAY_MS
from services.profile.domain import Kind
from services.profile.traits import Traits, absorb, decode, encode
from services.profile.views import Wish, leanings, signals, view
from services.profile.weights import load_weights
from tests.unit.profile.interactions import HISTORIES

WEIGHTS = load_weights()
NOW = 1_750_000_000_000


def did(kind, item=None, *topics, days_ago=0.0, channel="web", value=None, at=None):
    moment = int(NOW - days_ago * DAY_MS) if at is None else at
    return Interaction("app:shop", bytes(16), os.urandom(16), kind, moment, channel, item, topics, value)


def traits_of(*history):
    traits = Traits()
    absorb(traits, history, WEIGHTS)
    return traits


def seen(*history):
    return view(traits_of(*history), NOW)


class TestLeanings:
    def test_at_most_three_in_alphabetical_order(self):
        history = [did(Kind.BOUGHT, None, topic) for topic in ("d", "c", "b", "a", "a", "b", "c")]
        assert seen(*history).likes == ("a", "b", "c")

    def test_a_glance_is_no_liking(self):
        assert seen(did(Kind.SEEN, None, "tea")).likes == ()

    def test_what_was_removed_is_disliked(self):
        shown = seen(did(Kind.REMOVED, None, "gin"), did(Kind.BOUGHT, None, "tea"))
        assert (shown.likes, shown.dislikes) == (("tea",), ("gin",))

    def test_more_liked_than_disliked_is_liked(self):
        shown = seen(*(did(Kind.BOUGHT, None, "tea") for _ in range(3)), did(Kind.COMPLAINED, None, "tea"))
        assert (shown.likes, shown.dislikes) == (("tea",), ())

    def test_a_rating_counts_as_far_as_it_goes(self):
        shown = seen(did(Kind.RATED, None, "tea", value=1.0), did(Kind.RATED, None, "gin", value=0.0))
        assert (shown.likes, shown.dislikes) == (("tea",), ("gin",))
        assert seen(did(Kind.RATED, None, "tea", value=0.5)).likes == ()

    def test_likes_of_long_ago_fade(self):
        assert leanings(traits_of(did(Kind.BOUGHT, None, "tea", days_ago=900)), NOW) == ((), ())


class TestWishes:
    def test_evidence_comes_strongest_first(self):
        shown = seen(did(Kind.SEARCHED, "pot"), did(Kind.WISHED, "pot"), did(Kind.ASKED, "pot"))
        assert shown.wishes == (Wish("pot", ("wished", "asked", "searched")),)

    def test_a_wish_that_came_true_is_none(self):
        assert seen(did(Kind.WISHED, "pot", days_ago=2), did(Kind.BOUGHT, "pot", days_ago=1)).wishes == ()

    def test_wished_again_after_buying_is_one(self):
        shown = seen(did(Kind.BOUGHT, "pot", days_ago=2), did(Kind.WISHED, "pot", days_ago=1))
        assert [wish.ref for wish in shown.wishes] == ["pot"]

    def test_without_item_the_topics_are_wished_for(self):
        assert [wish.ref for wish in seen(did(Kind.SEARCHED, None, "tea", "tea")).wishes] == ["tea"]

    def test_at_most_three(self):
        assert len(seen(*(did(Kind.WISHED, f"item{number}") for number in range(9))).wishes) == 3


class TestCoarseness:
    def test_recency_in_whole_periods(self):
        assert seen(did(Kind.SEEN, days_ago=29)).recency_periods == 0
        assert seen(did(Kind.SEEN, days_ago=31)).recency_periods == 1

    def test_counts_in_powers_of_two(self):
        assert seen(*(did(Kind.SEEN) for _ in range(7)), did(Kind.BOUGHT)).kinds == (("bought", 1), ("seen", 4))

    def test_who_is_who_is_not_shown(self):
        assert seen(did(Kind.IDENTIFIED), did(Kind.JOINED)).kinds == ()

    def test_channels_in_order_of_use(self):
        history = [
            did(Kind.SEEN, channel=name)
            for name in ("ios", "web", "web", "store", "mail", "web", "ios", "mail", "mail")
        ]
        assert seen(*history).channels[:3] == ("mail", "web", "ios") or seen(*history).channels[0] in {"mail", "web"}
        assert len(seen(*history).channels) == 3

    def test_the_part_of_the_day_only_when_one_stands_out(self):
        midnight = NOW // DAY_MS * DAY_MS
        evening = [did(Kind.SEEN, at=midnight + 20 * 3_600_000) for _ in range(4)]
        spread = [did(Kind.SEEN, at=midnight + hour * 3_600_000) for hour in (1, 7, 13, 19)]
        assert seen(*evening).day_part == "evening"
        assert seen(*spread).day_part == ""
        assert seen(evening[0]).day_part == ""

    def test_nothing_shows_nothing(self):
        shown = seen()
        assert (shown.likes, shown.wishes, shown.recency_periods, shown.kinds, shown.channels) == ((), (), 0, (), ())


class TestStability:
    @given(HISTORIES, st.integers(0, 2**43))
    def test_a_view_depends_on_the_traits_alone(self, history, at_ms):
        traits = traits_of(*history)
        assert view(traits, at_ms) == view(decode(encode(traits)), at_ms)

    @given(HISTORIES)
    def test_signals_are_items_oldest_first(self, history):
        found = signals(traits_of(*history))
        assert [each.at_ms for each in found] == sorted(each.at_ms for each in found)
        assert all(each.item and -1 <= each.weight <= 1 for each in found)


class TestCorrections:
    def test_what_the_person_says_outranks_whatever_was_inferred(self):
        history = [did(Kind.BOUGHT, None, topic) for topic in ("a", "b", "c", "d") for _ in range(9)]
        history += [did(Kind.SEEN, None, "tea"), did(Kind.CORRECTED, None, "tea", value=1.0)]
        history += [did(Kind.CORRECTED, None, "a", value=0.0), did(Kind.CORRECTED, None, "b", value=0.5)]
        shown = seen(*history)
        assert (shown.likes, shown.dislikes) == (("c", "d", "tea"), ("a",))

    def test_a_wish_is_taken_back_and_may_be_wished_again(self):
        wish, taken_back = did(Kind.WISHED, "pot", days_ago=2), did(Kind.CORRECTED, None, "pot", value=0.5, days_ago=1)
        assert seen(wish, taken_back).wishes == ()
        assert [each.ref for each in seen(wish, taken_back, did(Kind.WISHED, "pot")).wishes] == ["pot"]
