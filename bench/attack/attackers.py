"""Who tries to link: each scores every pair of exports, one of each world; higher is likelier the same persona."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.attack.exports import Export

Scores = NDArray[np.float64]
Side = Sequence[Export]
Attacker = Callable[[Side, Side], Scores]

_HEX_DIGITS = 32
_NEAR_HOURS = 2
_ENDS = 10
#: How much a trained attacker doubts a rare coincidence.
_DOUBT = 20.0


def identifiers(here: Side, there: Side) -> Scores:
    """Compare handles digit by digit."""
    left, right = _digits(here), _digits(there)
    return np.stack([(right == row).mean(axis=1) for row in left])


def time(here: Side, there: Side) -> Scores:
    """Compare when they came: hours where they are told, else all that speaks of time."""
    hours = _overlap([_around(each.times) for each in here], [_around(each.times) for each in there])
    words = ("recency_periods", "day_part")
    coarse = _overlap(*([_facts(each, words) for each in side] for side in (here, there)))
    return hours + 0.01 * coarse


def sets(here: Side, there: Side) -> Scores:
    """Compare every fact of the views; rare ones weigh more."""
    return _overlap([each.tokens() for each in here], [each.tokens() for each in there])


def scores(here: Side, there: Side) -> Scores:
    """Compare strengths: real-valued where they are told, else likes, dislikes and counts as they stand."""
    left, right = _vectors([*map(_strengths, here)], [*map(_strengths, there)])
    return _cosine(left, right)


def sequence(here: Side, there: Side) -> Scores:
    """Compare the order: of the items met, where it is told, and of the offers."""
    ends = [each.sequence[-_ENDS:] for each in here]
    begins = [each.sequence[:_ENDS] for each in there]
    places = [_placed(each.offers) for each in here], [_placed(each.offers) for each in there]
    return _overlap(*([set(each) for each in side] for side in (ends, begins))) + _overlap(*places)


def offers(here: Side, there: Side) -> Scores:
    """Compare offers; rare ones weigh more."""
    return _overlap([set(each.offers) for each in here], [set(each.offers) for each in there])


def missing(here: Side, there: Side) -> Scores:
    """Look for offers of one world that lack in the other: who met something here was not offered it."""
    return -offers(here, there)


def taste(here: Side, there: Side) -> Scores:
    """Compare offers by what kind of items they are, as anybody learns it from who else was offered them."""
    lists = [set(each.offers) for each in (*here, *there)]
    left, right = _indicators(lists[: len(here)], lists[len(here) :])
    together = np.vstack((left, right))
    centred = together - together.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    kinds = centred @ directions[:_ENDS].T
    return _cosine(kinds[: len(here)], kinds[len(here) :])


def everything(here: Side, there: Side) -> Scores:
    """Add up what the others found, each brought to one scale."""
    found = [attacker(here, there) for attacker in (time, sets, scores, sequence, taste)]
    return np.sum([(each - each.mean()) / (each.std() or 1.0) for each in found], axis=0)


def train(here: Side, there: Side) -> Attacker:
    """Return an attacker who was told some pairs, and knows from them which facts go together, and how much."""
    facts = _known_facts(here, there)
    left, right = (_present(side, facts) for side in (here, there))
    logs = {(a, b): _log_lift(left == a, right == b) for a in (0.0, 1.0) for b in (0.0, 1.0)}
    views = _pair_lift([each.view for each in here], [each.view for each in there])

    def trained(unknown: Side, others: Side) -> Scores:
        left, right = _present(unknown, facts), _present(others, facts)
        total = sum(((left == a) * log) @ (right == b).T.astype(float) for (a, b), log in logs.items())
        whole = np.array([[views(each.view, other.view) for other in others] for each in unknown])
        return np.asarray(total + whole)

    return trained


UNTAUGHT: dict[str, Attacker] = {
    each.__name__: each for each in (identifiers, time, sets, scores, sequence, offers, missing, taste, everything)
}


def _digits(side: Side) -> NDArray[np.uint8]:
    texts = (each.handle.rpartition(".")[2].encode() for each in side)
    return np.stack([np.frombuffer(text, np.uint8, _HEX_DIGITS) for text in texts])


def _around(hours: Collection[int]) -> set[int]:
    return {hour + shift for hour in hours for shift in range(-_NEAR_HOURS, _NEAR_HOURS + 1)}


def _facts(export: Export, names: Collection[str]) -> set[tuple[str, str]]:
    return {token for token in export.tokens() if token[0] in names}


def _strengths(export: Export) -> dict[str, float]:
    if export.scores:
        return export.scores
    likes, dislikes = dict.fromkeys(export.view.likes, 1.0), dict.fromkeys(export.view.dislikes, -1.0)
    return {**likes, **dislikes, **{kind: float(np.log2(count)) for kind, count in export.view.kinds}}


def _placed(offered: Sequence[str]) -> set[tuple[int, str]]:
    return {(place // 3, item) for place, item in enumerate(offered)}


def _overlap(left: Sequence[Collection[Hashable]], right: Sequence[Collection[Hashable]]) -> Scores:
    """Return the cosine of sets, each element weighed by how few have it."""
    a, b = _indicators(left, right)
    weights = np.log((len(a) + len(b) + 1.0) / (a.sum(axis=0) + b.sum(axis=0) + 1.0))
    return _cosine(a * weights, b * weights)


def _indicators(left: Sequence[Collection[Any]], right: Sequence[Collection[Any]]) -> tuple[Scores, Scores]:
    return _vectors(*([dict.fromkeys(each, 1.0) for each in side] for side in (left, right)))


def _vectors(left: Sequence[dict[Any, float]], right: Sequence[dict[Any, float]]) -> tuple[Scores, Scores]:
    columns = {name: place for place, name in enumerate({name: None for each in (*left, *right) for name in each})}
    matrix = np.zeros((len(left) + len(right), max(1, len(columns))))
    for row, each in enumerate((*left, *right)):
        for name, value in each.items():
            matrix[row, columns[name]] = value
    return matrix[: len(left)], matrix[len(left) :]


def _cosine(left: Scores, right: Scores) -> Scores:
    return np.asarray(_normal(left) @ _normal(right).T)


def _normal(rows: Scores) -> Scores:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))


def _known_facts(here: Side, there: Side) -> list[Hashable]:
    counts = Counter(fact for each in (*here, *there) for fact in _all_facts(each))
    return [fact for fact, count in counts.items() if count > _DOUBT]


def _all_facts(export: Export) -> Iterable[Hashable]:
    return (*export.tokens(), *export.offers)


def _present(side: Side, facts: Sequence[Hashable]) -> Scores:
    columns = {fact: place for place, fact in enumerate(facts)}
    present = np.zeros((len(side), len(facts)))
    for row, each in enumerate(side):
        present[row, [columns[fact] for fact in _all_facts(each) if fact in columns]] = 1.0
    return present


def _log_lift(left: NDArray[np.bool_], right: NDArray[np.bool_]) -> Scores:
    chance = left.mean(axis=0) * right.mean(axis=0)
    joint = ((left & right).sum(axis=0) + _DOUBT * chance) / (len(left) + _DOUBT)
    return np.asarray(np.log((joint + 1e-9) / (chance + 1e-9)))


def _pair_lift(left: Sequence[Hashable], right: Sequence[Hashable]) -> Callable[[Hashable, Hashable], float]:
    pairs, one, other = Counter(zip(left, right, strict=True)), Counter(left), Counter(right)
    total = len(left)

    def lift(a: Hashable, b: Hashable) -> float:
        chance = one[a] * other[b] / total**2
        joint = (pairs[a, b] + _DOUBT * chance) / (total + _DOUBT)
        return float(np.log((joint + 1e-9) / (chance + 1e-9)))

    return lift
