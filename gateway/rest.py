"""REST for apps and staff: consents, persona, recommendations, catalogue, books. Described at /openapi.json."""

import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase

from contracts.common.v1.subject_pb2 import FormerId, Subject
from contracts.profile.v1 import profile_pb2
from contracts.recommendation.v1.recommendation_pb2 import RecommendRequest
from gateway import access, accounts, bodies, convert, receipts
from gateway.clients import Services
from gateway.people import People
from kit.credentials import Credential, Credentials
from kit.http.rest import register_problems
from kit.process import Readiness

#: What any endpoint may answer.
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": bodies.Problem, "description": description}
    for status, description in (
        (400, "The body does not fit"),
        (401, "Nobody we know is calling"),
        (403, "This key may not do that"),
        (405, "The path does not take this method; Allow says which it takes"),
        (413, "The body is larger than 2 MiB, also after un-gzipping"),
        (429, "Too many requests at once; come back after Retry-After seconds"),
        (503, "A service is away; come back after Retry-After seconds"),
        (504, "A service did not answer in time"),
    )
}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": bodies.Problem, "description": "What was asked for contradicts what holds"}
}
_NO_RECEIPT: dict[int | str, dict[str, Any]] = {
    404: {"model": bodies.Problem, "description": "This source was given no such receipt"},
    410: {"model": bodies.Problem, "description": "What became of these events is forgotten"},
    414: {"description": "The address is longer than that of any receipt"},
}
_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": bodies.HealthAnswer, "description": "This door cannot take events now"}
}
# Where offers are shown that no channel is told of.
_APP = "app"
# A read that waits for a position is answered by the service within 2 s, one way or the other.
_REACH_S = 4.0
# Erasing waits for the folds under way, and for readers that died.
ERASE_S = 15.0
_DESCRIPTION = """\
For apps with a write key of scope `app` (`Authorization: Basic base64(key + ":")` or `Bearer`), and for staff keys.
The tracking API that SDKs speak stands beside it. What consent denies is answered empty, with the reason.
"""


class Rest:
    """What the endpoints need."""

    def __init__(
        self,
        credentials: Credentials,
        people: People,
        services: Services,
        readiness: Readiness,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.credentials = credentials
        self.people = people
        self.edge_keys = people.edge_keys
        self.services = services
        self.readiness = readiness
        self._clock = clock

    def now_ms(self) -> int:
        return round(self._clock() * 1000)

    def subject(self, app: Credential, someone: bodies.Someone) -> Subject:
        """Return who is meant, as the services know it. The raw id ends here."""
        keys = self.edge_keys.of(app.id)
        if someone.user_id:
            eid, former = keys.user(someone.user_id), keys.former_users(someone.user_id)
        else:
            stranger = someone.anonymous_id or ""
            eid, former = keys.anonymous(stranger), keys.former_anonymous(stranger)
        older = [FormerId(version=version, eid=each) for version, each in former]
        return Subject(brand=app.brand, audience=app.id, eid=eid, version=keys.version, former=older)


def build_rest(rest: Rest) -> FastAPI:
    """Return the application."""
    app = FastAPI(
        title="Maskenball gateway",
        version="1",
        description=_DESCRIPTION,
        # The pages of documentation would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        # FastAPI's own spans take up a caller's traceparent and write down whole URLs; the door's span does neither.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    register_problems(app)
    app.state.rest = rest
    app.include_router(_router, prefix="/v1")
    app.include_router(_open, prefix="/v1")
    return app


# Asynchronous, since FastAPI hands every other dependency to a thread.
async def _rest(request: Request) -> Rest:
    found: Rest = request.app.state.rest
    return found


class _Scheme(SecurityBase):
    """Only says in the description how a key is sent: FastAPI's own schemes refuse in words of their own."""

    def __init__(self, scheme: str) -> None:
        self.model = HTTPBase(scheme=scheme)
        self.scheme_name = scheme

    async def __call__(self) -> None:
        """Read nothing."""


#: How an endpoint that asks for a key says so.
KEYS = [Depends(_Scheme("bearer")), Depends(_Scheme("basic"))]
#: The same of one that takes a proof.
BEARER = KEYS[:1]


async def _app(request: Request) -> Credential:
    authorization = request.headers.get("authorization", "")
    return access.app_of((await _rest(request)).credentials, authorization, what_of(request))


async def _staff(request: Request) -> Credential:
    authorization = request.headers.get("authorization", "")
    # What an endpoint is filed under is the scope that it takes; one that is filed nowhere takes a key without limits.
    scope = next(iter(request.scope["route"].tags), "")
    return access.staff_of((await _rest(request)).credentials, authorization, scope, what_of(request))


def what_of(request: Request) -> str:
    """Return what goes on the record of access: the operation, never the path, which holds the caller's own words."""
    return str(request.scope["route"].operation_id)


Door = Annotated[Rest, Depends(_rest)]
App = Annotated[Credential, Depends(_app)]
Staff = Annotated[Credential, Depends(_staff)]
FromMs = Annotated[int, Query(ge=0, le=1 << 52)]
_router = APIRouter(responses=REFUSALS, dependencies=KEYS)
_open = APIRouter(responses={status: REFUSALS[status] for status in (405, 413, 429)})


@_router.post("/persona", tags=["persona"], operation_id="readPersona")
async def read_persona(body: bodies.PersonaBody, door: Door, app: App) -> bodies.PersonaAnswer:
    """Read what this app may see of a persona."""
    request = profile_pb2.ReadViewRequest(
        subject=door.subject(app, body),
        purpose=body.purpose,
        min_positions=[profile_pb2.Position(**position.model_dump()) for position in body.min_positions],
        may_be_stale=body.may_be_stale,
    )
    answer = await door.services.profile.ReadView(request, timeout=_REACH_S if body.min_positions else None)
    return convert.persona_from_proto(answer)


@_router.post("/recommendations", tags=["persona"], operation_id="recommend")
async def recommend(body: bodies.RecommendBody, door: Door, app: App) -> bodies.RecommendAnswer:
    """Read offers for a persona, each with the reasons that made it, or why there is none."""
    subject = door.subject(app, body)
    request = RecommendRequest(
        brand=app.brand, subject=subject, count=body.count, exclude=body.exclude, channel=body.channel
    )
    answer = await door.services.recommendation.Recommend(request)
    catalogue = await door.services.items(app.brand, convert.items_named(answer))
    if answer.offers:
        door.services.showed(subject, convert.offered_from_proto(answer, body.channel or _APP), door.now_ms())
    decided = door.people.decision(subject, answer.decision_id)
    return convert.recommendations_from_proto(answer, catalogue, partial(door.people.click, subject), decided)


@_router.get("/receipts/{receipt}", tags=["receipts"], operation_id="getReceipt", responses=_NO_RECEIPT)
async def get_receipt(
    door: Door, app: App, receipt: Annotated[str, Path(max_length=receipts.MOST_CHARACTERS)]
) -> accounts.ReceiptAnswer:
    """Tell the fate of each event of one accepted request, for two full days beside the present one by default."""
    marks = (keys.receipt for keys in door.edge_keys.every(app.id))
    found = receipts.read(receipt, marks, app.brand)
    answer = await door.services.profile.ReadFates(convert.receipt_to_proto(app.brand, found))
    return convert.fates_from_proto(receipt, found, answer)


@_router.put("/catalogue/items", tags=["catalogue"], operation_id="putItems")
async def put_items(body: bodies.ItemsBody, door: Door, staff: Staff) -> bodies.ItemsAnswer:
    """Add items to the brand's catalogue, or replace them."""
    answer = await door.services.avatar.PutItems(convert.items_to_proto(staff.brand, body))
    return bodies.ItemsAnswer(items=answer.items)


@_router.get("/books", tags=["operation"], operation_id="getBooks")
async def get_books(
    door: Door, staff: Staff, from_ms: Annotated[int, Query(ge=0, le=1 << 52)] = 0
) -> bodies.BooksAnswer:
    """Read the books: what became of every received event, per source and hour."""
    request = profile_pb2.GetBooksRequest(brand=staff.brand, from_ms=from_ms)
    return convert.books_from_proto(await door.services.profile.GetBooks(request))


@_router.get("/facets/count", tags=["operation"], operation_id="countFacets")
async def count_facets(door: Door, staff: Staff) -> bodies.FacetsAnswer:
    """Count the personas of the brand, as each audience knows them."""
    answer = await door.services.profile.CountFacets(profile_pb2.CountFacetsRequest(brand=staff.brand))
    return bodies.FacetsAnswer(facets=answer.facets)


@_open.get("/health", tags=["operation"], operation_id="getHealth", responses=_NOT_READY)
async def get_health(door: Door, response: Response) -> bodies.HealthAnswer:
    """Say whether this door can take events: 503 when it cannot."""
    checks = await door.readiness.look()
    ready = all(verdict == "ok" for verdict in checks.values())
    if not ready:
        response.status_code, response.headers["retry-after"] = 503, "1"
    return bodies.HealthAnswer(ready=ready, checks=checks)
