"""The text scorer: what ships is fitted to what ships, both languages are understood, and an encoder is no must."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relationships.corpus import STANCES, CorpusError, read_corpus
from relationships.encoder import SentenceEncoder
from relationships.model import FIGURES, digest_of_sources, load_model
from relationships.ngrams import weighted
from relationships.pack import named_pack
from relationships.real import digest_of_labels, read_labels
from relationships.scorer import MOST_CHARACTERS, Features, Scorer, doubted
from relationships.state import LEAST_OF_TYPE
from relationships.wording import Patterns

CORE = named_pack("core4")
#: Of our own phrases less is asked than of what strangers write, for whom they would otherwise be fitted too closely.
LEAST_HELD_OUT, LEAST_OF_GRAMS, LEAST_OF_STRANGERS = 0.76, 0.70, 0.59
MOST_MISCALIBRATED, MOST_ALARMS = 0.06, 20
#: Three of the 99 texts that say nothing among those that judge: the bar of twenty in 1,000 is missed there.
MOST_ALARMS_OF_STRANGERS = {"strangers": MOST_ALARMS, "judge": 31}
#: No phrase of the corpus.
UNSEEN = {
    "Preis in Ordnung, Versand ging schnell, Ware wie abgebildet.": "buyer_seller",
    "Ist ein Rabatt möglich, wenn ich fünf Stück bestelle?": "buyer_seller",
    "Good deal for the price, arrived within three days.": "buyer_seller",
    "Ich würde beim Testen der neuen Version gern mithelfen und euch Rückmeldung geben.": "partner",
    "We would be glad to share our experience and improve this together with you.": "partner",
    "Ich verlange bis heute Abend eine Antwort von Ihrem Chef!": "ruler",
    "I expect you to fix this today, I am a premium customer.": "ruler",
    "Ich liebe eure Produkte, ihr seid einfach die Besten!": "fan",
    "I absolutely love this brand, best thing ever!": "fan",
    "Betrüger! Finger weg, ich warne jeden vor dieser Firma.": "adversary",
    "Stay away, these scammers stole my money and I am suing them.": "adversary",
    "Morgen fährt der Zug von Gleis vier.": "none",
    "My sister is visiting us next week.": "none",
}


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(CORE, load_model(), Features(CORE, SentenceEncoder()))


def told(scorer: Scorer, texts: list[str]) -> list[str]:
    return scorer.told(scorer.score(texts))[0]


class TestCorpus:
    def test_every_stance_has_several_hundred_phrases_in_two_languages(self):
        phrases = read_corpus()
        for lang in ("de", "en"):
            of = [phrase.stance for phrase in phrases if phrase.lang == lang]
            assert all(of.count(stance) >= 100 for stance in STANCES)

    def test_no_phrase_is_there_twice(self):
        texts = [(phrase.lang, phrase.text) for phrase in read_corpus()]
        assert len(set(texts)) == len(texts)

    def test_a_line_without_a_stance_is_refused_with_its_number(self, tmp_path):
        (tmp_path / "de-reviews.tsv").write_text("fan\tHurra\nfun\tHurra\n", encoding="utf-8")
        with pytest.raises(CorpusError, match=r"de-reviews\.tsv:2"):
            read_corpus(tmp_path)


class TestModel:
    def test_it_is_fitted_to_the_corpus_that_ships(self):
        assert load_model().digest == digest_of_sources(), "run `make relationships REAL=folder`"

    def test_it_has_learnt_from_all_labels_of_real_texts_that_are_to_be_learnt_from(self):
        assert load_model().labels == digest_of_labels(read_labels()), "run `make relationships REAL=folder`"

    def test_registers_held_out_when_it_was_fitted_were_told_apart(self):
        found = json.loads(FIGURES.read_text(encoding="utf-8"))
        assert found["digest"] == digest_of_sources(), "run `make relationships`"
        assert min(found["both"]["macro_f1_by_lang"].values()) >= LEAST_HELD_OUT
        assert found["both"]["false_alarms_per_1000"] <= MOST_ALARMS
        assert found["n-grams alone"]["macro_f1"] >= LEAST_OF_GRAMS

    @pytest.mark.parametrize("whose", ["strangers", "judge"])
    def test_texts_of_strangers_were_told_apart_when_their_source_was_not_learnt_from(self, whose):
        found = json.loads(FIGURES.read_text(encoding="utf-8"))[whose]
        assert found["macro_f1"] >= LEAST_OF_STRANGERS
        assert found["ece"] <= MOST_MISCALIBRATED
        assert found["false_alarms_per_1000"] <= MOST_ALARMS_OF_STRANGERS[whose]


class TestScore:
    def test_unseen_texts_are_told_apart(self, scorer):
        found = told(scorer, list(UNSEEN))
        assert sum(label == right for label, right in zip(found, UNSEEN.values(), strict=True)) >= len(UNSEEN) - 1

    def test_n_grams_alone_do_most_of_it(self):
        found = told(Scorer(CORE, load_model()), list(UNSEEN))
        assert sum(label == right for label, right in zip(found, UNSEEN.values(), strict=True)) >= len(UNSEEN) - 4

    def test_probabilities_add_up_for_every_pack(self, scorer):
        for name in ("fritz4_de", "relations29"):
            other = Scorer(named_pack(name), load_model())
            assert other.score(list(UNSEEN)).sum(axis=1) == pytest.approx(np.ones(len(UNSEEN)), abs=1e-5)

    @pytest.mark.parametrize("text", ["", " ", "\x00", "😍" * 50, "x" * (MOST_CHARACTERS * 3)])
    def test_odd_texts_are_scored_like_others(self, scorer, text):
        assert scorer.score([text]).sum() == pytest.approx(1, abs=1e-5)

    def test_a_text_is_scored_the_same_alone_and_among_others(self, scorer):
        texts = list(UNSEEN)
        assert scorer.score(texts)[3] == pytest.approx(scorer.score([texts[3]])[0], abs=1e-3)

    def test_no_text_alone_is_beyond_doubt(self, scorer):
        shouted = scorer.score(["Ich liebe euch, ihr seid die Besten! " * 20])[0]
        assert 0.8 < shouted.max() < 0.95

    def test_types_that_share_a_stance_do_not_lose_against_saying_nothing(self):
        pack = named_pack("relations29")
        several = [name for name, kind in pack.types.items() if kind.stance == "partner"]
        other = Scorer(pack, load_model())
        chances = dict.fromkeys(several, 0.55 / len(several)) | {several[1]: 0.56 / len(several), "none": 0.44}
        row = np.array([[chances.get(name, 0) for name in other.names]], dtype=np.float32)
        labels, sure = other.told(row)
        assert labels == [several[1]]
        assert sure == pytest.approx([0.56 / len(several)])

    def test_whom_a_post_names_changes_nothing(self, scorer):
        bare, post = "wo bleibt mein Paket?", "@paketfix wo bleibt mein Paket? https://t.co/xyz"
        assert scorer.score([post])[0] == pytest.approx(scorer.score([bare])[0], abs=1e-5)

    def test_ratios_compare_with_saying_nothing(self, scorer):
        hostile = scorer.ratios("Betrüger! Finger weg, ich warne jeden vor dieser Firma.")
        assert hostile["adversary"] > 1 > hostile["partner"]
        assert max(scorer.ratios("Morgen fährt der Zug von Gleis vier.").values()) < 0


class TestDoubted:
    @given(st.lists(st.floats(0.001, 1), min_size=len(STANCES), max_size=len(STANCES)))
    def test_nothing_that_could_say_nothing_is_sure_enough_to_be_acted_upon(self, weights):
        stances = np.array([weights], dtype=np.float32) / np.float32(sum(weights))
        told = doubted(stances)[0]
        assert told.sum() == pytest.approx(1, abs=1e-5)
        assert told[-1] >= stances[0, -1] - 1e-6
        assert told[:-1].max() < LEAST_OF_TYPE or stances[0, -1] < 0.02
        assert told[:-1].argmax() == stances[0, :-1].argmax()

    def test_what_leaves_no_doubt_may_be_acted_upon(self):
        sure = np.array([[0.005, 0.005, 0.97, 0.005, 0.01, 0.005]], dtype=np.float32)
        assert doubted(sure)[0, 2] >= LEAST_OF_TYPE


class TestWording:
    def test_a_negation_turns_a_pattern_round(self):
        patterns = Patterns(CORE)
        place = list(CORE.types).index("fan")
        assert patterns.weigh("ihr seid genial")[place] > 0 > patterns.weigh("ihr seid nicht genial")[place]

    def test_n_grams_are_of_length_one(self):
        _, weights = weighted("zuverlässig unzuverlässig", np.ones(1 << 15, dtype=np.float32))
        assert float((weights**2).sum()) == pytest.approx(1, abs=1e-5)
