"""REST about consent: what people allow and take back, their receipts, why a read was allowed, and policy floors."""

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, FastAPI, Header

from contracts.consent.v1 import consent_pb2
from contracts.profile.v1 import profile_pb2
from gateway import bodies, convert
from gateway.rest import CONFLICT, ERASE_S, KEYS, REFUSALS, App, Door, Staff
from kit.errors import UnavailableError

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.consent.v1.consent_pb2_grpc import ConsentServiceAsyncStub

# A handle is found by trying every persona of the brand.
_SEARCH_S = 30.0
_router = APIRouter(prefix="/consent", tags=["consent"], responses=REFUSALS, dependencies=KEYS)
_open = APIRouter(responses={status: REFUSALS[status] for status in (405, 429, 503)})
_NO_HANDLE: dict[int | str, dict[str, Any]] = {
    404: {"model": bodies.Problem, "description": "No persona of the brand has this handle"}
}
#: Exactly "1" is a signal; anything else is none.
Gpc = Annotated[str, Header(alias="Sec-GPC", max_length=64)]


def add_consent(app: FastAPI) -> None:
    """Add the endpoints."""
    app.include_router(_router, prefix="/v1")
    app.include_router(_open)


@_router.post("/grant", operation_id="grantConsent", responses=CONFLICT)
async def grant(body: bodies.GrantBody, door: Door, app: App, gpc: Gpc = "") -> bodies.ConfirmedAnswer:
    """Record that a person allows purposes. The first grant is what makes a persona."""
    request = profile_pb2.GrantRequest(
        subject=door.subject(app, body),
        purposes=body.purposes,
        statement=convert.statement_to_proto(body, door.now_ms(), has_gpc=gpc == "1"),
    )
    answer = await door.services.profile.Grant(request)
    return bodies.ConfirmedAnswer(records=convert.records_from_proto(answer.records), receipt=answer.receipt)


@_router.post("/withdraw", operation_id="withdrawConsent", responses=CONFLICT)
async def withdraw(body: bodies.WithdrawBody, door: Door, app: App, gpc: Gpc = "") -> bodies.ConfirmedAnswer:
    """Record that a person takes purposes back. Once this is answered, no later read returns what they covered."""
    request = profile_pb2.WithdrawRequest(
        subject=door.subject(app, body),
        purposes=body.purposes,
        statement=convert.statement_to_proto(body, door.now_ms(), has_gpc=gpc == "1"),
    )
    answer = await door.services.profile.Withdraw(request)
    confirmed = bodies.ConfirmedAnswer(records=convert.records_from_proto(answer.records), receipt=answer.receipt)
    if body.forget:
        erasing = profile_pb2.EraseRequest(subject=request.subject, statement=request.statement)
        erased = await door.services.profile.Erase(erasing, timeout=ERASE_S)
        confirmed.erasure = erased.erasure.erasure_id
    return confirmed


@_router.post("/list", operation_id="listConsents")
async def list_consents(body: bodies.Someone, door: Door, app: App) -> bodies.ConsentsAnswer:
    """List what is in force, one record per purpose."""
    request = profile_pb2.ListConsentsRequest(subject=door.subject(app, body))
    answer = await door.services.profile.ListConsents(request)
    return bodies.ConsentsAnswer(records=convert.records_from_proto(answer.records))


@_router.post("/receipt", operation_id="issueConsentReceipt")
async def issue_receipt(body: bodies.Someone, door: Door, app: App) -> bodies.ReceiptAnswer:
    """Issue a signed receipt of everything in force. `maskenball verify-receipt` checks it offline."""
    answer = await door.services.profile.IssueReceipt(profile_pb2.IssueReceiptRequest(subject=door.subject(app, body)))
    return bodies.ReceiptAnswer(receipt=answer.receipt)


@_router.post("/explain", operation_id="explainConsent")
async def explain(body: bodies.ExplainBody, door: Door, app: App) -> bodies.ExplainAnswer:
    """Tell a person why a purpose is allowed or denied, with the records that led there."""
    request = profile_pb2.ExplainConsentRequest(subject=door.subject(app, body), purpose=body.purpose)
    return convert.explained_from_proto(await door.services.profile.ExplainConsent(request))


@_router.post("/explain/handle", operation_id="explainConsentOfHandle", responses=_NO_HANDLE)
async def explain_handle(body: bodies.ExplainHandleBody, door: Door, staff: Staff) -> bodies.ExplainAnswer:
    """Tell staff the same about a persona by its handle, whichever audience has it."""
    named = profile_pb2.Named(brand=staff.brand, handle=body.handle)
    request = profile_pb2.ExplainConsentRequest(named=named, purpose=body.purpose)
    return convert.explained_from_proto(await door.services.profile.ExplainConsent(request, timeout=_SEARCH_S))


@_router.post("/floors", operation_id="raiseConsentFloor")
async def raise_floor(body: bodies.FloorBody, door: Door, staff: Staff) -> bodies.FloorAnswer:
    """Stop reading consents to older versions of a purpose, at once and everywhere. A floor never falls."""
    request = consent_pb2.RaiseFloorRequest(brand=staff.brand, purpose=body.purpose, floor=body.floor)
    return bodies.FloorAnswer(floor=(await _consent(door).RaiseFloor(request)).floor)


@_open.get("/.well-known/jwks.json", tags=["consent"], operation_id="getReceiptKeys")
async def get_keys(door: Door) -> bodies.KeysAnswer:
    """Read the public keys that receipts are verified with."""
    answer = await _consent(door).ListReceiptKeys(consent_pb2.ListReceiptKeysRequest())
    return bodies.KeysAnswer.model_validate(json.loads(answer.jwks))


def _consent(door: Door) -> "ConsentServiceAsyncStub":
    if door.services.consent is None:
        raise UnavailableError("this door was not told where the consent service is", retry_after_s=60)
    return door.services.consent
