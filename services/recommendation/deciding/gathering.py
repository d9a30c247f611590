"""What may be offered at a moment, and how it scores: gates first, then the model over what they leave open."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recommendation.apart import MOST_OFFERS, lot, public
from services.recommendation.deciding.shelf import Mask, Shelf
from services.recommendation.deciding.words import Act, Candidate, Moment, Rules
from services.recommendation.domain import Blend, Situation
from services.recommendation.ranking import Asked, Fitted, Scored, best_of, candidates_of, history_of, mix_of, parts_of
from services.recommendation.ranking import score as score_all
from services.recommendation.sums import Sums

Parts = list[tuple[str, str, float]]
#: Two items that so large a share of their personas have in common are alike.
_ALIKE = 0.5
_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Ranked:
    """A brand's model and what it can offer."""

    sums: Sums
    fitted: Fitted
    blend: Blend
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class Gathered:
    """The best that passed the gates, best first, and what the gates closed."""

    candidates: list[Candidate]
    gates: dict[str, int]
    candidates_hash: bytes
    #: What the score of one of them is made of.
    parts: Callable[[str], Parts]


def topic_of(ranked: Ranked, item: str) -> str:
    """Return what an item is about: by its terms, else by what was done with it; "" where nobody knows."""
    told, slot = ranked.shelf.first_topic(item), ranked.sums.slots.get(item)
    if told or slot is None:
        return told
    counts = ranked.sums.about[slot]
    return ranked.sums.topics[int(counts.argmax())] if counts.any() else ""


def gather(ranked: Ranked, situation: Situation, removed: frozenset[str], moment: Moment, rules: Rules) -> Gathered:
    """Return what may be offered."""
    shelf, asked = ranked.shelf, public(situation) if situation.draw_key else situation
    gates = shelf.gates(moment)
    gates["met"] = _unmet(ranked, asked)
    gates["removed"] = _unremoved(ranked, situation, removed)
    open_ = np.logical_and.reduce(list(gates.values())) if len(shelf) else np.zeros(0, np.bool_)
    scored = _scored(ranked, asked, open_)
    total = np.where(open_, _total(ranked, situation, scored, rules), -np.inf)
    counts = {name: len(shelf) - int(np.count_nonzero(gate)) for name, gate in gates.items()}
    counts["open"] = int(np.count_nonzero(open_))
    best = best_of(total, min(rules.shortlist, counts["open"])) if counts["open"] else []
    # A slot may have been handed over since the shelf was made: its terms are another item's.
    names = ranked.sums.items
    kept = [place for place in best if place >= shelf.learnt or names[place] == shelf.items[place]]
    if situation.draw_key:
        kept = sorted(kept[: asked.count], key=lambda place: lot(situation.draw_key, shelf.items[place]))[:MOST_OFFERS]
    places = {shelf.items[place]: place for place in kept}

    def parts(item: str) -> Parts:
        return _parts(ranked, scored, situation, places[item], rules)

    def found(item: str, place: int) -> Candidate:
        # What others could compare must not be chosen by what was answered elsewhere: then it is about offers as such.
        topic = "" if situation.draw_key else topic_of(ranked, item)
        return Candidate(Act.OFFER, item, float(total[place]), shelf.benefit(place), topic=topic)

    return Gathered(
        [found(item, place) for item, place in places.items()], counts, _hash(ranked.fitted.version, open_), parts
    )


def _unmet(ranked: Ranked, situation: Situation) -> Mask:
    """Return where nothing was met, excluded, or known of too few."""
    shelf, mask = ranked.shelf, np.ones(len(ranked.shelf), np.bool_)
    # Slots taken since the shelf was made wait for the next one.
    mask[: shelf.learnt] = candidates_of(ranked.sums, situation, ranked.blend.least_met)[: shelf.learnt]
    named = situation.exclude | {met.item for met in situation.history}
    mask[shelf.behind(named)] = False
    return mask


def _unremoved(ranked: Ranked, situation: Situation, removed: frozenset[str]) -> Mask:
    """Return where nothing was removed, and nothing is like what was."""
    shelf, sums, mask = ranked.shelf, ranked.sums, np.ones(len(ranked.shelf), np.bool_)
    if not removed and not situation.removed_topics:
        return mask
    for topic in situation.removed_topics:
        mask[shelf.about(topic)] = False
    mask[shelf.behind(removed)] = False
    for slot in (sums.slots[item] for item in removed if item in sums.slots):
        shared = sums.together[slot] / np.sqrt(np.maximum(sums.met, 1) * max(1, int(sums.met[slot])))
        mask[: shelf.learnt] &= (shared < _ALIKE)[: shelf.learnt]
        mask[slot : slot + 1] = False
    for topics in filter(None, map(shelf.topics, removed)):
        mask[shelf.about(*topics)] = False
    return mask


def _scored(ranked: Ranked, asked: Situation, open_: Mask) -> Scored | None:
    sums, learnt = ranked.sums, ranked.shelf.learnt
    if not open_[:learnt].any():
        return None
    candidates = np.zeros(sums.size, np.bool_)
    candidates[:learnt] = open_[:learnt]
    mix = mix_of(ranked.fitted.mixes or ranked.blend.mixes, asked)
    question = Asked(asked, history_of(sums, asked.history), candidates, mix)
    return score_all(sums, ranked.fitted, question, ranked.blend.popular_half_life_days)


def _total(ranked: Ranked, situation: Situation, scored: Scored | None, rules: Rules) -> NDArray[np.float64]:
    shelf = ranked.shelf
    total = np.full(len(shelf), rules.unmet)
    if scored is not None:
        total[: shelf.learnt] = scored.total()[: shelf.learnt]
    for topic in situation.likes:
        total[shelf.unmet_about(topic)] += rules.unmet_topic
    return total


def _parts(ranked: Ranked, scored: Scored | None, situation: Situation, place: int, rules: Rules) -> Parts:
    if scored is not None and place < ranked.shelf.learnt:
        return parts_of(scored, place)
    about = ranked.shelf.topics(ranked.shelf.items[place])
    liked = [("liked_topic", topic, rules.unmet_topic) for topic in situation.likes if topic in about]
    return [("unmet", "", rules.unmet), *liked]


def _hash(version: int, open_: Mask) -> bytes:
    told = hashlib.blake2b(np.packbits(open_).tobytes(), digest_size=_HASH_BYTES, key=version.to_bytes(8, "big"))
    return told.digest()
