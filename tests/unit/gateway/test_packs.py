"""Packs: what is wrong in them is found when they are read, not when an event comes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import sources, vocabulary
from gateway.sources import load_sources
from gateway.vocabulary import load_vocabulary
from kit.packs import PackError


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Path, str, str], Path]:
    """A pack with one text replaced by another."""

    def change(pack: Path, old: str, new: str) -> Path:
        content = pack.read_text()
        assert old in content
        (tmp_path / pack.name).write_text(content.replace(old, new, 1))
        return tmp_path / pack.name

    return change


class TestVocabulary:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("kind: seen", "kind: gazed"),
            ("{kind: seen,", "{kind: seen, text: [text],"),
            ("analytics.js: web", "analytics.js: paper"),
            ("topics:\n", "subjects:\n"),
        ],
    )
    def test_mistake_is_named(self, changed: Callable[[Path, str, str], Path], old: str, new: str) -> None:
        with pytest.raises(PackError):
            load_vocabulary(changed(vocabulary.PACK, old, new))

    def test_has_every_kind_an_app_can_tell_by_its_own_name(self) -> None:
        known = load_vocabulary()
        names = "seen searched wished tried asked praised complained bought returned rated dismissed removed shared"
        for name in (*names.split(), "answered-survey", "answered_survey", "used-feature", "Used Feature", "loyalty"):
            assert known.rule(name) is not None

    def test_topics_are_one_word_each_way(self) -> None:
        known = load_vocabulary()
        assert known.topics(["Apparel/Shoes", " Science Fiction ", "sci-fi", 5, "nonsense"]) == (
            "clothing",
            "shoes",
            "sci-fi",
        )
        assert known.topics_of_words("Red SHOES, board games and a fair trade tea!") == (
            "games",
            "sustainability",
            "shoes",
            "food",
        )


class TestSources:
    def test_unknown_purpose_is_named(self, changed: Callable[[Path, str, str], Path]) -> None:
        with pytest.raises(PackError, match="sharing"):
            load_sources(changed(sources.PACK, "sharing: [share.brand_profile]", "sharing: [share.everything]"))

    def test_what_a_source_does_not_say_is_as_the_default_says(self, changed: Callable[[Path, str, str], Path]) -> None:
        rules = 'sources:\n  "app:shop":\n    durability: 1'
        known = load_sources(changed(sources.PACK, "sources: {}", rules))
        assert known.consent_categories("app:shop") is known.consent_categories("app:forum")
        assert (known.durability_class("app:shop"), known.durability_class("app:forum")) == (1, 2)
        assert known.durability_classes == {1, 2}

    def test_so_are_packs_and_item_ids(self, changed: Callable[[Path, str, str], Path]) -> None:
        said = "default:\n  vocabularies: [support]\n  item_ids: [digits-13]"
        path = changed(sources.PACK, "default:", said)
        known = load_sources(changed(path, "sources: {}", 'sources:\n  "app:shop": {vocabularies: []}'))
        shop, forum = known.rules("app:shop"), known.rules("app:forum")
        assert (shop.vocabularies, shop.item_ids) == ((), ("digits-13",))
        assert (forum.vocabularies, forum.item_ids) == (("support",), ("digits-13",))

    def test_a_class_there_is_not_is_named(self, changed: Callable[[Path, str, str], Path]) -> None:
        rules = 'sources:\n  "app:shop":\n    durability: 3'
        with pytest.raises(PackError, match="durability"):
            load_sources(changed(sources.PACK, "sources: {}", rules))

    def test_source_may_have_words_of_its_own(self, changed: Callable[[Path, str, str], Path]) -> None:
        rules = 'sources:\n  "app:shop":\n    consent_categories: {C0002: [collect.behaviour]}'
        known = load_sources(changed(sources.PACK, "sources: {}", rules))
        assert known.consent_categories("app:shop").read(b'{"c0002": true}').granted == ("collect.behaviour",)
        assert known.consent_categories("app:forum").read(b'{"C0002": true}').granted == ()
