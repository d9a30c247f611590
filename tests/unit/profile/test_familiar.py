import pytest

from services.profile.domain import Decision, Persona, Subject
from services.profile.familiar import Familiar, Known, Question


def question(name=b"ada"):
    return Question(Subject("oak", "app:shop", name * 4), ("personalise.world",), with_view=True, with_signals=False)


def known(answer="view", pid=b"ada", at_ms=0):
    allowed = Decision("personalise.world", is_allowed=True, reason="", sequence=1, record_id="r")
    return Known(Persona("oak", 1, pid), [allowed], answer, at_ms)


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
        familiar.keep(question(), known(), familiar.hints)
        assert familiar.get(question(), 10_000).answer == "view"
        assert familiar.get(question(), 10_001) is None
        assert familiar.get(question(), 0) is None

    def test_another_question_is_not_known(self, familiar):
        familiar.keep(question(), known(), familiar.hints)
        assert familiar.get(question()._replace(with_signals=True), 0) is None

    def test_a_hint_drops_whom_it_names(self, familiar):
        familiar.keep(question(), known(), familiar.hints)
        familiar.keep(question(b"bob"), known(pid=b"bob"), familiar.hints)
        familiar.hint([b"ada", b"eve"])
        assert familiar.get(question(), 0) is None
        assert familiar.get(question(b"bob"), 0) is not None

    def test_what_was_read_while_a_hint_came_is_not_kept(self, familiar):
        begun = familiar.hints
        familiar.hint([])
        familiar.keep(question(), known(), begun)
        assert familiar.get(question(), 0) is None

    def test_another_connection_knows_nothing(self, familiar, line):
        familiar.keep(question(), known(), begun := familiar.hints)
        line.number = 1
        assert familiar.hints != begun
        assert familiar.get(question(), 0) is None

    def test_without_a_connection_nothing_is_kept(self, familiar, line):
        line.number = None
        familiar.keep(question(), known(), familiar.hints)
        assert familiar.get(question(), 0) is None

    def test_the_one_used_longest_ago_goes(self, familiar):
        for name in (b"ada", b"bob"):
            familiar.keep(question(name), known(pid=name), familiar.hints)
        familiar.get(question(), 0)
        familiar.keep(question(b"eve"), known(pid=b"eve"), familiar.hints)
        assert [familiar.get(question(name), 0) is not None for name in (b"ada", b"bob", b"eve")] == [True, False, True]
