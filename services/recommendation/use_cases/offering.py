"""Offers for whoever asks for some, decided where the brand has put offers."""

from services.recommendation.deciding import Act, Decided, Initiative, Moment
from services.recommendation.domain import Abstention, Offer, Ranking, Subject
from services.recommendation.record import reasons_of
from services.recommendation.use_cases import Wanted
from services.recommendation.use_cases.decide import Answer, Asked, Deciding, decide_for

#: As many as a decision names.
MOST_NAMED = 10


def decides(around: Deciding, brand: str) -> bool:
    """Tell whether the brand has put offers."""
    return around.shelves.ranked(brand).shelf.has_terms


async def offer_to(around: Deciding, subject: Subject, wanted: Wanted, channel: str) -> tuple[Ranking, Answer]:
    """Decide what to offer somebody who asked for offers, now."""
    count = min(wanted.count, MOST_NAMED)
    moment = Moment(around.now_ms(), channel, frozenset({Act.OFFER}), Initiative.PERSONA, count=count)
    answer = await decide_for(around, subject, Asked(moment, exclude=wanted.exclude))
    offers = () if answer.decided is None else _offers(answer.decided)
    return Ranking(offers, None if offers else _abstained(answer), answer.model_version), answer


def _offers(decided: Decided) -> tuple[Offer, ...]:
    named = () if decided.chosen is None else (decided.chosen, *decided.also)
    # Scores of decisions say too much to audiences that others could be compared with: places say enough.
    return tuple(
        Offer(each.candidate.item, 1.0 / place, reasons_of(each.candidate.parts))
        for place, each in enumerate(named, start=1)
    )


def _abstained(answer: Answer) -> Abstention:
    return Abstention.DENIED if answer.decided is None else Abstention.NOTHING_GOOD_ENOUGH
