"""What was fitted to the corpus and to texts of strangers: two logistic regressions and how far to trust each."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relationships.corpus import STANCES, read_corpus
from relationships.cues import LEXICON
from relationships.encoder import Matrix
from relationships.ngrams import weighted
from relationships.pack import PACKS

PATH = Path(__file__).parent / "model" / "stances.npz"
#: How well held-out registers were judged when the model was fitted.
FIGURES = PATH.with_name("held_out.json")
_WORDS = ("digest", "labels")


@dataclass(frozen=True, slots=True)
class Model:
    """Weights by feature and stance; the last row of `sentences` is the constant.

    A trust is (weight of sentences, weight of n-grams); `trust_alone` is for n-grams alone. `labels` is the digest of
    the labels of real texts that were learnt from, empty without any. Written by `fitting.py`.
    """

    sentences: Matrix
    grams: Matrix
    rarity: NDArray[np.float32]
    trust: NDArray[np.float32]
    trust_alone: NDArray[np.float32]
    digest: str
    labels: str

    def by_sentences(self, features: Matrix) -> Matrix:
        """Return logits by stance."""
        return np.asarray(features @ self.sentences[:-1] + self.sentences[-1], dtype=np.float32)

    def by_grams(self, texts: Sequence[str]) -> Matrix:
        """Return logits by stance."""
        rows = [weighted(text, self.rarity) for text in texts]
        made = [weights @ self.grams[columns] for columns, weights in rows]
        logits = np.array(made, dtype=np.float32).reshape(len(texts), len(STANCES)) + self.grams[-1]
        return np.asarray(logits, dtype=np.float32)

    def together(self, by_sentences: Matrix | None, by_grams: Matrix) -> Matrix:
        """Return calibrated probabilities by stance."""
        trust = self.trust_alone if by_sentences is None else self.trust
        logits = trust[1] * log_softmax(by_grams)
        if by_sentences is not None:
            logits = logits + trust[0] * log_softmax(by_sentences)
        return np.asarray(np.exp(log_softmax(logits)), dtype=np.float32)


def load_model(path: Path = PATH) -> Model:
    """Return the model that ships with the platform."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name].astype(np.float32) for name in stored.files if name not in _WORDS}
        return Model(**arrays, digest=str(stored["digest"]), labels=str(stored["labels"]))


def digest_of_sources() -> str:
    """Return what the model has to be fitted to anew when it changes: the corpus, the words of `core4`, the cues."""
    digest = sha256((PACKS / "core4.yaml").read_bytes())
    for path in sorted(LEXICON.glob("*.yaml")):
        digest.update(path.read_bytes())
    for phrase in read_corpus():
        digest.update("\t".join(phrase).encode())
    return digest.hexdigest()[:16]


def log_softmax(logits: Matrix) -> Matrix:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float32)
