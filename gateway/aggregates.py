"""REST about personas as a whole: what those of an audience have in common, for a price; sizes of wish segments."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from pydantic import Field

from contracts.profile.v1 import profile_pb2
from gateway import access
from gateway.accounts import AnySource
from gateway.bodies import Body
from gateway.rest import KEYS, REFUSALS, Door, Staff, what_of
from kit.credentials import Credential
from kit.errors import DeniedError, InvalidArgumentError

# The service counts for 20 s, then says that it goes on.
_COUNT_S = 25.0
_router = APIRouter(tags=["aggregates"], responses=REFUSALS, dependencies=KEYS)


class AggregateQuery(Body):
    """Asks what the personas of an audience have in common."""

    #: "personas", "likes", "dislikes", "wishes", "channels", "day_parts" or "recency_periods".
    counted: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    #: Price, in whole thousandths: more buys less noise.
    epsilon: Annotated[float, Field(ge=0.01, le=100)] = 0.5
    #: For staff; an app is told of its own alone.
    audience: AnySource = ""


class AggregateAnswer(Body):
    """Counts with noise."""

    audience: str
    counted: str
    #: What is missing here is shared by few, or by none.
    counts: dict[str, int]
    #: Noisy counts below this are left out.
    threshold: int
    #: Of the noise: 95 % of the counts are off by three times this at most.
    scale: float
    counted_at_ms: int
    #: When the same question is counted anew; until then it costs nothing.
    renews_at_ms: int
    #: Epsilon that is spent of this audience, by whomever, in the window that ends today; and what may be.
    spent: float
    budget: float
    window_days: int


class SegmentsAnswer(Body):
    """How many are in each wish segment of the brand."""

    #: By segment, rounded down to whole steps.
    personas: dict[str, int]
    #: The step: fewer are told as 0. It is 0 where the brand has no segments.
    told_from: int


def add_aggregates(app: FastAPI) -> None:
    """Add the endpoints."""
    app.include_router(_router, prefix="/v1")


async def _analyst(request: Request, door: Door) -> Credential:
    return access.analyst_of(door.credentials, request.headers.get("authorization", ""), what_of(request))


Analyst = Annotated[Credential, Depends(_analyst)]


@_router.get("/aggregates", operation_id="readAggregate")
async def read_aggregate(door: Door, analyst: Analyst, asked: Annotated[AggregateQuery, Query()]) -> AggregateAnswer:
    """Count what personas have in common who allow `analytics.aggregate` now. Spends of their audience's budget."""
    audience = _audience(analyst, asked.audience)
    request = profile_pb2.ReadAggregateRequest(
        brand=analyst.brand, audience=audience, counted=asked.counted, epsilon=asked.epsilon
    )
    answer = await door.services.profile.ReadAggregate(request, timeout=_COUNT_S)
    return AggregateAnswer(
        audience=audience,
        counted=asked.counted,
        counts={each.key: each.count for each in answer.counts},
        threshold=answer.threshold,
        scale=answer.scale,
        counted_at_ms=answer.counted_at_ms,
        renews_at_ms=answer.renews_at_ms,
        spent=answer.spent,
        budget=answer.budget,
        window_days=answer.window_days,
    )


@_router.get("/wish-segments", operation_id="readWishSegments")
async def read_wish_segments(door: Door, staff: Staff) -> SegmentsAnswer:
    """Count who is in each wish segment and allows `analytics.aggregate` now, in steps. For staff."""
    request = profile_pb2.ReadWishSegmentsRequest(brand=staff.brand)
    answer = await door.services.profile.ReadWishSegments(request, timeout=_COUNT_S)
    return SegmentsAnswer(personas={each.name: each.personas for each in answer.segments}, told_from=answer.told_from)


def _audience(analyst: Credential, asked: str) -> str:
    if analyst.kind == "staff":
        if not asked:
            raise InvalidArgumentError("staff say whose personas are counted", field="audience")
        return asked
    if asked not in ("", analyst.id):
        raise DeniedError("an app is told of its own audience alone", field="audience")
    return analyst.id
