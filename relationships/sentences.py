"""A text as its sentences: what a writer wants is often said in one of many, and one vector of all would drown it."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relationships.encoder import Encoder, Matrix

#: People forget the space behind a mark, hardly ever before a capital.
_ENDS = re.compile(r"(?<=[.!?…])[\"'“”»)]*\s+|(?<=[!?])(?=[A-ZÄÖÜ])|\n+")
#: What a text may cost: the rest stays one sentence.
_MOST = 24
_LEAST = 1e-9


class Sentences(NamedTuple):
    """Some texts, their sentences with a vector each, and where each text begins among them."""

    texts: Sequence[str]
    sentences: Sequence[str]
    vectors: Matrix
    starts: NDArray[np.intp]

    def mean(self) -> Matrix:
        """Return one row of unit length a text."""
        rows = np.add.reduceat(self.vectors, self.starts)
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _LEAST), dtype=np.float32)

    def highest(self, rows: Matrix) -> Matrix:
        """Return for each text and column the highest that one of its sentences has in `rows`."""
        return np.asarray(np.maximum.reduceat(rows, self.starts), dtype=np.float32)


def read_sentences(texts: Sequence[str], encoder: Encoder) -> Sentences:
    """Return the sentences of texts, of which there is one at least."""
    parts = [split(text) for text in texts]
    flat = [sentence for each in parts for sentence in each]
    starts = np.cumsum([0, *(len(each) for each in parts[:-1])], dtype=np.intp)
    return Sentences(texts, flat, encoder.encode(flat), starts)


def split(text: str) -> list[str]:
    """Return the sentences of a text; one without any is its own."""
    return [part for part in _ENDS.split(text, maxsplit=_MOST - 1) if part.strip()] or [text]
