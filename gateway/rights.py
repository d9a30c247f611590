"""REST for the rights of a person: to be forgotten, and to see how far that is. Key and id are the proof."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Path
from pydantic import Field

from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1 import profile_pb2
from gateway import bodies
from gateway.rest import ERASE_S, KEYS, REFUSALS, App, Door

_ID = r"^[0-9a-f]{32}$"
_UNKNOWN: dict[int | str, dict[str, object]] = {
    404: {"model": bodies.Problem, "description": "This source asked for no such erasure"}
}
_router = APIRouter(tags=["rights"], responses=REFUSALS, dependencies=KEYS)


class Erasure(bodies.Body):
    """How far an erasure is. Names nobody."""

    #: Whoever knows it may ask again.
    erasure: Annotated[str, Field(pattern=_ID)]
    asked_at_ms: int
    #: Since when no read finds it; 0 for not yet.
    unreadable_at_ms: int
    #: Who has deleted its part, and when.
    signed: dict[str, int]
    #: Who has not yet, and why: "" when it was not asked yet.
    missing: dict[str, str]
    #: Since when the keys are gone under which logs, replicas and copies held a part of it; 0 for not yet.
    complete_at_ms: int
    #: JWS (Ed25519) over the above once it is complete.
    receipt: str


def add_rights(app: FastAPI) -> None:
    """Add the endpoints."""
    app.include_router(_router, prefix="/v1")


@_router.post("/erase", operation_id="erase")
async def erase(body: bodies.Someone, door: Door, app: App) -> Erasure:
    """Erase a persona with all that is linked to it. Once this is answered no read finds it; the rest follows."""
    request = profile_pb2.EraseRequest(subject=door.subject(app, body), statement=Statement(method="rest"))
    answer = await door.services.profile.Erase(request, timeout=ERASE_S)
    return erasure_from_proto(answer.erasure)


@_router.get("/erasures/{erasure}", operation_id="getErasure", responses=_UNKNOWN)
async def get_erasure(door: Door, app: App, erasure: Annotated[str, Path(pattern=_ID)]) -> Erasure:
    """Tell how far an erasure is; complete after some seconds, or naming who is missing."""
    request = profile_pb2.GetErasureRequest(brand=app.brand, audience=app.id, erasure_id=erasure)
    return erasure_from_proto((await door.services.profile.GetErasure(request)).erasure)


def erasure_from_proto(erasure: profile_pb2.Erasure) -> Erasure:
    return Erasure(
        erasure=erasure.erasure_id,
        asked_at_ms=erasure.asked_at_ms,
        unreadable_at_ms=erasure.unreadable_at_ms,
        signed={each.projection: each.signed_at_ms for each in erasure.signed},
        missing={each.projection: each.reason for each in erasure.missing},
        complete_at_ms=erasure.complete_at_ms,
        receipt=erasure.receipt,
    )
