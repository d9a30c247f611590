"""Fitting: strangers move what is meant and never what is spelt, weigh as much as ours, and are held out as a whole."""

import numpy as np
import pytest

from relationships.corpus import STANCES, Phrase
from relationships.fitting import Texts, fit
from relationships.ngrams import counts

WORDS = ("preis", "idee", "sofort", "liebe", "betrug", "wetter")


def phrases(*registers: str) -> list[Phrase]:
    return [
        Phrase("de", register, stance, f"{word} {word} {register}")
        for register in registers
        for stance, word in zip(STANCES, WORDS, strict=True)
    ]


def seen(found: list[Phrase], own: int) -> Texts:
    """Return phrases that are told apart by one column each, but for strangers by another."""
    rows = np.zeros((len(found), 2 * len(STANCES)), dtype=np.float32)
    for place, phrase in enumerate(found):
        rows[place, STANCES.index(phrase.stance) + (0 if place < own else len(STANCES))] = 1
    return Texts(found, rows, own)


OURS = phrases("chat", "mails", "posts", "store")
STRANGERS = phrases("airlines", "canteen", "railway", "shops")


@pytest.fixture(scope="module")
def found():
    return fit(seen(OURS + STRANGERS, len(OURS)), "learnt")


class TestFit:
    def test_what_only_strangers_spell_has_no_weight(self, found):
        theirs = set().union(*(counts(phrase.text) for phrase in STRANGERS))
        ours = set().union(*(counts(phrase.text) for phrase in OURS))
        only = sorted(theirs - ours)
        assert only
        assert not found.model.rarity[only].any()
        assert not found.model.grams[only].any()

    def test_what_only_strangers_show_is_learnt_from_them(self, found):
        theirs = slice(len(STANCES), 2 * len(STANCES))
        assert found.model.sentences[theirs].argmax(axis=1).tolist() == list(range(len(STANCES)))

    def test_the_model_says_which_labels_it_has_learnt_from(self, found):
        assert found.model.labels == "learnt"

    def test_what_was_held_out_is_of_every_text_and_stance(self, found):
        assert found.together.shape == (len(OURS + STRANGERS), len(STANCES))

    def test_trust_is_learnt_from_strangers_alone(self, found):
        ours = fit(seen(OURS, len(OURS)), "")
        misread = [phrase._replace(stance=STANCES[-1]) for phrase in STRANGERS]
        theirs = fit(seen(OURS + misread, len(OURS)), "learnt")
        assert ours.model.trust[1] > theirs.model.trust[1]


class TestTexts:
    def test_a_register_is_held_out_as_a_whole(self):
        texts = seen(OURS + STRANGERS, len(OURS))
        folds = {(phrase.register, fold) for phrase, fold in zip(texts.phrases, texts.folds(), strict=True)}
        assert len(folds) == len({register for register, _ in folds})
