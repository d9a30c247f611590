import pytest

from services.profile.candidate import CandidateRefusedError, NotReplayableError, Rule, load_candidate
from services.profile.domain import Kind
from services.profile.weights import PACK, KindWeight, load_weights

HEAD = "id: traits\nversion: tried\n"


@pytest.fixture
def load(tmp_path):
    def written(text):
        pack = tmp_path / "candidate.yaml"
        pack.write_text(text)
        return load_candidate(pack)

    return written


class TestCandidate:
    def test_the_live_pack_itself_changes_nothing(self):
        candidate = load_candidate(PACK)
        assert (candidate.weights, candidate.changes) == (load_weights(), ())

    def test_what_is_not_named_stays_as_it_is_live(self, load):
        candidate = load(HEAD + "kinds:\n  praised: {weight: 0.2}\n")
        live = load_weights()
        expected = [KindWeight(0.2) if number == Kind.PRAISED else each for number, each in enumerate(live)]
        assert candidate.weights == tuple(expected)
        assert candidate.changes == (("kinds.praised.weight", "0.7", "0.2"),)

    def test_kinds_and_topics_are_translated(self, load):
        candidate = load(
            HEAD + "translation:\n"
            "  kinds:\n    - {kind: seen, source: 'app:shop', to: asked}\n    - {kind: loyalty, to: null}\n"
            "  topics: {tea: drinks, misc: null}\n"
        )
        assert candidate.rules == (Rule(Kind.SEEN, Kind.ASKED, source="app:shop"), Rule(Kind.LOYALTY, None))
        assert candidate.topics == {"tea": "drinks", "misc": None}
        assert candidate.changes == (
            ("translation.kinds[0]", "seen app:shop", "asked"),
            ("translation.kinds[1]", "loyalty", "left out"),
            ("translation.topics.tea", "tea", "drinks"),
            ("translation.topics.misc", "misc", "left out"),
        )


class TestRefusal:
    @pytest.mark.parametrize(
        ("text", "field", "limit"),
        [
            (HEAD + "kinds:\n  bought: {weight: 1.5}", "kinds.bought.weight", "-1 to 1"),
            (HEAD + "kinds:\n  bought: {weight: .nan}", "kinds.bought.weight", "-1 to 1"),
            (HEAD + "kinds:\n  bought: {weight: true}", "kinds.bought.weight", "-1 to 1"),
            (HEAD + "kinds:\n  bought: {wish: 1}", "kinds.bought.weight", "-1 to 1"),
            (HEAD + "kinds:\n  asked: {weight: 0, wish: -0.1}", "kinds.asked.wish", "0 to 1"),
            (HEAD + "kinds:\n  rated: {weight: 1, scaled: 3}", "kinds.rated.scaled", "true or false"),
            (HEAD + "kinds:\n  rated: {weight: 1, scale: 3}", "kinds.rated.scale", "one of weight, wish, scaled"),
            (HEAD + "kinds: [seen]", "kinds", "names with values"),
            (HEAD + "translation: {kinds: {seen: asked}}", "translation.kinds", "a list of at most 1000"),
            (HEAD + "translation: {topics: {tea: 3}}", "translation.topics.tea", "1 to 128 characters"),
            (HEAD + "translation: {topic: {}}", "translation.topic", "one of kinds, topics"),
            ("version: '1'", "id", "1 to 128 characters"),
            ("id: a\nversion: 1", "version", "1 to 128 characters"),
            ("- a", "pack", "names with values"),
            ("", "pack", "names with values"),
        ],
    )
    def test_the_field_and_the_limit_are_named(self, load, text, field, limit):
        with pytest.raises(CandidateRefusedError) as refused:
            load(text)
        assert (refused.value.field, refused.value.limit) == (field, limit)

    @pytest.mark.parametrize(
        ("rule", "field"),
        [
            ("{kind: seen}", "translation.kinds[0].to"),
            ("{kind: sawn, to: asked}", "translation.kinds[0].kind"),
            ("{kind: identified, to: asked}", "translation.kinds[0].kind"),
            ("{kind: seen, to: joined}", "translation.kinds[0].to"),
            ("{kind: seen, to: [asked]}", "translation.kinds[0].to"),
            ("{kind: seen, to: asked, source: 3}", "translation.kinds[0].source"),
            ("{kind: seen, to: asked, event: x}", "translation.kinds[0].event"),
        ],
    )
    def test_a_rule_that_cannot_be_is_named(self, load, rule, field):
        with pytest.raises(CandidateRefusedError) as refused:
            load(HEAD + f"translation:\n  kinds:\n    - {rule}\n")
        assert refused.value.field == field

    def test_a_kind_that_does_not_exist_is_named(self, load):
        with pytest.raises(CandidateRefusedError) as refused:
            load(HEAD + "kinds:\n  bougth: {weight: 1}")
        assert refused.value.field == "kinds.bougth"
        assert "bought" in refused.value.limit

    @pytest.mark.parametrize("section", ["events", "fields"])
    def test_what_only_a_door_has_read_cannot_be_replayed(self, load, section):
        with pytest.raises(NotReplayableError) as refused:
            load(HEAD + f"{section}: {{product_viewed: {{kind: asked}}}}")
        assert refused.value.field == section

    @pytest.mark.parametrize("text", ["a: [", "a: \x01", "[" * 5_000, "a: 2026-13-45", "a: " + "x" * 70_000])
    def test_what_is_no_pack_at_all_is_refused(self, load, text):
        with pytest.raises(CandidateRefusedError):
            load(text)

    def test_a_file_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(CandidateRefusedError) as refused:
            load_candidate(tmp_path / "none.yaml")
        assert refused.value.field == "pack"
