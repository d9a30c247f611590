"""Fits the model of stances: `python -m relationships.fitting [FOLDER]` writes it and its figures.

It learns from the corpus and, if they lie in the folder (`real/README.md`), from texts of strangers. Whole registers
and sources are held out: texts of one are alike, and a random split would flatter. Nothing is fitted to what judges.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax as scipy_log_softmax

from relationships.corpus import STANCES, Phrase, read_corpus
from relationships.encoder import Matrix, SentenceEncoder
from relationships.measuring import figures
from relationships.model import FIGURES, PATH, Model, digest_of_sources, log_softmax
from relationships.ngrams import COLUMNS, counts, weighted
from relationships.pack import named_pack
from relationships.real import JUDGE, LEARN, at_hand, digest_of_labels, read_labels, read_real
from relationships.scorer import Features, Scorer, doubted, prepared
from relationships.sentences import read_sentences

#: Dense rows or sparse ones; scipy ships without types.
Rows = Any
Places = NDArray[np.int64]
Weights = NDArray[np.float64]
_STRICT_SENTENCES, _STRICT_GRAMS = 6.0, 0.033
#: How far rare stances are made up for, in labels and in evidence: a likelihood ratio knows no shares. All the way,
#: and too little would be `none`.
_MADE_UP = 0.75
#: A text of a stranger counts as much as so many of ours: there are fewer, and what is to be judged is like them.
_STRANGERS_COUNT = 4.0
_FIRST_TRUST = (1.0, 0.3)
_FOLDS = 4


class Texts(NamedTuple):
    """Phrases and what the model sees of their sentences, a row each. The first `own` of them are ours."""

    phrases: Sequence[Phrase]
    features: Matrix
    own: int

    def right(self) -> Places:
        """Return the column of each stance."""
        return np.array([STANCES.index(phrase.stance) for phrase in self.phrases])

    def folds(self) -> Places:
        """Return in which fold each is held out: registers and sources as a whole."""
        registers = sorted({phrase.register for phrase in self.phrases})
        return np.array([registers.index(phrase.register) % _FOLDS for phrase in self.phrases])

    def words(self) -> list[str]:
        """Return the texts as they are judged."""
        return prepared([phrase.text for phrase in self.phrases])


class Fitted(NamedTuple):
    """A model, and what was told of each text while its register or source was held out; of n-grams alone as well."""

    model: Model
    together: Matrix
    alone: Matrix


def fit(texts: Texts, labels: str) -> Fitted:
    """Return the model of all texts. Its n-grams learn from ours alone, so that no spelling of a stranger is kept."""
    right, own = texts.right(), texts.own
    grams, rarity = _grams(texts.words(), own)
    count = _counting(right, own)
    by_sentences = _held_out(texts, count, texts.features)
    by_grams = _held_out(texts, count, grams)
    # What will be judged is written by strangers, who are less easily understood than we are.
    like = slice(own if own < len(right) else 0, None)
    model = Model(
        sentences=_regression(texts.features, right, count, _STRICT_SENTENCES),
        grams=_regression(grams[:own], right[:own], count[:own], _STRICT_GRAMS),
        rarity=rarity,
        trust=_trust((by_sentences[like], by_grams[like]), right[like]),
        trust_alone=_trust((np.zeros_like(by_grams[like]), by_grams[like]), right[like]),
        digest=digest_of_sources(),
        labels=labels,
    )
    return Fitted(model, model.together(by_sentences, by_grams), model.together(None, by_grams))


def _counting(right: Places, own: int) -> Weights:
    """Return how much each text counts, rare stances more; ours and those of strangers apart."""
    apart = [(right[:own], 1.0), (right[own:], _STRANGERS_COUNT)]
    return np.concatenate([weight * _rare(part) for part, weight in apart])


def _rare(right: Places) -> Weights:
    shares = np.maximum(np.bincount(right, minlength=len(STANCES)), 1)
    return np.asarray(((len(right) / len(STANCES) / shares) ** _MADE_UP)[right], dtype=np.float64)


def _held_out(texts: Texts, count: Weights, features: Rows) -> Matrix:
    """Return logits of each text by what was fitted without its fold; n-grams are fitted to ours alone."""
    right, folds = texts.right(), texts.folds()
    sparse = isinstance(features, csr_matrix)
    strict = _STRICT_GRAMS if sparse else _STRICT_SENTENCES
    usable = np.arange(len(right)) < texts.own if sparse else np.ones(len(right), dtype=bool)
    logits = np.zeros((len(right), len(STANCES)), dtype=np.float32)
    for fold in range(_FOLDS):
        out, chosen = folds == fold, (folds != fold) & usable
        weights = _regression(features[chosen], right[chosen], count[chosen], strict)
        logits[out] = features[out] @ weights[:-1] + weights[-1]
    return logits


def _regression(features: Rows, right: Places, count: Weights, strict: float) -> Matrix:
    """Return weights by feature and stance, the constant last."""
    # Once, or every product would make its own copy in double precision.
    features = features.astype(np.float64)
    width = features.shape[1]
    wanted = np.eye(len(STANCES))[right]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(width + 1, len(STANCES))
        logs = log_softmax(features @ weights[:-1] + weights[-1])
        errors = (np.exp(logs) - wanted) * count[:, None]
        slope = np.vstack([features.T @ errors + strict * weights[:-1], errors.sum(axis=0)])
        value = -(logs * wanted * count[:, None]).sum() + strict * (weights[:-1] ** 2).sum() / 2
        return float(value), slope.ravel()

    start = np.zeros((width + 1) * len(STANCES))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 60})
    return np.asarray(found.x.reshape(width + 1, len(STANCES)), dtype=np.float32)


def _trust(held_out: tuple[Matrix, Matrix], right: Places) -> NDArray[np.float32]:
    """Return how far to trust each model, so that what is given as a probability happens as often on held-out texts.

    Two numbers alone: shares of stances differ too much from source to source to be learnt from a few dozen of them.
    """
    # Slopes are found by tiny steps, which single precision would swallow.
    first, second = (scipy_log_softmax(logits.astype(np.float64), axis=1) for logits in held_out)

    def loss(trust: NDArray[np.float64]) -> float:
        logs = scipy_log_softmax(trust[0] * first + trust[1] * second, axis=1)
        return float(-logs[np.arange(len(right)), right].mean())

    return np.asarray(minimize(loss, np.array(_FIRST_TRUST), method="L-BFGS-B").x, dtype=np.float32)


def _grams(texts: Sequence[str], own: int) -> tuple[csr_matrix, NDArray[np.float32]]:
    """Return a row a text, and how rare each n-gram is among the first `own` texts."""
    seen = np.zeros(COLUMNS + 1)
    for text in texts[:own]:
        seen[list(counts(text))] += 1
    rarity = np.asarray(np.log((1 + own) / (1 + seen)) + 1, dtype=np.float32)
    # What one text alone has tells nothing of others.
    rarity[seen <= 1] = 0
    rows = [weighted(text, rarity) for text in texts]
    starts = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    matrix = csr_matrix(
        (np.concatenate([weights for _, weights in rows]), np.concatenate([columns for columns, _ in rows]), starts),
        shape=(len(texts), COLUMNS),
    )
    return matrix, rarity[:COLUMNS]


def _write(model: Model) -> None:
    PATH.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        PATH,
        sentences=model.sentences.astype(np.float16),
        grams=model.grams.astype(np.float16),
        rarity=model.rarity.astype(np.float16),
        trust=model.trust,
        trust_alone=model.trust_alone,
        digest=np.array(model.digest),
        labels=np.array(model.labels),
    )


def _told(phrases: Sequence[Phrase], probabilities: Matrix) -> dict[str, Any]:
    places = probabilities.argmax(axis=1)
    told, sure = [STANCES[place] for place in places], probabilities[np.arange(len(places)), places]
    right, langs = [phrase.stance for phrase in phrases], [phrase.lang for phrase in phrases]
    return {**figures(right, langs, told, sure), "texts": len(phrases)}


def _held_out_told(texts: Texts, found: Fitted) -> dict[str, Any]:
    """Return figures of ours and of those of strangers, each held out."""
    own, told, alone = texts.own, doubted(found.together), doubted(found.alone)
    strangers = {"strangers": _told(texts.phrases[own:], told[own:])} if len(texts.phrases) > own else {}
    return {
        "both": _told(texts.phrases[:own], told[:own]),
        "n-grams alone": _told(texts.phrases[:own], alone[:own]),
        **strangers,
    }


def _looked_at(own: Sequence[Phrase], strangers: Sequence[Phrase], features: Features) -> Texts:
    phrases = [*own, *strangers]
    read = read_sentences(prepared([phrase.text for phrase in phrases]), features.encoder)
    return Texts(phrases, features.of(read), len(own))


def main(folder: Path | None) -> None:
    """Fit, write, and say how well held-out registers and sources are judged, and those that judge."""
    labels = read_labels()
    rows = at_hand(folder, labels) if folder else []
    real = read_real(folder, rows) if folder else {}
    missing = sorted({row.file for row in labels} - {row.file for row in rows})
    if missing:
        sys.stderr.write(f"Not learnt from, since they are not at hand: {', '.join(missing)}\n")
    features = Features(named_pack("core4"), SentenceEncoder())
    strangers = real.get(LEARN, [])
    texts = _looked_at(read_corpus(), strangers, features)
    found = fit(texts, digest_of_labels(rows) if strangers else "")
    _write(found.model)
    figured = {"digest": found.model.digest, "labels": found.model.labels, **_held_out_told(texts, found)}
    if judging := real.get(JUDGE):
        scorer = Scorer(named_pack("core4"), found.model, features)
        figured["judge"] = _told(judging, scorer.score([phrase.text for phrase in judging]))
    FIGURES.write_text(json.dumps(figured, indent=1) + "\n", encoding="utf-8")
    for name, value in figured.items():
        sys.stdout.write(f"{name}: {value}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
