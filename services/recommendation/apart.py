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
_POOL = 30


def rank_apart(sums: Sums, fitted: Fitted, situation: Situation, blend: Blend) -> Ranking:
    """Return offers that say no more than the likes they were ranked by; `situation` has a draw key."""
    met = frozenset(each.item for each in situation.history)
    history: tuple[Met, ...] = ()
    public = replace(situation, history=history, count=_POOL, exclude=situation.exclude | met)
    ranking = rank(sums, fitted, public, blend)
    drawn = sorted(ranking.offers, key=lambda offer: _lot(situation.draw_key, offer.item))
    few = drawn[: min(situation.count, MOST_OFFERS)]
    return replace(ranking, offers=tuple(_plain(offer, place) for place, offer in enumerate(few, start=1)))


def _plain(offer: Offer, place: int) -> Offer:
    reasons = offer.reasons[:1] or (Reason("popular_now", "", 1.0),)
    return Offer(offer.item, 1.0 / place, tuple(replace(reason, share=1.0) for reason in reasons))


def _lot(key: bytes, item: str) -> bytes:
    return hmac.digest(key, item.encode(), "sha256")
