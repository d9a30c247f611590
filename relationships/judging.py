"""Judges texts where they come in: each becomes evidence, and ends here."""

from collections.abc import Sequence

import numpy as np

from relationships.encoder import SentenceEncoder
from relationships.evidence import Stances, told
from relationships.model import Model, load_model
from relationships.pack import named_pack
from relationships.scorer import Features, by_stance, prepared
from relationships.sentences import read_sentences

_LEAST_CHANCE = 1e-6


class Judge:
    """Texts to evidence. Knows no pack: stances are common to all of them, so that a brand may switch."""

    def __init__(self, model: Model, features: Features | None = None) -> None:
        """Take a model; without features texts are judged by n-grams alone."""
        self._model, self._features = model, features

    def judge(self, texts: Sequence[str]) -> list[Stances]:
        """Return what each text said."""
        if not texts:
            return []
        words = prepared(texts)
        read = read_sentences(words, self._features.encoder) if self._features else None
        chances = np.maximum(by_stance(self._model, self._features, words, read), _LEAST_CHANCE)
        ratios = np.log(chances[:, :-1] / chances[:, -1:])
        return [told(row) for row in ratios.tolist()]


def load_judge() -> Judge:
    """Return the judge that ships with the platform. Takes 2.4 s of a core, and 125 MB."""
    judge = Judge(load_model(), Features(named_pack("core4"), SentenceEncoder()))
    # Its encoder loads with the first text: with this one, not within the patience of whoever comes.
    judge.judge([""])
    return judge
