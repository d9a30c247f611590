"""What may be offered at a moment, and how it scores: gates first, then the model over what they leave open."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.recommendation.apart import MOST_OFFERS, lot, public
from services.recommendation.components import Mask, Scores, history_of
from services.recommendation.deciding.columns import Candidates
from services.recommendation.deciding.shelf import Shelf
from services.recommendation.deciding.words import Act, Moment, Rules
from services.recommendation.domain import Blend, Situation
from services.recommendation.ranking import Asked, Fitted, best_of, mix_of, of_topics
from services.recommendation.ranking import score as score_all
from services.recommendation.scored import Scored, parts_of
from services.recommendation.sums import Sums

Parts = list[tuple[str, str, float]]
#: Two items that so large a share of their personas have in common are alike.
_ALIKE = 0.5
_HASH_BYTES = 16
_CLOSED = np.float32(-np.inf)
#: What may be offered where offers may not be made at all.
NOTHING = Candidates([], [], np.zeros(0), np.zeros(0), [], np.zeros(0, np.intp))


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

    candidates: Candidates
    gates: dict[str, int]
    candidates_hash: bytes
    #: What the score of one of them is made of.
    parts: Callable[[str], Parts]


def gather(ranked: Ranked, situation: Situation, removed: frozenset[str], moment: Moment, rules: Rules) -> Gathered:
    """Return what may be offered."""
    shelf, asked = ranked.shelf, public(situation) if situation.draw_key else situation
    open_, counts = _open(ranked, asked, removed, moment)
    scored = _scored(ranked, asked, open_)
    known = _total(ranked, situation, scored, rules)
    total = np.where(open_, _suited(shelf, situation, known), _CLOSED)
    best = best_of(total, min(rules.shortlist, counts["open"])) if counts["open"] else []
    # A slot may have been handed over since the shelf was made: its terms are another item's.
    names = ranked.sums.items
    kept = [place for place in best if place >= shelf.learnt or names[place] == shelf.items[place]]
    if situation.draw_key:
        kept = sorted(kept[: asked.count], key=lambda place: lot(situation.draw_key, shelf.items[place]))[:MOST_OFFERS]
    # What others could compare must not be chosen by what was answered elsewhere: then it is about offers as such.
    topics = [""] * len(kept) if situation.draw_key else _topics(ranked, kept)
    found = _columns(shelf, kept, total, topics)

    def parts(item: str) -> Parts:
        place, about = kept[found.items.index(item)], shelf.topics(item)
        suited = [part for part in situation.suited if part[1] in about]
        if scored is not None and place < shelf.learnt:
            return [*parts_of(scored, place, float(known[place])), *suited]
        return [*_unmet_parts(about, situation, rules), *suited]

    return Gathered(found, counts, _hash(ranked.fitted.version, open_), parts)


def _columns(shelf: Shelf, kept: list[int], total: Scores, topics: list[str]) -> Candidates:
    places = np.array(kept, np.intp)
    return Candidates(
        [Act.OFFER] * len(kept),
        [shelf.items[place] for place in kept],
        total[places].astype(np.float64),
        shelf.benefits[places].astype(np.float64),
        topics,
        np.where(places < shelf.learnt, places, -1),
    )


def _topics(ranked: Ranked, kept: list[int]) -> list[str]:
    """Return what items are about: by their terms, else by what was done with them; "" where nobody knows."""
    shelf, sums = ranked.shelf, ranked.sums
    found = [shelf.first_topics[place] for place in kept]
    untold = [at for at, place in enumerate(kept) if not found[at] and place < shelf.learnt]
    if untold and sums.topics:
        counts = sums.about[[kept[at] for at in untold]]
        most = counts.argmax(axis=1)
        for at, column, count in zip(untold, most.tolist(), counts.max(axis=1).tolist(), strict=True):
            found[at] = sums.topics[column] if count > 0 else ""
    return found


def _open(ranked: Ranked, situation: Situation, removed: frozenset[str], moment: Moment) -> tuple[Mask, dict[str, int]]:
    """Return what every gate leaves open, how many items each closes, and how many none does."""
    terms, enough = ranked.shelf.gate(moment), _enough(ranked)
    met = [place for place in _places(ranked, _met(situation)) if enough[place]]
    open_ = terms.open & enough
    open_[met] = False
    counts = {**terms.closed, "met": len(enough) - int(np.count_nonzero(enough)) + len(met), "removed": 0}
    if removed or situation.removed_topics:
        unremoved = _unremoved(ranked, situation.removed_topics, removed)
        open_ &= unremoved
        counts["removed"] = len(unremoved) - int(np.count_nonzero(unremoved))
    counts["open"] = int(np.count_nonzero(open_))
    return open_, counts


def _enough(ranked: Ranked) -> Mask:
    """Return where an item is known of enough, or of nobody."""
    shelf, sums, least = ranked.shelf, ranked.sums, ranked.blend.least_met

    def work() -> Mask:
        mask = np.ones(len(shelf), np.bool_)
        # Slots taken since the shelf was made wait for the next one.
        mask[: shelf.learnt] = sums.met[: shelf.learnt] >= least
        return mask

    return sums.derive("enough", (shelf, least), work)


def _met(situation: Situation) -> frozenset[str]:
    return situation.exclude.union([met.item for met in situation.history])


def _places(ranked: Ranked, names: frozenset[str]) -> list[int]:
    """Return where these items are, as far as the shelf goes."""
    slots, learnt = ranked.sums.slots, ranked.shelf.learnt
    known = [slot for slot in map(slots.get, names) if slot is not None and slot < learnt]
    return known + ranked.shelf.behind(names)


def _unremoved(ranked: Ranked, topics: tuple[str, ...], removed: frozenset[str]) -> Mask:
    """Return where nothing was removed, and nothing is like what was."""
    shelf, sums, mask = ranked.shelf, ranked.sums, np.ones(len(ranked.shelf), np.bool_)
    mask[: shelf.learnt] = ~of_topics(sums, topics)[: shelf.learnt]
    for topic in topics:
        mask[shelf.about(topic)] = False
    mask[shelf.behind(removed)] = False
    for slot in (sums.slots[item] for item in removed if item in sums.slots):
        shared = sums.together[slot] / np.sqrt(np.maximum(sums.met, 1) * max(1, int(sums.met[slot])))
        mask[: shelf.learnt] &= (shared < _ALIKE)[: shelf.learnt]
        mask[slot : slot + 1] = False
    for about in filter(None, map(shelf.topics, removed)):
        mask[shelf.about(*about)] = False
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


def _total(ranked: Ranked, situation: Situation, scored: Scored | None, rules: Rules) -> Scores:
    shelf = ranked.shelf
    if scored is not None and shelf.learnt == len(shelf):
        return scored.total()[: shelf.learnt]
    total = np.full(len(shelf), rules.unmet, np.float32)
    if scored is not None:
        total[: shelf.learnt] = scored.total()[: shelf.learnt]
    for topic in situation.likes:
        total[shelf.unmet_about(topic)] += np.float32(rules.unmet_topic)
    return total


def _suited(shelf: Shelf, situation: Situation, known: Scores) -> Scores:
    if not situation.suited:
        return known
    total = known.copy()
    for _, topic, amount in situation.suited:
        total[shelf.about(topic)] += np.float32(amount)
    return total


def _unmet_parts(about: frozenset[str], situation: Situation, rules: Rules) -> Parts:
    liked = [("liked_topic", topic, rules.unmet_topic) for topic in situation.likes if topic in about]
    return [("unmet", "", rules.unmet), *liked]


def _hash(version: int, open_: Mask) -> bytes:
    told = hashlib.blake2b(np.packbits(open_).tobytes(), digest_size=_HASH_BYTES, key=version.to_bytes(8, "big"))
    return told.digest()
