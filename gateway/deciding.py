"""REST about decisions: what to do about a persona, what became of it, why. The id of a decision says about whom."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Path, Request
from pydantic import Field, StrictBool

from contracts.avatar.v1.avatar_pb2 import Item
from contracts.common.v1.subject_pb2 import Subject
from contracts.profile.v1.benefits import Offered
from contracts.recommendation.v1 import recommendation_pb2
from doors.proofs import DECISION, ProofInvalidError, Proven
from gateway import bodies, convert
from gateway.fields import WHOLE, ItemId, Milliseconds, Topic
from gateway.me import Me
from gateway.rest import BEARER, CONFLICT, KEYS, REFUSALS, App, Door, Rest, Staff, what_of
from kit import audit
from kit.errors import NotFoundError

# Why the brand has to wait tells an app of contacts elsewhere: it hears that it has to.
_RESERVED = frozenset({"COMPLAINED", "CONTACTS_SPENT", "TOO_SOON", "QUIET_HOURS", "UNWELCOME", "SWITCHING"})
_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": bodies.Problem, "description": "There is no such decision here"}
}
_router = APIRouter(responses=REFUSALS, dependencies=KEYS)
_own = APIRouter(prefix="/me", tags=["person"], responses=REFUSALS, dependencies=BEARER)
Act = Literal["offer", "hello", "ask"]
Channel = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,32}$")]
DecisionId = Annotated[str, Path(max_length=1024, pattern=r"^[A-Za-z0-9._-]+$")]
Archetype = Annotated[str, Field(pattern=r"^[a-z0-9_]{0,64}$")]
Age = Annotated[int, Field(ge=0, le=120), WHOLE]


def _offers() -> list[Act]:
    return ["offer"]


class DecideBody(bodies.Someone):
    """Asks what to do about a persona now."""

    channel: Channel
    acts: Annotated[list[Act], Field(default_factory=_offers, min_length=1, max_length=3)]
    #: "persona" when it asked for this: then limits of contact do not hold.
    initiative: Literal["brand", "persona"] = "brand"
    #: Age in years that the app vouches for.
    least_age: Age = 0
    #: How much it would disturb now.
    interruption: Annotated[float, Field(ge=0, le=1), WHOLE] = 0.0
    #: What the person's clock is ahead of UTC.
    utc_offset_minutes: Annotated[int, Field(ge=-840, le=840), WHOLE] = 0
    #: Type of the relationship pack; what the person is known to want outranks it.
    relationship: Annotated[str, Field(pattern=r"^[a-z0-9_.]{0,64}$")] = ""
    #: What the person is doing; empty for asking where they begin, else for looking.
    activity: Literal["", "asking", "looking", "passing", "occupied"] = ""
    exclude: Annotated[list[ItemId], Field(default_factory=list, max_length=1000)]
    #: Channels in which the brand could begin as well.
    also_in: Annotated[list[Channel], Field(default_factory=list, max_length=8)]
    #: Market and group of the brand's archetypes that the app vouches for; both, or neither.
    market: Archetype = ""
    group: Archetype = ""
    count: Annotated[int, Field(ge=1, le=10), WHOLE] = 1


class Chosen(bodies.Body):
    """An item with its title and the addresses that remove it with one click, alone or with what it rests on."""

    item: str
    title: str
    remove: str
    #: Empty where no reason names anything.
    remove_with_grounds: str


class DecideAnswer(bodies.Body):
    """What to do, or why nothing."""

    #: Says about whom it is; for feedback and explanations. Empty when nothing was decided.
    decision: str
    act: str
    offer: Chosen | None
    also: list[Chosen]
    reasons: list[bodies.Reason]
    #: "RESERVED" for any limit of contact.
    silence: str
    #: Of `channel` and `also_in` the one to do it in; empty for silence.
    channel: str
    style: str
    content: str
    consent: bodies.Decision | None


class FeedbackBody(bodies.Body):
    """What became of it; each outcome says more than those before it."""

    outcome: Literal["ignored", "accepted", "dismissed", "removed", "complained"]
    visible_ms: Annotated[int, Field(ge=0, le=(1 << 32) - 1), WHOLE] = 0


class FeedbackAnswer(bodies.Body):
    """In force from the next decision on."""

    is_repeat: bool


class Terms(bodies.Body):
    """To whom and when an item may be offered."""

    item: ItemId
    from_ms: Milliseconds = 0
    #: 0 for ever.
    until_ms: Milliseconds = 0
    is_sold_out: StrictBool = False
    least_age: Age = 0
    #: Empty for all.
    channels: Annotated[list[Channel], Field(default_factory=list, max_length=16)]
    topics: Annotated[list[Topic], Field(default_factory=list, max_length=8)]
    #: What accepting it is worth to a person.
    benefit: Annotated[float, Field(gt=0, le=10), WHOLE] = 1.0


class OffersBody(bodies.Body):
    """Terms to put, each in the place of what was said of the item before."""

    offers: Annotated[list[Terms], Field(min_length=1, max_length=1000)]


class OffersAnswer(bodies.Body):
    """Items that the brand has terms of."""

    offers: int


def add_decisions(app: FastAPI) -> None:
    """Add the endpoints."""
    app.include_router(_router, prefix="/v1")
    app.include_router(_own, prefix="/v1")


@_router.post("/decisions", tags=["decisions"], operation_id="decide")
async def decide(body: DecideBody, door: Door, app: App) -> DecideAnswer:
    """Decide what to do about a persona: offer something, say hello, ask, or stay silent. Kept for 30 days."""
    subject = door.subject(app, body)
    asked = body.model_dump(exclude={"user_id", "anonymous_id"})
    request = recommendation_pb2.DecideRequest(brand=app.brand, subject=subject, **asked)
    answer = await door.services.recommendation.Decide(request)
    offered = list(_offered(answer, answer.channel or body.channel))
    told_of = dict.fromkeys((*(each.item for each in offered), *convert.items_in(answer.reasons)))
    catalogue = await door.services.items(app.brand, list(told_of))
    door.services.showed(subject, offered, door.now_ms())
    chosen = [_chosen(door, subject, each, catalogue) for each in offered]
    return DecideAnswer(
        decision=door.people.decision(subject, answer.decision_id),
        act=answer.act,
        offer=chosen[0] if chosen else None,
        also=chosen[1:],
        reasons=convert.reasons_from_proto(answer.reasons, catalogue),
        silence="RESERVED" if answer.silence in _RESERVED else answer.silence,
        channel=answer.channel,
        style=answer.style,
        content=answer.content,
        consent=convert.decision_from_proto(answer.decision) if answer.HasField("decision") else None,
    )


@_router.post(
    "/decisions/{decision}/feedback",
    tags=["decisions"],
    operation_id="giveFeedback",
    responses={**_UNKNOWN, **CONFLICT},
)
async def give_feedback(
    decision: DecisionId, body: FeedbackBody, request: Request, door: Door, app: App
) -> FeedbackAnswer:
    """Say what became of a decision: the next one knows it. Removed is removed for good, everywhere."""
    proven = _about(request, door, decision)
    if (proven.subject.brand, proven.subject.audience) != (app.brand, app.id):
        raise NotFoundError("there is no such decision")
    answer = await door.services.recommendation.GiveFeedback(
        recommendation_pb2.GiveFeedbackRequest(
            brand=app.brand,
            subject=proven.subject,
            decision_id=bytes.fromhex(proven.about),
            outcome=body.outcome,
            visible_ms=body.visible_ms,
        )
    )
    if not answer.is_repeat:
        said = Offered("", decision_id=bytes.fromhex(proven.about), answer=body.outcome)
        door.services.answered(proven.subject, said, door.now_ms())
    return FeedbackAnswer(is_repeat=answer.is_repeat)


@_router.get("/decisions/{decision}/explain", tags=["operation"], operation_id="explainDecision", responses=_UNKNOWN)
async def explain(decision: DecisionId, request: Request, door: Door, staff: Staff) -> dict[str, Any]:
    """Tell staff why a decision was made, and why nothing else."""
    proven = _about(request, door, decision)
    if proven.subject.brand != staff.brand:
        raise NotFoundError("there is no such decision")
    return await _explained(door, proven)


@_own.get("/decisions/{decision}/explain", operation_id="explainToMe", responses=_UNKNOWN)
async def explain_to_me(decision: DecisionId, request: Request, door: Door, me: Me) -> dict[str, Any]:
    """Tell the person why a decision about it was made, and why nothing else."""
    proven = _about(request, door, decision)
    if (proven.subject.brand, proven.subject.audience, proven.subject.eid) != (me.brand, me.audience, me.eid):
        raise NotFoundError("there is no such decision")
    return await _explained(door, proven)


@_router.put("/offers", tags=["catalogue"], operation_id="putOffers")
async def put_offers(body: OffersBody, door: Door, staff: Staff) -> OffersAnswer:
    """Say to whom and when items may be offered; decisions know it within a second."""
    terms = [recommendation_pb2.Terms(**each.model_dump()) for each in body.offers]
    request = recommendation_pb2.PutOffersRequest(brand=staff.brand, terms=terms)
    return OffersAnswer(offers=(await door.services.recommendation.PutOffers(request)).offers)


def _offered(answer: recommendation_pb2.DecideResponse, channel: str) -> Iterator[Offered]:
    """Yield the items of a decision: the one decided for comes first, and reasons are told of it alone."""
    if answer.item:
        yield Offered(answer.item, convert.grounds_from_proto(answer.reasons), channel, answer.decision_id)
    for item in answer.also:
        yield Offered(item, channel=channel)


def _chosen(door: Rest, subject: Subject, offered: Offered, catalogue: Mapping[str, Item]) -> Chosen:
    refs = offered.refs
    return Chosen(
        item=offered.item,
        title=catalogue[offered.item].title if offered.item in catalogue else "",
        remove=door.people.click(subject, offered.item),
        remove_with_grounds=door.people.click(subject, offered.item, refs) if refs else "",
    )


def _about(request: Request, door: Door, decision: str) -> Proven:
    try:
        return door.people.proofs.read(decision, DECISION)
    except ProofInvalidError:
        audit.denied(audit.NOBODY, what_of(request), "proof")
        raise NotFoundError("there is no such decision") from None


async def _explained(door: Door, proven: Proven) -> dict[str, Any]:
    request = recommendation_pb2.ExplainDecisionRequest(
        brand=proven.subject.brand, subject=proven.subject, decision_id=bytes.fromhex(proven.about)
    )
    answer = await door.services.recommendation.ExplainDecision(request)
    return dict(json.loads(answer.document))
