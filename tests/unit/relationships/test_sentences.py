"""Texts as sentences: nothing is lost, a text's cost is bounded, and what one sentence says is found among many."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relationships.sentences import Sentences, read_sentences, split


class Alphabet:
    """An encoder that counts letters, so that rows can be worked out by hand."""

    def encode(self, texts):
        rows = np.array([[text.count("a"), text.count("b"), 1] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class TestSplit:
    def test_marks_line_breaks_and_forgotten_spaces_end_a_sentence(self):
        assert split("Gut. Aber teuer!Nie wieder?\nTschüss") == ["Gut.", "Aber teuer!", "Nie wieder?", "Tschüss"]

    def test_a_number_is_not_split(self):
        assert split("Kostet 12.50 und 1.000 Stück gibt es.") == ["Kostet 12.50 und 1.000 Stück gibt es."]

    def test_a_text_without_letters_is_one_sentence(self):
        assert split("") == [""]
        assert split("...") == ["..."]

    @given(st.text())
    def test_every_word_stays_and_there_are_few_sentences(self, text):
        parts = split(text)
        assert 1 <= len(parts) <= 24
        words = "".join(text.split()).translate(str.maketrans("", "", "\"'“”»)"))
        assert "".join("".join(parts).split()).translate(str.maketrans("", "", "\"'“”»)")) == words


class TestSentences:
    def test_each_text_has_one_row_whatever_its_sentences(self):
        read = read_sentences(["aa. bb. ab.", "b"], Alphabet())
        assert isinstance(read, Sentences)
        assert read.mean().shape == (2, 3)
        assert np.allclose(np.linalg.norm(read.mean(), axis=1), 1)

    def test_what_one_sentence_says_is_kept(self):
        read = read_sentences(["x. x. aaaa.", "x"], Alphabet())
        assert read.highest(read.vectors)[0, 0] > read.mean()[0, 0] > read.highest(read.vectors)[1, 0] == 0
