"""Offers for audiences that must not be able to compare them.

What a history makes of a ranking is a fingerprint: two worlds link their visitors by taste, and by what is missing
because it was met. So nothing but the published likes ranks, and of the best unmet items a few are drawn with a key
of the persona in that audience: the same ones each time, others elsewhere. Places and scores tell nothing.
"""

import hmac
from dataclasses import replace

from services.recommendation.domain import Blend, Met, Offer, Ranking, Reason, Situation
from services.recommendation.ranking import Fitted, rank
from services.recommendation.sums import Sums

#: Offers in one answer, at most, and of how many each is drawn.
MOST_OFFERS = 10
POOL = 30


def rank_apart(sums: Sums, fitted: Fitted, situation: Situation, blend: Blend) -> Ranking:
    """Return offers that say no more than the likes they were ranked by; `situation` has a draw key."""
    ranking = rank(sums, fitted, public(situation), blend)
    drawn = sorted(ranking.offers, key=lambda offer: lot(situation.draw_key, offer.item))
    few = drawn[: min(situation.count, MOST_OFFERS)]
    return replace(ranking, offers=tuple(_plain(offer, place) for place, offer in enumerate(few, start=1)))


def public(situation: Situation) -> Situation:
    """Return the question as it may be asked: what was met is left out, and ranks nothing."""
    met = frozenset(each.item for each in situation.history)
    history: tuple[Met, ...] = ()
    return replace(situation, history=history, count=POOL, exclude=situation.exclude | met)


def _plain(offer: Offer, place: int) -> Offer:
    reasons = offer.reasons[:1] or (Reason("popular_now", "", 1.0),)
    return Offer(offer.item, 1.0 / place, tuple(replace(reason, share=1.0) for reason in reasons))


def lot(key: bytes, item: str) -> bytes:
    """Return the place in the draw that an item has for the persona of this key."""
    return hmac.digest(key, item.encode(), "sha256")
