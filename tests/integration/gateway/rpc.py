"""Services that answer what a test tells them to, over real gRPC."""

from dataclasses import dataclass, field
from typing import Any

from contracts.avatar.v1 import avatar_pb2, avatar_pb2_grpc
from contracts.profile.v1 import profile_pb2, profile_pb2_grpc
from contracts.recommendation.v1 import recommendation_pb2, recommendation_pb2_grpc


@dataclass
class FakeServices:
    """What the services were asked, and what they answer: a message, an error to raise, or what makes either."""

    asked: list[Any] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def answer(self, name: str, request: Any, usual: Any) -> Any:
        self.asked.append(request)
        told = self.answers.get(name, usual)
        if callable(told):
            told = told(request)
        if isinstance(told, Exception):
            raise told
        return told


class FakeProfile(profile_pb2_grpc.ProfileServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    async def Grant(self, request, context):
        return self._services.answer("Grant", request, profile_pb2.GrantResponse())

    async def Withdraw(self, request, context):
        return self._services.answer("Withdraw", request, profile_pb2.WithdrawResponse())

    async def ListConsents(self, request, context):
        return self._services.answer("ListConsents", request, profile_pb2.ListConsentsResponse())

    async def ReadView(self, request, context):
        return self._services.answer("ReadView", request, profile_pb2.ReadViewResponse())

    async def GetBooks(self, request, context):
        return self._services.answer("GetBooks", request, profile_pb2.GetBooksResponse())

    async def ReadFates(self, request, context):
        return self._services.answer("ReadFates", request, profile_pb2.ReadFatesResponse())

    async def ListQuarantine(self, request, context):
        return self._services.answer("ListQuarantine", request, profile_pb2.ListQuarantineResponse())

    async def PutMendingRule(self, request, context):
        return self._services.answer("PutMendingRule", request, profile_pb2.PutMendingRuleResponse())

    async def ListMendingRules(self, request, context):
        return self._services.answer("ListMendingRules", request, profile_pb2.ListMendingRulesResponse())

    async def ReplayQuarantine(self, request, context):
        return self._services.answer("ReplayQuarantine", request, profile_pb2.ReplayQuarantineResponse())

    async def See(self, request, context):
        return self._services.answer("See", request, profile_pb2.SeeResponse(document=b"{}"))

    async def Export(self, request, context):
        return self._services.answer("Export", request, profile_pb2.ExportResponse())

    async def Remove(self, request, context):
        return self._services.answer("Remove", request, profile_pb2.RemoveResponse())

    async def Restore(self, request, context):
        return self._services.answer("Restore", request, profile_pb2.RestoreResponse())

    async def Object(self, request, context):
        return self._services.answer("Object", request, profile_pb2.ObjectResponse())

    async def DeclareRelationship(self, request, context):
        usual = profile_pb2.DeclareRelationshipResponse(type=request.type)
        return self._services.answer("DeclareRelationship", request, usual)

    async def Erase(self, request, context):
        return self._services.answer("Erase", request, profile_pb2.EraseResponse())

    async def ReadAggregate(self, request, context):
        return self._services.answer("ReadAggregate", request, profile_pb2.ReadAggregateResponse())

    async def ReadWishSegments(self, request, context):
        return self._services.answer("ReadWishSegments", request, profile_pb2.ReadWishSegmentsResponse())

    async def ReportRelationships(self, request, context):
        usual = profile_pb2.ReportRelationshipsResponse(document=b'{"personas":0}')
        return self._services.answer("ReportRelationships", request, usual)

    async def ReportMining(self, request, context):
        usual = profile_pb2.ReportMiningResponse(document=b'{"pack":"core4/1"}')
        return self._services.answer("ReportMining", request, usual)

    async def TakeNewFace(self, request, context):
        return self._services.answer("TakeNewFace", request, profile_pb2.TakeNewFaceResponse())

    async def FindHandle(self, request, context):
        return self._services.answer("FindHandle", request, profile_pb2.FindHandleResponse())

    async def ListReplacedHandles(self, request, context):
        return self._services.answer("ListReplacedHandles", request, profile_pb2.ListReplacedHandlesResponse())

    async def IssueLinkCode(self, request, context):
        return self._services.answer("IssueLinkCode", request, profile_pb2.IssueLinkCodeResponse())

    async def RedeemLinkCode(self, request, context):
        return self._services.answer("RedeemLinkCode", request, profile_pb2.RedeemLinkCodeResponse())

    async def Unlink(self, request, context):
        return self._services.answer("Unlink", request, profile_pb2.UnlinkResponse())


class FakeRecommendation(recommendation_pb2_grpc.RecommendationServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    async def Recommend(self, request, context):
        return self._services.answer("Recommend", request, recommendation_pb2.RecommendResponse())

    async def Decide(self, request, context):
        return self._services.answer("Decide", request, recommendation_pb2.DecideResponse(act="silent"))

    async def GiveFeedback(self, request, context):
        return self._services.answer("GiveFeedback", request, recommendation_pb2.GiveFeedbackResponse())

    async def ExplainDecision(self, request, context):
        usual = recommendation_pb2.ExplainDecisionResponse(document=b"{}")
        return self._services.answer("ExplainDecision", request, usual)

    async def GetPolicy(self, request, context):
        usual = recommendation_pb2.GetPolicyResponse(policy={"policy": "softmax", "answers": 7})
        return self._services.answer("GetPolicy", request, usual)

    async def SetPolicy(self, request, context):
        return self._services.answer("SetPolicy", request, recommendation_pb2.SetPolicyResponse())

    async def PutOffers(self, request, context):
        return self._services.answer("PutOffers", request, recommendation_pb2.PutOffersResponse())


class FakeAvatar(avatar_pb2_grpc.AvatarServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    async def PutItems(self, request, context):
        return self._services.answer("PutItems", request, avatar_pb2.PutItemsResponse(items=len(request.items)))

    async def ListItems(self, request, context):
        return self._services.answer("ListItems", request, avatar_pb2.ListItemsResponse())
