from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.boundary import Crowd, Crowding, gather
from services.profile.views import View, Wish

_TOPICS = st.sampled_from(("a", "b", "c", "d"))
_VIEWS = st.builds(
    View,
    likes=st.lists(_TOPICS, max_size=3, unique=True).map(lambda topics: tuple(sorted(topics))),
    dislikes=st.lists(_TOPICS, max_size=1).map(tuple),
    recency_periods=st.integers(0, 2),
    day_part=st.sampled_from(("", "evening")),
    relationship=st.sampled_from(("", "affection")),
)
_CROWDS = st.dictionaries(_VIEWS, st.integers(1, 40), min_size=1, max_size=20)


def published(views, crowding):
    crowd = gather(views, crowding)
    told = Counter()
    for view, count in views.items():
        told[crowd.publish(view)] += count
    return told


def is_silent(view):
    return "likes" in view.withheld and not view.likes


class TestPublish:
    def test_what_enough_share_is_told_whole(self):
        view = View(likes=("comedy",), day_part="evening", kinds=(("bought", 4),))

        told = gather({view: 50}, Crowding(50)).publish(view)

        assert told == view

    def test_what_too_few_share_loses_time_first(self):
        evening, night = (View(likes=("comedy",), day_part=part) for part in ("evening", "night"))

        told = gather({evening: 30, night: 30}, Crowding(50)).publish(night)

        assert (told.likes, told.day_part) == (("comedy",), "")
        assert told.withheld == ("recency_periods", "day_part", "relationship")

    def test_a_relationship_is_told_of_many_or_of_nobody(self):
        fan, ruler = (View(likes=("comedy",), relationship=family) for family in ("affection", "power"))

        crowd = gather({fan: 60, ruler: 10, View(likes=("comedy",)): 60}, Crowding(50))

        assert crowd.publish(fan).relationship == "affection"
        assert (crowd.publish(ruler).relationship, crowd.publish(ruler).likes) == ("", ())

    def test_a_wish_of_ones_own_is_never_told(self):
        common, wishing = View(likes=("comedy",)), View(likes=("comedy",), wishes=(Wish("p-1", ("asked",)),))

        told = gather({common: 80, wishing: 1}, Crowding(50)).publish(wishing)

        assert told.wishes == ()

    def test_the_like_that_most_share_stays_longest(self):
        views = {View(likes=("drama", rare)): 20 for rare in ("noir", "war", "western")}

        told = gather(views, Crowding(50)).publish(View(likes=("drama", "western")))

        assert told.likes == ("drama",)

    def test_whoever_nobody_is_like_is_told_nothing_of(self):
        told = gather({View(likes=("drama",)): 60}, Crowding(50)).publish(View(likes=("noir",)))

        assert (told.likes, told.kinds) == ((), ())
        assert "likes" in told.withheld

    def test_before_anybody_counted_nothing_is_told(self):
        assert Crowd().publish(View(likes=("drama",))).likes == ()

    @given(_CROWDS)
    def test_nothing_is_told_of_fewer_than_k(self, views):
        told = published(views, Crowding(50))

        assert all(count >= 50 for view, count in told.items() if not is_silent(view))

    @given(_CROWDS)
    def test_those_told_nothing_of_are_many_while_anybody_of_one_like_can_join_them(self, views):
        told = published(views, Crowding(50))

        silent = sum(count for view, count in told.items() if is_silent(view))
        could_join = [view for view in told if "likes" in view.withheld and len(view.likes) == 1]
        assert silent == 0 or silent >= 50 or not could_join

    @pytest.mark.parametrize(("share", "likes"), [(0.0, ("noir",)), (0.5, ())])
    def test_a_share_of_the_audience_may_be_asked_for_too(self, share, likes):
        views = {View(likes=("drama",)): 400, View(likes=("noir",)): 60}

        told = gather(views, Crowding(50, share)).publish(View(likes=("noir",)))

        assert told.likes == likes
