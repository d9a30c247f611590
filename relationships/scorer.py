"""Scores texts against a pack. A text is looked at in memory, and nothing of it is kept but numbers."""

from collections.abc import Sequence

import numpy as np

from relationships.corpus import NONE, STANCES
from relationships.encoder import Encoder, Matrix
from relationships.model import Model
from relationships.pack import RelationshipPack
from relationships.wording import Patterns, Prototypes

#: Longer texts are cut: what matters is said early, and an encoder's time grows with length.
MOST_CHARACTERS = 2_000
_SHARPNESS = 6.0
_LEAST = 1e-6


class Features:
    """What a model of stances sees of a text: its vector, how like the prototypes of `core4` it is, its patterns."""

    def __init__(self, core: RelationshipPack, encoder: Encoder) -> None:
        self.encoder = encoder
        self._patterns = Patterns(core)
        self._prototypes = Prototypes(core.types, encoder)

    def of(self, texts: Sequence[str]) -> Matrix:
        """Return one row a text."""
        vectors = self.encoder.encode(texts)
        patterns = np.stack([self._patterns.weigh(text) for text in texts])
        return np.concatenate([vectors, self._prototypes.likeness(vectors), patterns], axis=1)


class Scorer:
    """Texts to probabilities of a pack's types and of `none`; without features by n-grams alone, which is quicker."""

    def __init__(self, pack: RelationshipPack, model: Model, features: Features | None = None) -> None:
        self._pack, self._model, self._features = pack, model, features
        self.names: tuple[str, ...] = (*pack.types, NONE)
        self._patterns = Patterns(pack)
        self._prototypes = Prototypes(pack.types, features.encoder) if features else None

    def score(self, texts: Sequence[str]) -> Matrix:
        """Return for each text the probabilities in the order of `names`."""
        if not texts:
            return np.zeros((0, len(self.names)), dtype=np.float32)
        cut = [text[:MOST_CHARACTERS] for text in texts]
        stances = self._stances(cut)
        leanings = self._leanings(cut)
        columns = []
        for stance in STANCES[:-1]:
            own = [place for place, kind in enumerate(self._pack.types.values()) if kind.stance == stance]
            shared = np.exp(leanings[:, own])
            columns.append((own, stances[:, [STANCES.index(stance)]] * shared / shared.sum(axis=1, keepdims=True)))
        probabilities = np.zeros((len(texts), len(self.names)), dtype=np.float32)
        for own, values in columns:
            probabilities[:, own] = values
        # What no type of the pack can stand for says nothing in its terms.
        probabilities[:, -1] = 1.0 - probabilities[:, :-1].sum(axis=1)
        return probabilities.clip(0.0, 1.0)

    def ratios(self, text: str) -> dict[str, float]:
        """Return by type the log-likelihood ratio of one text against its saying nothing."""
        row = self.score([text])[0]
        rivals = {kind.stance: 0 for kind in self._pack.types.values()}
        for kind in self._pack.types.values():
            rivals[kind.stance] += 1
        return {
            name: float(np.log(max(row[place], _LEAST) * rivals[kind.stance] / max(row[-1], _LEAST)))
            for place, (name, kind) in enumerate(self._pack.types.items())
        }

    def _stances(self, texts: Sequence[str]) -> Matrix:
        by_sentences = self._model.by_sentences(self._features.of(texts)) if self._features else None
        return self._model.together(by_sentences, self._model.by_grams(texts))

    def _leanings(self, texts: Sequence[str]) -> Matrix:
        """Return how types of one stance compare, by the words of this pack."""
        said = np.stack([self._patterns.weigh(text) for text in texts])
        if self._prototypes is None or self._features is None:
            return said
        return said + _SHARPNESS * self._prototypes.likeness(self._features.encoder.encode(texts))
