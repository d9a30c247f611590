"""REST about names and links: new faces, handles that were replaced, codes that make two audiences one to a visitor."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query
from pydantic import Field

from contracts.consent.v1 import consent_pb2
from contracts.profile.v1 import profile_pb2
from gateway import bodies, convert
from gateway.consent import Gpc
from gateway.rest import CONFLICT, ERASE_S, KEYS, REFUSALS, App, Door

# A handle is found by trying every persona of the audience.
_SEARCH_S = 30.0
# Two consents, each acknowledged once no reader can miss it.
_AGREED_S = 8.0
_METHOD = "rest"
_router = APIRouter(tags=["handles"], responses=REFUSALS, dependencies=KEYS)
_GONE: dict[int | str, dict[str, Any]] = {
    410: {"model": bodies.Problem, "description": "This audience knows nobody by this handle, any more or ever"}
}
_NO_CODE: dict[int | str, dict[str, Any]] = {
    **CONFLICT,
    410: {"model": bodies.Problem, "description": "The code is wrong, used up or expired"},
}
Handle = Annotated[str, Field(pattern=r"^[0-9]{1,9}\.[0-9a-f]{32}$")]
Audience = Annotated[str, Field(pattern=r"^(app|world):[A-Za-z0-9._-]{1,74}$")]
Cursor = Annotated[str, Query(pattern=r"^([0-9a-f]{2}){0,64}$")]


class FaceAnswer(bodies.Body):
    """The old face is gone: no read finds it any more. The rest follows, see GET /v1/erasures."""

    erasure: str
    unreadable_at_ms: int


class FindBody(bodies.Body):
    """Asks by which handle a persona is known now."""

    handle: Handle


class FindAnswer(bodies.Body):
    """The handle of now."""

    handle: str
    #: Until when the one that was asked for answers; 0 when it was not replaced.
    until_ms: int


class Replaced(bodies.Body):
    """A handle that was replaced."""

    old: str
    new: str
    effective_at_ms: int
    until_ms: int


class ReplacedAnswer(bodies.Body):
    """Handles of this audience that were replaced, while the old ones answer."""

    replaced: list[Replaced]
    #: Empty after the last page.
    next: str


class CodeAnswer(bodies.Body):
    """A one-time code, to be typed in another world or app of the brand."""

    code: str
    expires_at_ms: int


class RedeemBody(bodies.Someone):
    """Redeems a code."""

    code: Annotated[str, Field(min_length=1, max_length=64)]
    #: The brand that the person was told by name: needed to allow what a Global Privacy Control signal refuses.
    brand: Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9-]*$")] = ""


class RedeemAnswer(bodies.Body):
    """Both audiences, and the consent that each direction of the link rests on."""

    issued_by: str
    redeemed_by: str
    records: list[bodies.ConsentRecord]


class UnlinkBody(bodies.Someone):
    """Undoes the link with one audience, or all."""

    audience: Audience | None = None


class LinksAnswer(bodies.Body):
    """Audiences."""

    audiences: list[str]


def add_handles(app: FastAPI) -> None:
    """Add the endpoints."""
    app.include_router(_router, prefix="/v1")


@_router.post("/face", operation_id="takeNewFace")
async def take_new_face(body: bodies.Someone, door: Door, app: App) -> FaceAnswer:
    """Begin anew at this audience: the old handle is gone, and nothing known of it comes over."""
    request = profile_pb2.TakeNewFaceRequest(
        subject=door.subject(app, body), statement=consent_pb2.Statement(method=_METHOD)
    )
    erasure = (await door.services.profile.TakeNewFace(request, timeout=ERASE_S)).erasure
    return FaceAnswer(erasure=erasure.erasure_id, unreadable_at_ms=erasure.unreadable_at_ms)


@_router.post("/handles/find", operation_id="findHandle", responses=_GONE)
async def find_handle(body: FindBody, door: Door, app: App) -> FindAnswer:
    """Read by which handle this audience is to know a persona; a handle that was replaced answers for its grace."""
    request = profile_pb2.FindHandleRequest(brand=app.brand, audience=app.id, handle=body.handle)
    answer = await door.services.profile.FindHandle(request, timeout=_SEARCH_S)
    return FindAnswer(handle=answer.handle, until_ms=answer.until_ms)


@_router.get("/handles/replaced", operation_id="listReplacedHandles")
async def list_replaced(
    door: Door, app: App, after: Cursor = "", limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000
) -> ReplacedAnswer:
    """List the handles of this audience that were replaced when its key turned, old and new; no other audience can."""
    request = profile_pb2.ListReplacedHandlesRequest(
        brand=app.brand, audience=app.id, count=limit, after=bytes.fromhex(after)
    )
    answer = await door.services.profile.ListReplacedHandles(request, timeout=_SEARCH_S)
    replaced = [
        Replaced(old=each.old, new=each.new, effective_at_ms=each.effective_at_ms, until_ms=each.until_ms)
        for each in answer.replaced
    ]
    return ReplacedAnswer(replaced=replaced, next=answer.next.hex())


@_router.post("/links/codes", operation_id="issueLinkCode", responses=CONFLICT)
async def issue_code(body: bodies.Someone, door: Door, app: App) -> CodeAnswer:
    """Issue a code for two minutes and one use, that links this persona with one of another audience."""
    request = profile_pb2.IssueLinkCodeRequest(subject=door.subject(app, body))
    answer = await door.services.profile.IssueLinkCode(request)
    return CodeAnswer(code=answer.code, expires_at_ms=answer.expires_at_ms)


@_router.post("/links/redeem", operation_id="redeemLinkCode", responses=_NO_CODE)
async def redeem_code(body: RedeemBody, door: Door, app: App, gpc: Gpc = "") -> RedeemAnswer:
    """Redeem a code of another audience. Both then read the persona as one, until either side undoes it."""
    statement = consent_pb2.Statement(method=_METHOD, has_gpc=gpc == "1", named_brand=body.brand)
    request = profile_pb2.RedeemLinkCodeRequest(subject=door.subject(app, body), code=body.code, statement=statement)
    answer = await door.services.profile.RedeemLinkCode(request, timeout=_AGREED_S)
    records = convert.records_from_proto(answer.records)
    return RedeemAnswer(issued_by=answer.issued_by, redeemed_by=answer.redeemed_by, records=records)


@_router.post("/links/list", operation_id="listLinks")
async def list_links(body: bodies.Someone, door: Door, app: App) -> LinksAnswer:
    """List the audiences that a persona is linked with."""
    answer = await door.services.profile.ListLinks(profile_pb2.ListLinksRequest(subject=door.subject(app, body)))
    return LinksAnswer(audiences=list(answer.audiences))


@_router.post("/links/remove", operation_id="unlink")
async def unlink(body: UnlinkBody, door: Door, app: App) -> LinksAnswer:
    """Undo links, in both directions. Once this is answered the next read is separate; lists what was linked."""
    request = profile_pb2.UnlinkRequest(
        subject=door.subject(app, body),
        audience=body.audience or "",
        statement=consent_pb2.Statement(method=_METHOD),
    )
    return LinksAnswer(audiences=list((await door.services.profile.Unlink(request, timeout=_AGREED_S)).audiences))
