"""What avatars ask of others: the persona and its consents, changes of consent, and ranked items; each time anew."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from grpc.aio import Channel

from contracts.common.v1.subject_pb2 import FormerId, KeyedPersona
from contracts.common.v1.subject_pb2 import Persona as PersonaMessage
from contracts.common.v1.subject_pb2 import Subject as SubjectMessage
from contracts.consent.v1.consent_pb2 import ConsentRecord, Statement
from contracts.profile.v1 import profile_pb2
from contracts.profile.v1.benefits import Given, Offered, requests
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub
from contracts.recommendation.v1 import recommendation_pb2
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceStub
from kit.errors import Status, TypedError, UnavailableError
from kit.tallies import Counted, Tally
from services.avatar.domain import (
    COLLECT,
    OFFER,
    PERSONALISE,
    REASONS,
    REMEMBER,
    Acquaintance,
    Decision,
    Keyed,
    Offer,
    Offers,
    Persona,
    Reason,
    Signals,
    Silence,
    Subject,
    Vouched,
)

if TYPE_CHECKING:
    # The generated modules have them in their types alone.
    from contracts.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub
    from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceAsyncStub

# A door waits two seconds. Two calls must fit in, so that it hears why and not that time is up.
_CALL_S = 0.9
_ALSO = (REMEMBER, OFFER, COLLECT)
# What was met is excluded, so nearly always the first is taken; the others are for what is met meanwhile.
_COUNT = 4
# As worlds are called in terms of offers.
_CHANNEL = "world"
_OFFER_ACT = "offer"
_NO_OFFERS = "NO_OFFERS"
# Why it is silent is told to nobody in a world where it is a limit: that would tell of contacts elsewhere.
_NOTHING_GOOD = frozenset(("NOTHING_OPEN", "NOT_WORTH_IT", "CHANCE"))
_UNKNOWN = "unknown"
# Decisions know of offers within a second of when they were put.
_WITHOUT_S = 1.0
# A world reports as ignored what could be seen.
_SEEN_MS = 2_000
_AWAY = (Status.UNAVAILABLE, Status.DEADLINE, Status.EXHAUSTED)


class Profiles:
    """The profile service."""

    def __init__(self, channel: Channel) -> None:
        self._stub: ProfileServiceAsyncStub = ProfileServiceStub(channel)
        self._benefits: Tally[Given] = Tally("benefits")

    async def read(self, subject: Subject) -> tuple[Acquaintance, profile_pb2.View | None]:
        """Return what may be known and the view; raises UnavailableError when nobody can say."""
        answer = await self._ask(subject)
        acquaintance = _acquaintance(answer)
        is_shown = answer.HasField("view") and acquaintance.allows(PERSONALISE)
        return acquaintance, answer.view if is_shown else None

    def gave(self, subject: Subject, use: tuple[str, str, str], at_ms: int, offered: Offered | None = None) -> None:
        """Count what a purpose gave somebody or read of them: purpose, what, and the record of what was read.

        Which offer it was is told as well. Reported later, without anybody waiting for it.
        """
        self._benefits.add(Given(subject.brand, subject.audience, subject.eid, *use, offered), at_ms)

    async def report(self, every_s: float) -> None:
        """Report what was counted, again and again until cancelled."""
        await self._benefits.run(self._report, every_s)

    async def _report(self, counted: Mapping[Given, Counted]) -> None:
        for request in requests(counted):
            await self._stub.NoteBenefits(request, timeout=_CALL_S)

    async def know(self, subject: Subject) -> Acquaintance:
        """Return what may be known, without the view; raises UnavailableError when nobody can say."""
        return _acquaintance(await self._ask(subject, without_view=True))

    async def consult(self, subject: Subject) -> tuple[Acquaintance, Signals]:
        """Return what may be known and, where recommend.offer allows it, what a ranking needs.

        One question about consent covers both: asking it again for the ranking would only be later.
        """
        answer = await self._ask(subject, without_view=True, with_signals=True)
        acquaintance = _acquaintance(answer)
        return acquaintance, _signals(answer) if acquaintance.allows(OFFER) else Signals()

    async def _ask(
        self, subject: Subject, *, without_view: bool = False, with_signals: bool = False
    ) -> profile_pb2.ReadPersonaResponse:
        request = profile_pb2.ReadPersonaRequest(
            subject=_subject(subject),
            purpose=PERSONALISE,
            also_decide=_ALSO,
            without_view=without_view,
            with_signals=with_signals,
        )
        try:
            return await self._stub.ReadPersona(request, timeout=_CALL_S)
        except TypedError as error:
            raise _away(error) from error

    async def grant(self, subject: Subject, purposes: Sequence[str], statement: Statement) -> list[ConsentRecord]:
        """Return the records; raises what the consent service refuses."""
        request = profile_pb2.GrantRequest(subject=_subject(subject), purposes=purposes, statement=statement)
        try:
            return list((await self._stub.Grant(request)).records)
        except TypedError as error:
            raise _away(error) from error

    async def withdraw(self, subject: Subject, purposes: Sequence[str], statement: Statement) -> list[ConsentRecord]:
        """Return the records; no purposes means all. Raises what the consent service refuses."""
        request = profile_pb2.WithdrawRequest(subject=_subject(subject), purposes=purposes, statement=statement)
        try:
            return list((await self._stub.Withdraw(request)).records)
        except TypedError as error:
            raise _away(error) from error

    async def erase(self, subject: Subject) -> str:
        """Have the whole persona erased, and return the id under which it can be followed."""
        statement = Statement(method="frame")
        try:
            answer = await self._stub.Erase(profile_pb2.EraseRequest(subject=_subject(subject), statement=statement))
        except TypedError as error:
            raise _away(error) from error
        return answer.erasure.erasure_id

    async def shed(self, subject: Subject) -> str:
        """Have this world forget the visitor, who has a new face then; return the id of the erasure."""
        request = profile_pb2.TakeNewFaceRequest(subject=_subject(subject), statement=Statement(method="frame"))
        try:
            answer = await self._stub.TakeNewFace(request)
        except TypedError as error:
            raise _away(error) from error
        return answer.erasure.erasure_id


class Rankings:
    """The recommendation service."""

    def __init__(self, channel: Channel, clock: Callable[[], float] = time.monotonic) -> None:
        self._stub: RecommendationServiceAsyncStub = RecommendationServiceStub(channel)
        self._clock = clock
        #: When brands were last told to have put no offers.
        self._without: dict[str, float] = {}

    async def offers(
        self, brand: str, signals: Signals, exclude: Collection[str], *, is_visitor_asking: bool
    ) -> Offers:
        """Return what is decided where the brand has put offers, else ranked items; silence AWAY when nobody can say.

        Both come with the reasons that avatars have words for.
        """
        try:
            decided = await self._decide(brand, signals, exclude, is_visitor_asking=is_visitor_asking)
            return decided or await self._rank(brand, signals, exclude)
        except TypedError as error:
            if error.status in _AWAY:
                return Offers(silence=Silence.AWAY)
            raise

    async def tell(self, subject: Subject, decision: str, outcome: str) -> None:
        """Say what became of a decision; one that nobody knows any more is no matter. Raises UnavailableError."""
        request = recommendation_pb2.GiveFeedbackRequest(
            brand=subject.brand,
            subject=_subject(subject),
            decision_id=bytes.fromhex(decision),
            outcome=outcome,
            visible_ms=_SEEN_MS,
        )
        try:
            await self._stub.GiveFeedback(request, timeout=_CALL_S)
        except TypedError as error:
            if error.status is not Status.NOT_FOUND:
                raise _away(error) from error

    async def _decide(
        self, brand: str, signals: Signals, exclude: Collection[str], *, is_visitor_asking: bool
    ) -> Offers | None:
        """Return what is decided; None where the brand has put no offers, which is not asked again for a second."""
        if not signals.circle or self._clock() < self._without.get(brand, 0.0):
            return None
        request = recommendation_pb2.DecideRequest(
            brand=brand,
            known=_known(signals),
            acts=[_OFFER_ACT],
            initiative="persona" if is_visitor_asking else "brand",
            channel=_CHANNEL,
            relationship=signals.relationship,
            exclude=exclude,
            count=1,
            needs_offers=True,
        )
        answer = await self._stub.Decide(request, timeout=_CALL_S)
        if answer.silence == _NO_OFFERS:
            self._without[brand] = self._clock() + _WITHOUT_S
            return None
        return _decided(answer)

    async def _rank(self, brand: str, signals: Signals, exclude: Collection[str]) -> Offers:
        request = recommendation_pb2.RecommendRequest(
            brand=brand, history=_history(signals), count=_COUNT, exclude=exclude
        )
        answer = await self._stub.Recommend(request, timeout=_CALL_S)
        return Offers(tuple(_offer(offer) for offer in answer.offers), _silence(answer))


def _subject(subject: Subject) -> SubjectMessage:
    former = [FormerId(version=version, eid=eid) for version, eid in subject.former]
    return SubjectMessage(
        brand=subject.brand, audience=subject.audience, eid=subject.eid, version=subject.version, former=former
    )


def _acquaintance(answer: profile_pb2.ReadPersonaResponse) -> Acquaintance:
    persona = answer.persona
    return Acquaintance(
        persona=Persona(persona.brand, persona.shard, persona.pid) if answer.HasField("persona") else None,
        decisions={decision.purpose: _decision(decision) for decision in answer.decisions},
        memory_key=answer.memory_key,
        removed=frozenset(answer.removed_items),
        vouched=_vouched(answer) if answer.fence_name else None,
    )


def _vouched(answer: profile_pb2.ReadPersonaResponse) -> Vouched:
    ends = [decision.holds_until_ms for decision in answer.decisions if decision.holds_until_ms]
    return Vouched(answer.fence_name, answer.persona.shard, answer.read_at, min(ends, default=0))


def _signals(answer: profile_pb2.ReadPersonaResponse) -> Signals:
    wanted = answer.relationship
    return Signals(
        tuple(signal.item for signal in answer.signals),
        tuple(signal.at_ms for signal in answer.signals),
        tuple(signal.weight for signal in answer.signals),
        tuple(answer.likes),
        answer.draw_key,
        tuple(answer.removed_topics),
        tuple(answer.removed_items),
        tuple(
            Keyed(Persona(each.persona.brand, each.persona.shard, each.persona.pid), each.decision_key)
            for each in answer.circle
        ),
        "" if wanted.type in {"", _UNKNOWN} else f"{wanted.pack}.{wanted.type}",
        _besides(answer).SerializeToString(),
    )


def _besides(answer: profile_pb2.ReadPersonaResponse) -> recommendation_pb2.Known:
    told = recommendation_pb2.Known()
    if answer.HasField("bought"):
        told.bought.CopyFrom(answer.bought)
    if answer.HasField("bearing"):
        told.bearing.CopyFrom(answer.bearing)
    return told


def _known(signals: Signals) -> recommendation_pb2.Known:
    told = recommendation_pb2.Known.FromString(signals.besides)
    told.circle.extend(map(_keyed, signals.circle))
    told.history.CopyFrom(_history(signals))
    return told


def _history(signals: Signals) -> recommendation_pb2.History:
    return recommendation_pb2.History(
        items=signals.items,
        at_ms=signals.at_ms,
        weights=signals.weights,
        likes=signals.likes,
        draw_key=signals.draw_key,
        removed_topics=signals.removed_topics,
        removed_items=signals.removed,
    )


def _keyed(each: Keyed) -> KeyedPersona:
    persona = PersonaMessage(brand=each.persona.brand, shard=each.persona.shard, pid=each.persona.pid)
    return KeyedPersona(persona=persona, decision_key=each.decision_key)


def _decided(answer: recommendation_pb2.DecideResponse) -> Offers:
    if answer.act != _OFFER_ACT:
        good = answer.silence in _NOTHING_GOOD
        return Offers(silence=Silence.NOTHING_GOOD_ENOUGH if good else Silence.RESERVED)
    return Offers((Offer(answer.item, _reasons(answer.reasons), answer.decision_id.hex()),))


def _decision(decision: "profile_pb2.subject_pb2.PurposeDecision") -> Decision:
    return Decision(decision.purpose, decision.is_allowed, decision.reason, decision.sequence, decision.record_id)


def _offer(offer: recommendation_pb2.Offer) -> Offer:
    return Offer(offer.item, _reasons(offer.reasons))


def _reasons(told: Iterable[recommendation_pb2.Reason]) -> tuple[Reason, ...]:
    return tuple(Reason(reason.kind, reason.ref) for reason in told if reason.kind in REASONS)


def _silence(answer: recommendation_pb2.RecommendResponse) -> Silence:
    reason = answer.decision.reason if answer.abstained == Silence.DENIED else answer.abstained
    if reason in Silence.__members__:
        return Silence(reason)
    return Silence.DENIED if answer.abstained == Silence.DENIED else Silence.NOTHING_GOOD_ENOUGH


def _away(error: TypedError) -> TypedError:
    return UnavailableError(retry_after_s=error.retry_after_s or 1) if error.status in _AWAY else error
