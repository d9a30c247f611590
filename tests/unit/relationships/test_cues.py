"""Cues: lists are of one form in both languages, are found whole words at a time, and denial turns praise."""

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from relationships.cues import LEXICON, Cues
from relationships.posts import words_of

CUES = Cues()


class TestLexicon:
    def test_both_languages_have_the_same_kinds_and_no_entry_twice(self):
        lists = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(LEXICON.glob("*.yaml"))]
        assert len(lists) == 2
        assert list(lists[0]) == list(lists[1])
        for entries in (entries for each in lists for entries in each.values()):
            assert len(entries) == len(set(entries))

    def test_every_entry_is_found_in_itself(self):
        for path in LEXICON.glob("*.yaml"):
            for kind, entries in yaml.safe_load(path.read_text(encoding="utf-8")).items():
                for entry in entries:
                    assert CUES.said(entry.removesuffix("*"))[kind] >= 1, entry


class TestSaid:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("Finger weg!", "leaving"),
            ("FINGER WEG", "leaving"),
            ("I’ll never buy there", "leaving"),
            ("so ein Saftladen", "scorn"),
            ("Verbesserungsvorschläge gibt es genug", "proposal"),
            ("it stopped working", "fault"),
        ],
    )
    def test_a_saying_is_found_whatever_its_case_and_ending(self, text, kind):
        assert CUES.said(text)[kind] == 1

    def test_part_of_another_word_is_none(self):
        assert not CUES.said("Hängematte, Fantasie, Tollwut im Orderbuch")["rapture"]

    def test_denied_praise_blames(self):
        assert CUES.said("das ist gar nicht gut")["blame"] == 1
        assert CUES.said("not a great product")["praise"] == 0 < CUES.said("a great product")["praise"]


class TestRows:
    @given(st.lists(st.text(), min_size=1, max_size=3))
    def test_any_text_has_a_bounded_row_of_one_width(self, texts):
        rows = CUES.rows(texts)
        assert rows.shape == (len(texts), CUES.rows([""]).shape[1])
        assert np.isfinite(rows).all()

    def test_an_order_is_told_from_a_report(self):
        assert CUES.rows(["Bitte schickt mir Ersatz."])[0, -1] == 1
        assert CUES.rows(["Sie schickten mir Ersatz."])[0, -1] == 0


class TestWordsOf:
    @pytest.mark.parametrize(
        ("post", "words"),
        [
            ("@shop wo bleibt mein Paket? https://t.co/x", "wo bleibt mein Paket?"),
            ("RT @news: Morgen Streik", "Morgen Streik"),
            ("#NieWieder bei denen", "Nie Wieder bei denen"),
            ("mail an a@b.example", "mail an a@b.example"),
            ("@shop", ""),
        ],
    )
    def test_handles_and_links_go_and_hashtags_are_words(self, post, words):
        assert words_of(post) == words
