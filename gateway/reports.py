"""REST for staff: what a brand may learn of itself from all of its personas."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Response
from pydantic import Field

from contracts.profile.v1 import profile_pb2
from gateway.accounts import AnySource
from gateway.bodies import Body
from gateway.rest import KEYS, REFUSALS, Door, Staff
from kit.errors import InvalidArgumentError

# The service counts for 20 s, then says that it goes on.
_COUNT_S = 25.0
_router = APIRouter(prefix="/reports", tags=["aggregates"], responses=REFUSALS, dependencies=KEYS)


class ReportQuery(Body):
    """Asks for a report."""

    #: All audiences of the brand when absent.
    audience: AnySource = ""


class RelationshipsQuery(ReportQuery):
    """Asks for the report on relationships."""

    #: What the brand assumes, as `type:share` each; the priors of its pack when absent.
    assumed: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}:(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$")]],
        Field(default_factory=list, max_length=64),
    ]


def add_reports(app: FastAPI) -> None:
    """Add the endpoints."""
    app.include_router(_router, prefix="/v1")


@_router.get("/relationships", operation_id="reportRelationships", response_model=dict[str, Any])
async def relationships(door: Door, staff: Staff, asked: Annotated[RelationshipsQuery, Query()]) -> Response:
    """Estimate which relationships personas want who allow being counted. Of one day there is one answer."""
    request = profile_pb2.ReportRelationshipsRequest(
        brand=staff.brand, audience=asked.audience, assumed=_shares(asked.assumed)
    )
    answer = await door.services.profile.ReportRelationships(request, timeout=_COUNT_S)
    return Response(answer.document, media_type="application/json")


@_router.get("/mining", operation_id="reportMining", response_model=dict[str, Any])
async def mining(door: Door, staff: Staff, asked: Annotated[ReportQuery, Query()]) -> Response:
    """Tell which traits go with which type, among personas who allow being counted. Of one day there is one answer."""
    request = profile_pb2.ReportMiningRequest(brand=staff.brand, audience=asked.audience)
    answer = await door.services.profile.ReportMining(request, timeout=_COUNT_S)
    return Response(answer.document, media_type="application/json")


def _shares(assumed: list[str]) -> dict[str, float]:
    told = dict(each.split(":") for each in assumed)
    if len(told) < len(assumed):
        raise InvalidArgumentError("a type is assumed twice", field="assumed")
    return {name: float(share) for name, share in told.items()}
