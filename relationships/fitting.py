"""Fits the model of stances to the corpus: `python -m relationships.fitting [FOLDER]` writes it and its figures.

Whole registers are held out: phrases of one register are alike, and a random split would flatter. Texts of strangers
that lie in the folder (`real/README.md`) are judged as well; nothing is fitted to them.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from relationships.real import read_real
from relationships.scorer import Features, Scorer, doubted, prepared
from relationships.sentences import read_sentences

#: Dense rows or sparse ones; scipy ships without types.
Rows = Any
Places = NDArray[np.int64]
_STRICT_SENTENCES, _STRICT_GRAMS = 0.8, 0.033
#: How far rare stances are made up for: by the root of what they lack. All the way, and too little would be `none`.
_MADE_UP = 0.5
_FIRST_TRUST = (1.0, 0.7)
_FOLDS = 4
#: Texts of strangers are farther from the corpus than its registers from each other, so what is told of a text is
#: believed less than held-out registers would bear.
_CAUTION = np.float32(0.8)


def fit(phrases: Sequence[Phrase], sentences: Matrix) -> tuple[Model, Matrix, Matrix]:
    """Return the model, the held-out probabilities of every phrase, and those of n-grams alone."""
    texts = prepared([phrase.text for phrase in phrases])
    right = np.array([STANCES.index(phrase.stance) for phrase in phrases])
    grams, rarity = _grams(texts)
    by_sentences, by_grams = _held_out(sentences, right, phrases), _held_out(grams, right, phrases)
    model = Model(
        sentences=_regression(sentences, right, _STRICT_SENTENCES),
        grams=_regression(grams, right, _STRICT_GRAMS),
        rarity=rarity,
        trust=_CAUTION * _trust((by_sentences, by_grams), right),
        trust_alone=_CAUTION * _trust((np.zeros_like(by_grams), by_grams), right),
        digest=digest_of_sources(),
    )
    return model, model.together(by_sentences, by_grams), model.together(None, by_grams)


def _held_out(features: Rows, right: Places, phrases: Sequence[Phrase]) -> Matrix:
    logits = np.zeros((len(right), len(STANCES)), dtype=np.float32)
    strict = _STRICT_GRAMS if isinstance(features, csr_matrix) else _STRICT_SENTENCES
    registers = sorted({phrase.register for phrase in phrases})
    folds = np.array([registers.index(phrase.register) % _FOLDS for phrase in phrases])
    for fold in range(_FOLDS):
        out = folds == fold
        weights = _regression(features[~out], right[~out], strict)
        logits[out] = features[out] @ weights[:-1] + weights[-1]
    return logits


def _regression(features: Rows, right: Places, strict: float) -> Matrix:
    """Return weights by feature and stance, the constant last; rare stances count for more."""
    # Once, or every product would make its own copy in double precision.
    features = features.astype(np.float64)
    width = features.shape[1]
    shares = np.bincount(right, minlength=len(STANCES))
    each = ((len(right) / len(STANCES) / shares) ** _MADE_UP)[right]
    wanted = np.eye(len(STANCES))[right]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(width + 1, len(STANCES))
        logs = log_softmax(features @ weights[:-1] + weights[-1])
        errors = (np.exp(logs) - wanted) * each[:, None]
        slope = np.vstack([features.T @ errors + strict * weights[:-1], errors.sum(axis=0)])
        value = -(logs * wanted * each[:, None]).sum() + strict * (weights[:-1] ** 2).sum() / 2
        return float(value), slope.ravel()

    start = np.zeros((width + 1) * len(STANCES))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 60})
    return np.asarray(found.x.reshape(width + 1, len(STANCES)), dtype=np.float32)


def _trust(held_out: tuple[Matrix, Matrix], right: Places) -> NDArray[np.float32]:
    """Return how far to trust each model, so that what is given as a probability happens as often on held-out texts."""
    # Slopes are found by tiny steps, which single precision would swallow.
    first, second = (scipy_log_softmax(logits.astype(np.float64), axis=1) for logits in held_out)

    def loss(trust: NDArray[np.float64]) -> float:
        logs = scipy_log_softmax(trust[0] * first + trust[1] * second + trust[2:], axis=1)
        return float(-logs[np.arange(len(right)), right].mean() + 0.01 * (trust[2:] ** 2).sum())

    start = np.array([*_FIRST_TRUST, *np.zeros(len(STANCES))])
    return np.asarray(minimize(loss, start, method="L-BFGS-B").x, dtype=np.float32)


def _grams(texts: Sequence[str]) -> tuple[csr_matrix, NDArray[np.float32]]:
    seen = np.zeros(COLUMNS + 1)
    for text in texts:
        seen[list(counts(text))] += 1
    rarity = np.asarray(np.log((1 + len(texts)) / (1 + seen)) + 1, dtype=np.float32)
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
    )


def _told(phrases: Sequence[Phrase], probabilities: Matrix) -> dict[str, Any]:
    right, langs = [phrase.stance for phrase in phrases], [phrase.lang for phrase in phrases]
    return figures(right, langs, [STANCES[place] for place in probabilities.argmax(axis=1)], probabilities)


def _held_out_told(phrases: Sequence[Phrase], probabilities: Matrix) -> dict[str, Any]:
    """Return figures as the scorer tells them, and the calibration error that there is without caution and doubt."""
    learnt = np.exp(log_softmax(np.asarray(np.log(probabilities) / _CAUTION, dtype=np.float32)))
    return {**_told(phrases, doubted(probabilities)), "ece_as_learnt": _told(phrases, learnt)["ece"]}


def _judged(folder: Path, features: Features, model: Model) -> dict[str, Any]:
    """Return figures by part of the texts of strangers that are at hand; `core4` has one type for each stance."""
    scorer = Scorer(named_pack("core4"), model, features)
    return {
        part: {**_told(texts, scorer.score([text.text for text in texts])), "texts": len(texts)}
        for part, texts in sorted(read_real(folder).items())
    }


def main(folder: Path | None) -> None:
    """Fit, write, and say how well held-out registers and the texts of a folder are judged."""
    phrases = read_corpus()
    features = Features(named_pack("core4"), SentenceEncoder())
    read = read_sentences(prepared([phrase.text for phrase in phrases]), features.encoder)
    model, together, alone = fit(phrases, features.of(read))
    _write(model)
    held_out = {"both": _held_out_told(phrases, together), "n-grams alone": _held_out_told(phrases, alone)}
    found = {**held_out, "phrases": len(phrases)}
    FIGURES.write_text(json.dumps({"digest": model.digest, **found}, indent=1) + "\n", encoding="utf-8")
    for name, value in (found | (_judged(folder, features, model) if folder else {})).items():
        sys.stdout.write(f"{name}: {value}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
