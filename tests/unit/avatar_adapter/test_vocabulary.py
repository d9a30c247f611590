import pytest

from avatar_adapter.domain import UnknownEventError, Visit
from avatar_adapter.vocabulary import WORLDS, Happening, Vocabulary
from contracts.interaction.v1.interaction_pb2 import Kind
from kit.packs import PackError

VISIT = Visit(b"v" * 16, b"e" * 16, "ada", 0, 4096, 500)


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary()


def happening(item="lamp"):
    return Happening("world:oak-street", VISIT, b"m" * 16, 1_795_000_000_000, item, ("light",))


class TestObserved:
    @pytest.mark.parametrize(
        ("event", "kind"),
        [
            ("seen", Kind.KIND_SEEN),
            ("tried", Kind.KIND_TRIED),
            ("bought", Kind.KIND_BOUGHT),
            ("dismissed", Kind.KIND_DISMISSED),
            ("removed", Kind.KIND_REMOVED),
            ("asked", Kind.KIND_ASKED),
            ("praised", Kind.KIND_PRAISED),
            ("complained", Kind.KIND_COMPLAINED),
            ("wished", Kind.KIND_WISHED),
            ("shared", Kind.KIND_SHARED),
        ],
    )
    def test_an_event_is_an_interaction(self, vocabulary, event, kind):
        interaction = vocabulary.observed(event, happening())

        assert interaction.kind == kind
        assert (interaction.source, interaction.eid, interaction.mid) == ("world:oak-street", b"e" * 16, b"m" * 16)
        assert (interaction.channel, interaction.item, interaction.topics) == ("world", "lamp", ("light",))

    @pytest.mark.parametrize("event", ["talked", "left"])
    def test_what_says_nothing_about_likes_is_no_interaction(self, vocabulary, event):
        assert vocabulary.observed(event, happening()) is None

    def test_an_event_without_item_has_none(self, vocabulary):
        assert vocabulary.observed("dismissed", happening("")).item is None

    def test_an_unknown_event_is_refused(self, vocabulary):
        with pytest.raises(UnknownEventError) as raised:
            vocabulary.observed("moonwalked", happening())
        assert raised.value.field == "e"


class TestStepped:
    @pytest.mark.parametrize(
        ("outcome", "kind"),
        [("done", Kind.KIND_TRIED), ("refused", Kind.KIND_DISMISSED), ("stopped", Kind.KIND_DISMISSED)],
    )
    def test_an_outcome_is_an_interaction_with_the_item(self, vocabulary, outcome, kind):
        assert vocabulary.stepped(outcome, happening()).kind == kind

    def test_being_ignored_is_none(self, vocabulary):
        assert vocabulary.stepped("ignored", happening()) is None

    def test_a_step_without_item_is_none(self, vocabulary):
        assert vocabulary.stepped("done", happening("")) is None


class TestMeant:
    @pytest.mark.parametrize(
        ("question", "kind"),
        [
            ("", "rec"),
            ("Ada, what do you recommend?", "rec"),
            ("Was empfiehlst du mir?", "rec"),
            ("How much does it cost?", "price"),
            ("Was kostet die Lampe?", "price"),
            ("Where is the lamp?", "where"),
            ("Wo steht die Lampe?", "where"),
            ("help!", "help"),
            ("Do you ship to Norway?", "faq"),
        ],
    )
    def test_words_tell_what_is_asked_for(self, vocabulary, question, kind):
        assert vocabulary.meant(question) == kind


class TestPack:
    def test_a_kind_that_does_not_exist_is_refused(self, tmp_path):
        broken = tmp_path / "worlds.yaml"
        broken.write_text(WORLDS.read_text().replace("tried: tried", "tried: sniffed"))

        with pytest.raises(PackError):
            Vocabulary(broken)
