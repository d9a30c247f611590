import pytest

from maskenball.evaluate.interactions import FileFormatError, Interactions, read_interactions
from maskenball.evaluate.splits import Protocol, cases, split


def written(tmp_path, *lines):
    path = tmp_path / "interactions.tsv"
    path.write_text("".join(f"{line}\n" for line in lines))
    return read_interactions(path)


def told(user, *items, at=100):
    return [f"{user}\t{item}\t{at + i}\t5" for i, item in enumerate(items)]


class TestRead:
    def test_names_are_numbered_in_order_and_numbers_by_value(self, tmp_path):
        read = written(tmp_path, "10\tb\t1", "9\ta\t2.5\t4")
        assert read.users.tolist() == [1, 0]
        assert read.items.tolist() == [1, 0]
        assert read.at_ms.tolist() == [1000, 2500]

    def test_a_line_that_is_none_is_named(self, tmp_path):
        with pytest.raises(FileFormatError, match=":2: expected user, item, timestamp"):
            written(tmp_path, "1\t2\t3", "user\titem\twhen")

    def test_an_empty_file_is_refused(self, tmp_path):
        with pytest.raises(FileFormatError, match="empty"):
            written(tmp_path)


class TestLeaveOneOut:
    def test_the_last_interaction_of_each_user_is_asked_for(self, tmp_path):
        read = written(tmp_path, *told("u", "a", "b", "c"), *told("v", "c", "a", "b"), *told("w", "b", "c", "a"))
        asked = cases(read, split(read, Protocol.LOO))
        assert [(case.items, sorted(case.right)) for case in asked] == [([0, 1], [2]), ([2, 0], [1]), ([1, 2], [0])]

    def test_who_has_fewer_than_three_is_only_learnt_from(self, tmp_path):
        read = written(tmp_path, *told("u", "a", "b"), *told("v", "a", "b", "c"), *told("w", "c"))
        assert [case.items for case in cases(read, split(read, Protocol.LOO))] == [[0, 1]]

    def test_an_item_nobody_else_met_cannot_be_asked_for(self, tmp_path):
        read = written(tmp_path, *told("u", "a", "b", "rare"), *told("v", "a", "b"))
        assert cases(read, split(read, Protocol.LOO)) == []

    def test_order_in_the_file_breaks_ties_of_time(self, tmp_path):
        read = written(tmp_path, "u\ta\t1", "u\tb\t1", "u\tc\t1", "v\tc\t1")
        assert split(read, Protocol.LOO).asked.tolist() == [2]


class TestOtherProtocols:
    @pytest.mark.parametrize("protocol", list(Protocol))
    def test_every_interaction_is_on_one_side(self, tmp_path, protocol):
        read = written(tmp_path, *(line for user in range(5) for line in told(user, *range(20), at=user * 7)))
        parts = split(read, protocol)
        assert sorted([*parts.known.tolist(), *parts.asked.tolist()]) == list(range(100))

    def test_a_tenth_of_each_user_is_asked_for_at_random_and_always_the_same(self, tmp_path):
        read = written(tmp_path, *(line for user in range(3) for line in told(user, *range(20))))
        parts = split(read, Protocol.RANDOM)
        assert [int((read.users[parts.asked] == user).sum()) for user in range(3)] == [2, 2, 2]
        assert parts.asked.tolist() == split(read, Protocol.RANDOM).asked.tolist()

    def test_nothing_known_is_newer_than_what_is_asked_for(self, tmp_path):
        read = written(tmp_path, *(line for user in range(5) for line in told(user, *range(20), at=user * 7)))
        parts = split(read, Protocol.TEMPORAL)
        assert read.at_ms[parts.known].max() < read.at_ms[parts.asked].min()


def test_interactions_in_order_sorts_by_time_then_place(tmp_path):
    read = written(tmp_path, "u\ta\t2", "u\tb\t1", "u\tc\t2")
    assert isinstance(read, Interactions)
    assert read.in_order(read.users * 0 + [2, 0, 1]).tolist() == [1, 0, 2]
