import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.recommendation.domain import Bounds
from services.recommendation.sums import WEEK_MS, WEEKS, Sums
from tests.unit.recommendation.town import BOUNDS, START_MS, lesson, taught, walks


def pair(sums: Sums, a: str, b: str) -> int:
    return int(sums.together[sums.slots[a], sums.slots[b]])


def follow(sums: Sums, a: str, b: str) -> int:
    return int(sums.followed[sums.slots[a], sums.slots[b]])


def by_name(sums: Sums) -> tuple[dict[str, int], dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    names = sums.items
    return (
        {name: int(sums.met[i]) for i, name in enumerate(names)},
        {(a, b): count for a in names for b in names if (count := pair(sums, a, b))},
        {(a, b): count for a in names for b in names if (count := follow(sums, a, b))},
    )


class TestLearn:
    def test_pairs_count_personas_and_the_diagonal_counts_meetings(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("tea", "cup"))
        sums.learn(lesson("cup"))
        assert (pair(sums, "tea", "cup"), pair(sums, "cup", "tea")) == (1, 1)
        assert (pair(sums, "cup", "cup"), pair(sums, "tea", "tea")) == (2, 1)

    def test_what_came_before_is_paired_and_not_counted_again(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("tea"))
        sums.learn(lesson("cup", before=("tea",)))
        assert (pair(sums, "tea", "cup"), pair(sums, "tea", "tea")) == (1, 1)

    def test_an_item_met_again_is_popular_and_not_paired_twice(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("tea", "cup"))
        sums.learn(lesson("tea", before=("tea", "cup")))
        assert (pair(sums, "tea", "cup"), int(sums.met[sums.slots["tea"]])) == (1, 1)
        assert int(sums.weeks[sums.slots["tea"]].sum()) == 2

    def test_nearer_followers_count_more(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("a", "b", "c"))
        assert (follow(sums, "a", "b"), follow(sums, "a", "c"), follow(sums, "b", "a")) == (60, 30, 0)

    def test_followers_are_found_across_lessons(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("a"))
        sums.learn(lesson("b", before=("a",)))
        assert follow(sums, "a", "b") == 60

    def test_what_was_not_wanted_adds_nothing(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("tea", weight=-1.0))
        assert (sums.interactions, sums.size) == (0, 0)

    @given(st.permutations(range(12)))
    def test_the_order_of_personas_does_not_matter(self, order):
        paths = walks(people=12)
        assert by_name(taught([paths[i] for i in order])) == by_name(taught(paths))

    @given(st.lists(st.integers(1, 4), max_size=6))
    def test_the_split_into_lessons_does_not_matter(self, cuts):
        path = walks(people=1)[0]
        split, at = Sums(BOUNDS), 0
        for cut in [*cuts, len(path)]:
            split.learn(lesson(*path[at : at + cut], before=tuple(path[:at])))
            at += cut
        assert by_name(split) == by_name(taught([path]))


class TestWeeks:
    def test_a_new_week_drops_the_oldest(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("tea", at_ms=START_MS))
        sums.learn(lesson("tea", at_ms=START_MS + (WEEKS - 1) * WEEK_MS))
        assert int(sums.weeks.sum()) == 2
        sums.learn(lesson("tea", at_ms=START_MS + WEEKS * WEEK_MS))
        assert int(sums.weeks.sum()) == 2

    def test_an_interaction_older_than_all_weeks_is_only_counted(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("tea", at_ms=START_MS))
        sums.learn(lesson("cup", at_ms=START_MS - WEEKS * WEEK_MS))
        assert (int(sums.weeks.sum()), sums.interactions) == (1, 2)


class TestRestore:
    def test_rows_and_pairs_restored_are_the_same_sums(self):
        sums = taught(walks())
        again = Sums(BOUNDS)
        again.restore([sums.row(item) for item in sums.items])
        again.together[:] = sums.together
        again.followed[:] = sums.followed
        assert by_name(again) == by_name(sums)
        assert again.items == sums.items
        assert np.array_equal(again.weeks, sums.weeks)


class TestMakeRoom:
    def test_an_item_met_often_takes_the_place_of_one_met_seldom(self):
        sums = Sums(Bounds(items=2, waiting=10, topics=4))
        sums.learn(lesson("a", "b"))
        sums.learn(lesson("a"))
        for _ in range(3):
            sums.learn(lesson("new"))
        assert "new" not in sums.slots
        slot = sums.slots["b"]
        assert sums.make_room() == [slot]
        assert sums.items[slot] == "new"
        assert (int(sums.met[slot]), sums.waiting["b"], pair(sums, "a", "new")) == (3, 1, 0)

    def test_a_place_given_is_not_taken_back_by_the_next_in_line(self):
        sums = Sums(Bounds(items=1, waiting=10, topics=4))
        sums.learn(lesson("a"))
        for item in ("b", "b", "b", "c", "c", "c"):
            sums.learn(lesson(item))
        assert len(sums.make_room()) == 1
        assert sums.make_room() == []

    def test_no_more_items_wait_than_may(self):
        sums = Sums(Bounds(items=1, waiting=2, topics=4))
        sums.learn(lesson("a", "b", "c", "d"))
        assert sorted(sums.waiting) == ["b", "c"]


class TestUnlearn:
    def test_what_is_taken_back_was_never_there(self):
        extra = [lesson("a1", "tea", "lamp"), lesson("lamp", "a3", before=("a1", "tea", "lamp"))]
        without, sums = taught(walks(people=40)), taught(walks(people=40))
        for each in extra:
            sums.learn(each)
        for each in extra:
            sums.unlearn(each)
        known = set(without.items)
        for one, other in zip(by_name(sums), by_name(without), strict=True):
            assert {key: count for key, count in one.items() if count} == {
                key: count for key, count in other.items() if count
            }
        assert sums.interactions == without.interactions
        assert all(int(sums.met[sums.slots[item]]) == 0 for item in set(sums.items) - known)

    def test_a_lesson_that_comes_after_it_was_taken_back_adds_up_to_nothing(self):
        sums = Sums(BOUNDS)
        sums.unlearn(lesson("tea", "cup"))
        sums.learn(lesson("tea", "cup"))
        assert not sums.together.any()
        assert not sums.followed.any()
        assert not sums.weeks.any()
        assert sums.interactions == 0
