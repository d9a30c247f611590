"""Scores texts against a pack. A text is looked at in memory, and nothing of it is kept but numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relationships.corpus import NONE, STANCES
from relationships.cues import Cues
from relationships.encoder import Encoder, Matrix
from relationships.model import Model
from relationships.pack import RelationshipPack
from relationships.posts import words_of
from relationships.sentences import Sentences, read_sentences
from relationships.state import LEAST_OF_TYPE
from relationships.wording import Patterns, Prototypes

#: Longer texts are cut: what matters is said early, and an encoder's time grows with length.
MOST_CHARACTERS = 2_000
_SHARPNESS = 6.0
#: A pattern alone must not outvote what a sentence means.
_PATTERNS_COUNT = np.float32(0.4)
_CUES_COUNT = np.float32(0.4)
_LEAST = 1e-6
#: So many texts say nothing, however they look. Evidence goes without it: `state` has a doubt of its own.
_DOUBT = np.float32(0.05)
#: What might say nothing with more than this probability is not to be acted upon, however sure its label seems.
_MOST_OF_NOTHING = np.float32(0.06)
_UNSAFE = np.float32(LEAST_OF_TYPE - 0.01)


class Features:
    """What a model of stances sees of a text: its vectors, how like prototypes of `core4` they are, patterns, cues."""

    def __init__(self, core: RelationshipPack, encoder: Encoder) -> None:
        self.encoder = encoder
        self._patterns = Patterns(core)
        self._prototypes = Prototypes(core.types, encoder)
        self._cues = Cues()

    def of(self, read: Sentences) -> Matrix:
        """Return one row a text: the mean of its sentences, the most that one of them says of each stance, its cues."""
        patterns = _PATTERNS_COUNT * np.stack([self._patterns.weigh(sentence) for sentence in read.sentences])
        said = np.concatenate([self._prototypes.likeness(read.vectors), patterns], axis=1)
        return np.concatenate([read.mean(), read.highest(said), _CUES_COUNT * self._cues.rows(read.texts)], axis=1)


class Scorer:
    """Texts to probabilities of a pack's types and of `none`; without features by n-grams alone, which is quicker."""

    def __init__(self, pack: RelationshipPack, model: Model, features: Features | None = None) -> None:
        self._pack, self._model, self._features = pack, model, features
        self.names: tuple[str, ...] = (*pack.types, NONE)
        kinds = list(pack.types.values())
        self._places = {
            stance: [place for place, kind in enumerate(kinds) if kind.stance == stance] for stance in STANCES[:-1]
        }
        self._of = np.array([[kind.stance == stance for kind in kinds] + [stance == NONE] for stance in STANCES])
        self._patterns = Patterns(pack)
        self._prototypes = Prototypes(pack.types, features.encoder) if features else None

    def score(self, texts: Sequence[str]) -> Matrix:
        """Return for each text the probabilities in the order of `names`."""
        if not texts:
            return np.zeros((0, len(self.names)), dtype=np.float32)
        words = prepared(texts)
        read = read_sentences(words, self._features.encoder) if self._features else None
        stances = doubted(by_stance(self._model, self._features, words, read))
        leanings = self._leanings(words, read)
        probabilities = np.zeros((len(texts), len(self.names)), dtype=np.float32)
        for place, stance in enumerate(STANCES[:-1]):
            own = self._places[stance]
            shared = np.exp(leanings[:, own])
            probabilities[:, own] = stances[:, [place]] * shared / shared.sum(axis=1, keepdims=True)
        # What no type of the pack can stand for says nothing in its terms.
        probabilities[:, -1] = 1.0 - probabilities[:, :-1].sum(axis=1)
        return probabilities.clip(0.0, 1.0)

    def told(self, probabilities: Matrix) -> tuple[list[str], NDArray[np.float32]]:
        """Return for each text the likeliest type of its likeliest stance, and how probable that type is.

        Types that share a stance share its probability: each for itself they would lose against saying nothing.
        """
        stances = (probabilities @ self._of.T.astype(np.float32)).argmax(axis=1)
        places = np.where(self._of[stances], probabilities, -1).argmax(axis=1)
        sure = np.take_along_axis(probabilities, places[:, None], axis=1)[:, 0]
        return [self.names[place] for place in places], sure

    def ratios(self, text: str) -> dict[str, float]:
        """Return by type the log-likelihood ratio of one text against its saying nothing."""
        row = self.score([text])[0]
        return {
            name: float(np.log(max(row[place], _LEAST) * len(self._places[kind.stance]) / max(row[-1], _LEAST)))
            for place, (name, kind) in enumerate(self._pack.types.items())
        }

    def _leanings(self, texts: Sequence[str], read: Sentences | None) -> Matrix:
        """Return how types of one stance compare, by the words of this pack."""
        said = np.stack([self._patterns.weigh(text) for text in texts])
        if self._prototypes is None or read is None:
            return said
        alike = read.highest(self._prototypes.likeness(read.vectors))
        return np.asarray(said + _SHARPNESS * alike, dtype=np.float32)


def prepared(texts: Sequence[str]) -> list[str]:
    """Return texts as they are judged."""
    return [words_of(text[:MOST_CHARACTERS]) for text in texts]


def by_stance(model: Model, features: Features | None, texts: Sequence[str], read: Sentences | None) -> Matrix:
    """Return for each text the probabilities in the order of `STANCES`."""
    by_sentences = None
    if features is not None and read is not None:
        by_sentences = model.by_sentences(features.of(read))
    return model.together(by_sentences, model.by_grams(texts))


def doubted(stances: Matrix) -> Matrix:
    """Return probabilities in the order of `STANCES` as they are told of a single text."""
    told = stances * (1 - _DOUBT)
    told[:, -1] += _DOUBT
    unsafe = told[:, -1:] > _MOST_OF_NOTHING
    held_back = np.where(unsafe, np.maximum(told[:, :-1] - _UNSAFE, 0), 0)
    told[:, :-1] -= held_back
    told[:, -1] += held_back.sum(axis=1)
    return told
