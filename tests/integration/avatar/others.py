# ruff: noqa: N802 - methods have the names of the contract
"""Profile and recommendation services that answer over real gRPC from what a test sets."""

import secrets
from dataclasses import dataclass, field

from contracts.common.v1.subject_pb2 import Persona, PurposeDecision
from contracts.consent.v1.consent_pb2 import ConsentRecord
from contracts.profile.v1 import profile_pb2
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceServicer
from contracts.recommendation.v1 import recommendation_pb2
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceServicer
from kit.errors import Status, TypedError, UnavailableError

ALL = ("personalise.world", "remember.conversation", "recommend.offer", "collect.behaviour")


class UnknownPurposeError(TypedError):
    reason = "UNKNOWN_PURPOSE"
    status = Status.INVALID


@dataclass
class Profile(ProfileServiceServicer):
    """Keeps consents by subject; a persona exists from the first grant on."""

    states: dict[tuple[str, bytes, str], str] = field(default_factory=dict)
    personas: dict[tuple[str, bytes], tuple[bytes, bytes]] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    benefits: list[profile_pb2.Benefit] = field(default_factory=list)
    tells_circles: bool = False
    is_away: bool = False

    def give(self, subject, *purposes):
        self.personas.setdefault((subject.audience, subject.eid), (secrets.token_bytes(16), secrets.token_bytes(32)))
        for purpose in purposes:
            self.states[subject.audience, subject.eid, purpose] = "GRANTED"

    def take(self, subject, *purposes):
        for purpose in purposes or ALL:
            self.states[subject.audience, subject.eid, purpose] = "WITHDRAWN"

    def _decide(self, subject, purpose):
        reason = self.states.get((subject.audience, subject.eid, purpose), "NEVER_ASKED")
        return PurposeDecision(purpose=purpose, is_allowed=reason == "GRANTED", reason=reason)

    async def ReadPersona(self, request, context):
        self._be_there()
        decisions = [self._decide(request.subject, each) for each in (request.purpose, *request.also_decide)]
        allowed = {decision.purpose for decision in decisions if decision.is_allowed}
        response = profile_pb2.ReadPersonaResponse(decisions=decisions)
        found = self.personas.get((request.subject.audience, request.subject.eid))
        if found:
            shard = request.subject.eid[0] % 64
            response.persona.CopyFrom(Persona(brand=request.subject.brand, shard=shard, pid=found[0]))
            if request.with_signals and self.tells_circles and "recommend.offer" in allowed:
                response.circle.add(persona=response.persona, decision_key=found[1])
                response.bearing.MergeFrom(profile_pb2.Bearing(journey="using", switching_risk=0.1))
            response.removed_items.extend(self.removed if request.with_signals else [])
            response.memory_key = found[1] if "remember.conversation" in allowed else b""
            if request.purpose in allowed:
                response.view.handle = "1." + found[0].hex()
        return response

    async def Grant(self, request, context):
        self._be_there()
        if any(purpose not in ALL for purpose in request.purposes):
            raise UnknownPurposeError("no such purpose", field="purposes")
        self.give(request.subject, *request.purposes)
        return profile_pb2.GrantResponse(records=[_record(purpose, "given") for purpose in request.purposes])

    async def NoteBenefits(self, request, context):
        self.benefits.extend(request.benefits)
        return profile_pb2.NoteBenefitsResponse()

    async def Erase(self, request, context):
        self._be_there()
        self.personas.pop((request.subject.audience, request.subject.eid), None)
        return profile_pb2.EraseResponse(erasure=profile_pb2.Erasure(erasure_id="e" * 32))

    async def Withdraw(self, request, context):
        self._be_there()
        self.take(request.subject, *request.purposes)
        taken = request.purposes or ALL
        return profile_pb2.WithdrawResponse(records=[_record(purpose, "withdrawn") for purpose in taken])

    def _be_there(self):
        if self.is_away:
            raise UnavailableError(retry_after_s=2)


@dataclass
class Recommendation(RecommendationServiceServicer):
    """Ranks what a test puts in `items`; remembers what it was asked."""

    items: list[str] = field(default_factory=lambda: ["lamp", "chair", "table"])
    abstained: str = ""
    is_away: bool = False
    asked: list[recommendation_pb2.RecommendRequest] = field(default_factory=list)
    #: What is decided, in order; without any the brand has put no offers.
    decisions: list[recommendation_pb2.DecideResponse] = field(default_factory=list)
    decided: list[recommendation_pb2.DecideRequest] = field(default_factory=list)
    told: list[tuple[bytes, str]] = field(default_factory=list)

    async def Decide(self, request, context):
        if self.is_away:
            raise UnavailableError
        self.decided.append(request)
        no_offers = recommendation_pb2.DecideResponse(act="silent", silence="NO_OFFERS")
        return self.decisions.pop(0) if self.decisions else no_offers

    async def GiveFeedback(self, request, context):
        if self.is_away:
            raise UnavailableError
        self.told.append((request.decision_id, request.outcome))
        return recommendation_pb2.GiveFeedbackResponse()

    async def Recommend(self, request, context):
        if self.is_away:
            raise UnavailableError
        self.asked.append(request)
        reasons = [recommendation_pb2.Reason(kind="because_of_item", ref="sofa", share=1.0)]
        ranked = [] if self.abstained else [item for item in self.items if item not in request.exclude]
        return recommendation_pb2.RecommendResponse(
            offers=[recommendation_pb2.Offer(item=item, score=1.0, reasons=reasons) for item in ranked],
            abstained=self.abstained,
        )


def _record(purpose, state):
    return ConsentRecord(record_id="ab" * 16, purpose=purpose, state=state)
