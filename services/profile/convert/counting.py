"""Questions about an audience, and what is told of it."""

from contracts.profile.v1 import profile_pb2
from kit.errors import InvalidArgumentError
from services.profile.aggregates import COUNTABLE, LEAST_PRICE, UNIT, Budget, Question
from services.profile.convert.asking import audience_from_proto, brand_from_proto
from services.profile.decay import DAY_MS
from services.profile.use_cases.aggregate import Told


def question_from_proto(request: profile_pb2.ReadAggregateRequest, budget: Budget, now_ms: int) -> Question:
    brand = brand_from_proto(request.brand)
    audience = audience_from_proto(request.audience)
    if request.counted not in COUNTABLE:
        raise InvalidArgumentError("cannot be counted", field="counted", limit=", ".join(COUNTABLE))
    if not LEAST_PRICE <= request.epsilon * UNIT <= budget.price:
        limit = f"{LEAST_PRICE / UNIT:g} to {budget.price / UNIT:g}"
        raise InvalidArgumentError("no such price", field="epsilon", limit=limit)
    price = round(request.epsilon * UNIT)
    return Question(brand, audience, request.counted, price, now_ms // DAY_MS)


def told_to_proto(question: Question, told: Told, budget: Budget) -> profile_pb2.ReadAggregateResponse:
    answer = told.answer
    return profile_pb2.ReadAggregateResponse(
        # In an order of its own: that of the release tells nothing, but nobody has proved it.
        counts=[profile_pb2.NoisyCount(key=key, count=count) for key, count in sorted(answer.counts.items())],
        threshold=answer.threshold,
        scale=answer.scale,
        counted_at_ms=answer.counted_at_ms,
        renews_at_ms=question.renews_at_ms,
        spent=told.spent / UNIT,
        budget=budget.price / UNIT,
        window_days=budget.days,
    )
