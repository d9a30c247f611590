"""The words of a pack: weighted patterns that mind negation, and prototype sentences."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from relationships.encoder import Encoder, Matrix
from relationships.pack import RelationshipPack, RelationshipType

_NEGATED = re.compile(
    r"(?:\b(?:nicht|nie|niemals|kein(?:e[rnms]?)?|ohne|not|never|no|without|hardly|kaum)\b|n't\b)\W+(?:\w+\W+){0,2}$",
    re.IGNORECASE,
)
_BEHIND_NEGATION = -0.5
_LOOK_BACK = 40


class Patterns:
    """Compiled patterns of every type, in the order of the pack."""

    def __init__(self, pack: RelationshipPack) -> None:
        self._by_type = [
            [(re.compile(each.match, re.IGNORECASE), each.weight) for each in kind.patterns]
            for kind in pack.types.values()
        ]

    def weigh(self, text: str) -> NDArray[np.float32]:
        """Return for each type what the patterns found say. Both languages are looked for: people mix them."""
        return np.array([sum(_said(text, *each) for each in patterns) for patterns in self._by_type], dtype=np.float32)


class Prototypes:
    """Prototype sentences of every type as vectors, made when first asked."""

    def __init__(self, types: Mapping[str, RelationshipType], encoder: Encoder) -> None:
        self._sentences = [[text for texts in kind.prototypes.values() for text in texts] for kind in types.values()]
        self._encoder = encoder
        self._rows: list[Matrix] = []

    def likeness(self, vectors: Matrix) -> Matrix:
        """Return for each vector and type the cosine of the prototype that is closest."""
        if not self._rows:
            flat: Sequence[str] = [text for texts in self._sentences for text in texts]
            ends = np.cumsum([len(texts) for texts in self._sentences])[:-1]
            self._rows = list(np.split(self._encoder.encode(flat), ends))
        return np.stack([(vectors @ rows.T).max(axis=1) for rows in self._rows], axis=1)


def _said(text: str, pattern: re.Pattern[str], weight: float) -> float:
    found = pattern.search(text)
    if found is None:
        return 0.0
    before = text[max(0, found.start() - _LOOK_BACK) : found.start()]
    return weight * (_BEHIND_NEGATION if _NEGATED.search(before) else 1.0)
