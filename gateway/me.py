"""REST for the person behind a persona, without login: a proof that a device or a visit holds says who speaks."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Request, Response
from fastapi.responses import StreamingResponse

from contracts.common.v1.subject_pb2 import Subject
from contracts.consent.v1.consent_pb2 import Statement
from contracts.interaction.v1.interaction_pb2 import Kind
from contracts.interaction.v1.payload import Interaction
from contracts.profile.v1 import profile_pb2
from doors.proofs import PERSON, REMOVAL, ProofInvalidError, Proven
from gateway import access, bodies, convert, mine, rights
from gateway.archive import archive, first_page
from gateway.domain import IdentityRefusedError
from gateway.rest import BEARER, ERASE_S, KEYS, REFUSALS, App, Door, what_of
from kit import audit
from kit.refusal import identity_in

#: How long one click is undone.
UNDO_MS = 10_000
_METHOD = "rest"
_CHANNEL = "server"
_SAYS = {"likes": 1.0, "dislikes": 0.0, "neither": 0.5}
_GONE: dict[int | str, dict[str, Any]] = {
    404: {"model": bodies.Problem, "description": "There is nothing of the kind to take back"},
    410: {"model": bodies.Problem, "description": "It is too late to undo this"},
}
_FULL: dict[int | str, dict[str, Any]] = {
    409: {"model": bodies.Problem, "description": "So much is removed one by one that all may be removed instead"}
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {}}, "description": "The archive, with a manifest of hashes"}
}
_router = APIRouter(prefix="/me", tags=["person"], responses=REFUSALS, dependencies=BEARER)
_open = APIRouter(
    tags=["person"], responses={status: REFUSALS[status] for status in (400, 401, 405, 413, 429, 503, 504)}
)


def add_person(app: FastAPI) -> None:
    """Add the endpoints."""
    for router in (_router, _issuing, _open):
        app.include_router(router, prefix="/v1")


async def _me(request: Request, door: Door) -> Subject:
    key = access.header_key(request.headers.get("authorization", ""), what_of(request))
    return _proven(request, door, key, PERSON).subject


def _proven(request: Request, door: Door, proof: str, use: str) -> Proven:
    try:
        return door.people.proofs.read(proof, use)
    except ProofInvalidError:
        audit.denied(audit.NOBODY, what_of(request), "proof")
        raise


Me = Annotated[Subject, Depends(_me)]
Click = Annotated[str, Path(max_length=1024, pattern=r"^[A-Za-z0-9._-]+$")]
_issuing = APIRouter(tags=["person"], responses=REFUSALS, dependencies=KEYS)


@_issuing.post("/proofs", operation_id="issueProof")
async def issue_proof(body: bodies.Someone, door: Door, app: App) -> mine.ProofAnswer:
    """Make a proof for the device of a person whom this app knows, good for 90 days. The app hands it over."""
    proof, ends_at = door.people.proof(door.subject(app, body))
    return mine.ProofAnswer(proof=proof, expires_at_ms=ends_at * 1000)


@_router.get("", operation_id="seeMe", response_model=dict[str, Any])
async def see(door: Door, me: Me) -> Response:
    """See what is known, what is inferred and why, who read what under which record, and what that gave."""
    answer = await door.services.profile.See(profile_pb2.SeeRequest(subject=me))
    return Response(answer.document, media_type="application/json")


@_router.get("/export", operation_id="exportMe", responses=_ZIP, response_class=Response)
async def export(door: Door, me: Me) -> Response:
    """Take everything away: a zip with a manifest and the SHA-256 of each file. docs/rights.md."""
    page = await first_page(door.services.profile, me)
    made = archive(door.services.profile, me, page)
    named = {"content-disposition": 'attachment; filename="persona.zip"'}
    return StreamingResponse(made, media_type="application/zip", headers=named)


@_router.post("/correct", operation_id="correctMe")
async def correct(body: mine.CorrectBody, me: Me, door: Door) -> mine.CorrectAnswer:
    """Say what holds: it outranks what was inferred, now and whenever it is inferred again."""
    if identity_in(body.ref):
        raise IdentityRefusedError("looks like an identity; name topics and items", field="ref")
    interaction = Interaction(
        source=me.audience,
        eid=me.eid,
        mid=uuid.uuid4().bytes,
        kind=int(Kind.KIND_CORRECTED),
        at_ms=door.now_ms(),
        channel=_CHANNEL,
        topics=(body.ref,),
        value=_SAYS[body.says],
        version=me.version,
        former=tuple((each.version, each.eid) for each in me.former),
    )
    stands = await door.people.publish(me.brand, interaction)
    return mine.CorrectAnswer(
        positions=[bodies.Position(partition=each.partition, sequence=each.sequence) for each in stands]
    )


@_router.post("/object", operation_id="objectToMe")
async def object_to(body: mine.ObjectBody, me: Me, door: Door) -> bodies.ConfirmedAnswer:
    """Object to kinds of inference, or to purposes. Once this is answered none of them is told or used."""
    if body.inferences is not None:
        request = profile_pb2.ObjectRequest(subject=me, inferences=body.inferences, statement=_said(door))
        await door.services.profile.Object(request)
    if not body.purposes:
        return bodies.ConfirmedAnswer(records=[], receipt="")
    return await _withdraw(door, me, body.purposes)


@_router.put("/relationship", operation_id="declareMyRelationship")
async def declare(body: mine.RelationshipBody, me: Me, door: Door) -> mine.RelationshipAnswer:
    """Say which relationship is wanted: it outranks what was inferred, wherever the persona is linked."""
    return await _declare(door, me, body.type)


@_router.delete("/relationship", operation_id="takeBackMyRelationship")
async def take_back(me: Me, door: Door) -> mine.RelationshipAnswer:
    """Take that back, with one click; what follows from words and deeds counts again."""
    return await _declare(door, me, "")


@_router.post("/withdraw", operation_id="withdrawMine")
async def withdraw(body: mine.TakeBackBody, me: Me, door: Door) -> bodies.ConfirmedAnswer:
    """Take purposes back, with or without being forgotten."""
    confirmed = await _withdraw(door, me, body.purposes)
    if body.forget:
        confirmed.erasure = (await _erase(door, me)).erasure
    return confirmed


@_router.post("/erase", operation_id="eraseMe")
async def erase(me: Me, door: Door) -> rights.Erasure:
    """Be forgotten, with all that is linked."""
    return await _erase(door, me)


@_router.post("/remove", operation_id="removeMine", responses=_FULL)
async def remove(body: mine.RemovalBody, me: Me, door: Door) -> mine.RemovalAnswer:
    """Remove an offer, with what it rests on where `grounds` name that, all that the brand offers, or all gifts.

    It is gone wherever the persona is linked once this is answered.
    """
    return await _remove(door, me, body)


@_router.post("/restore", operation_id="restoreMine", responses=_GONE)
async def restore(body: mine.RemovalBody, me: Me, door: Door) -> mine.RemovalBody:
    """Take a removal back, with all that went with it, whenever it was made."""
    await _restore(door, me, body, 0)
    return body


@_open.post("/remove/{click}", operation_id="removeByClick", responses=_FULL)
async def remove_by_click(click: Click, request: Request, door: Door) -> mine.RemovalAnswer:
    """Remove the offer that this address came with: one POST, no key, whatever its body (RFC 8058)."""
    proven = _proven(request, door, click, REMOVAL)
    return await _remove(door, proven.subject, _clicked(door, proven))


@_open.post("/remove/{click}/undo", operation_id="undoByClick", responses=_GONE)
async def undo_by_click(click: Click, request: Request, door: Door) -> mine.OfferRemoval:
    """Undo that within ten seconds."""
    proven = _proven(request, door, click, REMOVAL)
    removal = _clicked(door, proven)
    await _restore(door, proven.subject, removal, UNDO_MS)
    return removal


def _clicked(door: Door, proven: Proven) -> mine.OfferRemoval:
    item, grounds = door.people.clicked(proven.about)
    return mine.OfferRemoval(what="offer", ref=item, grounds=grounds)


def _removal(body: mine.RemovalBody) -> profile_pb2.Removal:
    grounds = body.grounds if isinstance(body, mine.OfferRemoval) else ()
    return profile_pb2.Removal(what=body.what, ref=body.ref, grounds=grounds)


async def _remove(door: Door, subject: Subject, body: mine.RemovalBody) -> mine.RemovalAnswer:
    removal = _removal(body)
    request = profile_pb2.RemoveRequest(subject=subject, removal=removal, statement=_said(door))
    at_ms = (await door.services.profile.Remove(request)).removed_at_ms
    return mine.RemovalAnswer(removed_at_ms=at_ms, undo_until_ms=at_ms + UNDO_MS)


async def _restore(door: Door, subject: Subject, body: mine.RemovalBody, within_ms: int) -> None:
    removal = _removal(body)
    request = profile_pb2.RestoreRequest(subject=subject, removal=removal, within_ms=within_ms, statement=_said(door))
    await door.services.profile.Restore(request)


async def _declare(door: Door, me: Subject, type_id: str) -> mine.RelationshipAnswer:
    request = profile_pb2.DeclareRelationshipRequest(subject=me, type=type_id, statement=_said(door))
    answer = await door.services.profile.DeclareRelationship(request)
    return mine.RelationshipAnswer(type=answer.type, family=answer.family)


async def _withdraw(door: Door, me: Subject, purposes: list[str]) -> bodies.ConfirmedAnswer:
    request = profile_pb2.WithdrawRequest(subject=me, purposes=purposes, statement=_said(door))
    answer = await door.services.profile.Withdraw(request)
    return bodies.ConfirmedAnswer(records=convert.records_from_proto(answer.records), receipt=answer.receipt)


async def _erase(door: Door, me: Subject) -> rights.Erasure:
    request = profile_pb2.EraseRequest(subject=me, statement=Statement(method=_METHOD))
    return rights.erasure_from_proto((await door.services.profile.Erase(request, timeout=ERASE_S)).erasure)


def _said(door: Door) -> Statement:
    return Statement(stated_at_ms=door.now_ms(), method=_METHOD)
