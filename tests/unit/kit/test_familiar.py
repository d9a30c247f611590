import pytest

from kit.fence import Familiar, Known


def known(name=b"ada", answer="view", at_ms=0):
    return Known((name,), answer, at_ms)


class Line:
    """The connection on which hints come."""

    number = 0

    def __call__(self):
        return self.number


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def familiar(line):
    return Familiar(2, line)


class TestFamiliar:
    def test_what_was_read_is_known_for_ten_seconds(self, familiar):
        familiar.keep("who", known(), familiar.hints)
        assert familiar.get("who", 10_000) == "view"
        assert familiar.get("who", 10_001) is None
        assert familiar.get("who", 0) is None

    def test_another_question_is_not_known(self, familiar):
        familiar.keep("who", known(), familiar.hints)
        assert familiar.get("what", 0) is None

    def test_a_hint_drops_whom_it_names_by_any_name(self, familiar):
        familiar.keep("who", Known((b"ada", b"door"), "view", 0), familiar.hints)
        familiar.keep("bob", known(b"bob"), familiar.hints)
        familiar.hint([b"door", b"eve"])
        assert familiar.get("who", 0) is None
        assert familiar.get("bob", 0) is not None

    def test_what_was_read_while_its_hint_came_is_not_kept(self, familiar):
        begun = familiar.hints
        familiar.hint([b"ada"])
        familiar.keep("who", known(), begun)
        familiar.keep("bob", known(b"bob"), begun)
        assert (familiar.get("who", 0), familiar.get("bob", 0)) == (None, "view")

    def test_what_began_before_more_hints_than_are_remembered_is_not_kept(self, familiar):
        begun = familiar.hints
        familiar.hint([b"%d" % number for number in range(20_001)])
        familiar.keep("who", known(), begun)
        assert familiar.get("who", 0) is None
        familiar.keep("who", known(), familiar.hints)
        assert familiar.get("who", 0) == "view"

    def test_another_connection_knows_nothing(self, familiar, line):
        familiar.keep("who", known(), begun := familiar.hints)
        line.number = 1
        assert familiar.hints != begun
        assert familiar.get("who", 0) is None

    def test_what_was_read_over_another_connection_is_not_kept(self, familiar, line):
        begun = familiar.hints
        line.number = 1
        familiar.keep("who", known(), begun)
        assert familiar.get("who", 0) is None

    def test_without_a_connection_nothing_is_kept(self, familiar, line):
        line.number = None
        familiar.keep("who", known(), familiar.hints)
        assert familiar.get("who", 0) is None

    def test_the_one_used_longest_ago_goes(self, familiar):
        for name in ("ada", "bob"):
            familiar.keep(name, known(name.encode()), familiar.hints)
        familiar.get("ada", 0)
        familiar.keep("eve", known(b"eve"), familiar.hints)
        assert [familiar.get(name, 0) is not None for name in ("ada", "bob", "eve")] == [True, False, True]
