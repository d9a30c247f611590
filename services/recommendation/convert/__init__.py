"""Between contract messages and this room's words; bounds of requests are checked here."""

from collections.abc import Callable

from contracts.common.v1.subject_pb2 import PurposeDecision
from contracts.profile.v1.events_pb2 import Lessons
from contracts.recommendation.v1 import recommendation_pb2 as messages
from kit.errors import InvalidArgumentError
from services.recommendation.domain import Decision, Learnt, Lesson, Met, Offer, Ranking, Reason, Situation, Subject
from services.recommendation.use_cases import Wanted

MOST_HISTORY = 2_000
MOST_OFFERS = 100
MOST_LIKES = 3
MOST_EXCLUDED = 1_000
MOST_REMOVED = 8
MOST_BRAND = 64
MOST_ITEM = 64
EID_BYTES = 16
BATCH_ID_BYTES = 16
MOST_REMOVED_ITEMS = 500
DRAW_KEY_BYTES = 16
# Said once: with every request they would cost more than the checks.
_ITEMS = f"at most {MOST_HISTORY}"
_AN_ITEM = f"{MOST_ITEM} characters each"
_LIKES = f"at most {MOST_LIKES}"
_A_DRAW_KEY = f"{DRAW_KEY_BYTES} bytes, or none"
_REMOVED = f"at most {MOST_REMOVED}"
_REMOVED_ITEMS = f"at most {MOST_REMOVED_ITEMS}"


_AboutSomebody = (
    messages.RecommendRequest | messages.DecideRequest | messages.GiveFeedbackRequest | messages.ExplainDecisionRequest
)


def lessons(message: Lessons) -> list[Lesson]:
    return [
        Lesson(
            before=tuple(lesson.before),
            learnt=tuple(
                Learnt(learnt.item, learnt.at_ms, learnt.weight, tuple(learnt.topics)) for learnt in lesson.learnt
            ),
        )
        for lesson in message.lessons
    ]


def brand(value: str) -> str:
    require(0 < len(value) <= MOST_BRAND, "brand", f"1 to {MOST_BRAND} characters")
    return value


def unlearnt(request: messages.UnlearnRequest) -> tuple[str, bytes, list[Lesson]]:
    """Return brand, batch id and lessons."""
    require(len(request.batch_id) == BATCH_ID_BYTES, "batch_id", f"{BATCH_ID_BYTES} bytes")
    return brand(request.brand), request.batch_id, lessons(request.lessons)


def wanted(request: messages.RecommendRequest, now_ms: Callable[[], int]) -> Wanted:
    require(1 <= request.count <= MOST_OFFERS, "count", f"1 to {MOST_OFFERS}")
    require(len(request.exclude) <= MOST_EXCLUDED, "exclude", f"at most {MOST_EXCLUDED}")
    require(request.at_ms >= 0, "at_ms", "not negative")
    return Wanted(request.at_ms or now_ms(), request.count, frozenset(request.exclude))


def subject(request: _AboutSomebody) -> Subject:
    named = request.subject
    require(named.brand == request.brand, "subject.brand", "the brand of the request")
    require(len(named.eid) == EID_BYTES, "subject.eid", f"{EID_BYTES} bytes")
    former = tuple((each.version, each.eid) for each in named.former)
    return Subject(named.brand, named.audience, named.eid, named.version, former)


def situation(request: messages.RecommendRequest, asked: Wanted) -> Situation:
    history = request.history
    return Situation(
        met(history),
        asked.at_ms,
        asked.count,
        tuple(history.likes),
        asked.exclude,
        history.draw_key,
        max(history.at_ms, default=0),
        tuple(history.removed_topics),
    )


def met(history: messages.History) -> tuple[Met, ...]:
    """Check the whole history, and return what was met."""
    # Lists of messages are read by other means, item by item: once each.
    items, times, weights = list(history.items), list(history.at_ms), list(history.weights)
    require(len(items) <= MOST_HISTORY, "history.items", _ITEMS)
    require(len(times) == len(items), "history.at_ms", "as many as history.items")
    require(times == sorted(times), "history.at_ms", "oldest first")
    require(max(map(len, items), default=0) <= MOST_ITEM, "history.items", _AN_ITEM)
    require(len(weights) in {0, len(items)}, "history.weights", "as many as history.items, or none")
    # The comparison is false for what is no number, too.
    require(all(-1.0 <= weight <= 1.0 for weight in weights), "history.weights", "-1 to 1")
    require(len(history.likes) <= MOST_LIKES, "history.likes", _LIKES)
    require(len(history.draw_key) in {0, DRAW_KEY_BYTES}, "history.draw_key", _A_DRAW_KEY)
    require(len(history.removed_topics) <= MOST_REMOVED, "history.removed_topics", _REMOVED)
    require(len(history.removed_items) <= MOST_REMOVED_ITEMS, "history.removed_items", _REMOVED_ITEMS)
    return tuple(map(Met, items, weights)) if weights else tuple(map(Met, items))


def to_response(ranking: Ranking, decision: Decision | None, decision_id: bytes = b"") -> messages.RecommendResponse:
    return messages.RecommendResponse(
        decision_id=decision_id,
        offers=[_to_offer(offer) for offer in ranking.offers],
        abstained=ranking.abstained or "",
        decision=None if decision is None else to_decision(decision),
        model_version=ranking.model_version,
    )


def _to_offer(offer: Offer) -> messages.Offer:
    return messages.Offer(item=offer.item, score=offer.score, reasons=map(to_reason, offer.reasons))


def to_reason(reason: Reason) -> messages.Reason:
    return messages.Reason(kind=reason.kind, ref=reason.ref, share=reason.share)


def to_decision(decision: Decision) -> PurposeDecision:
    return PurposeDecision(
        purpose=decision.purpose,
        is_allowed=decision.is_allowed,
        reason=decision.reason,
        sequence=decision.sequence,
        record_id=decision.record_id,
    )


def require(holds: bool, field: str, limit: str) -> None:  # noqa: FBT001  # it is the condition itself
    if not holds:
        raise InvalidArgumentError(field=field, limit=limit)
