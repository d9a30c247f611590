"""Answers questions, takes what became of decisions, and takes back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from grpc import ServicerContext

from contracts.recommendation.v1 import recommendation_pb2 as messages
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceServicer
from kit.errors import InvalidArgumentError
from services.recommendation import convert
from services.recommendation.clients import Personas
from services.recommendation.convert import decisions
from services.recommendation.model import Models
from services.recommendation.settings import RankingPack
from services.recommendation.use_cases import fit, recommend_for, recommend_to, unlearn
from services.recommendation.use_cases.answer import explain, give_feedback
from services.recommendation.use_cases.decide import Deciding, decide_about, decide_for
from services.recommendation.use_cases.keep import erase, put_offers
from services.recommendation.use_cases.listing import list_decisions
from services.recommendation.use_cases.offering import decides, offer_to
from services.recommendation.use_cases.policy import read_policy, set_policy

#: Where whoever asks for offers is, unless it says.
_CHANNEL = "app"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What answers are made of."""

    models: Models
    personas: Personas
    pack: RankingPack
    now_ms: Callable[[], int]
    #: Makes durable what is in memory.
    save: Callable[[], Awaitable[None]]
    deciding: Deciding


class RecommendationRpc(RecommendationServiceServicer):
    """Reading takes no lock: nothing awaits between the first look at a model and the last."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def Recommend(
        self, request: messages.RecommendRequest, context: ServicerContext
    ) -> messages.RecommendResponse:
        around = self._around
        brand = convert.brand(request.brand)
        wanted = convert.wanted(request, around.now_ms)
        match request.WhichOneof("whom"):
            case "subject":
                subject = convert.subject(request)
                if decides(around.deciding, brand):
                    channel = decisions.channel(request.channel or _CHANNEL)
                    offered, answer = await offer_to(around.deciding, subject, wanted, channel)
                    return convert.to_response(offered, answer.decision, answer.decision_id)
                ranking, decision = await recommend_to(
                    around.models, around.personas, around.pack.blend, subject, wanted
                )
                return convert.to_response(ranking, decision)
            case "history":
                situation = convert.situation(request, wanted)
                return convert.to_response(recommend_for(around.models.of(brand), around.pack.blend, situation), None)
            case _:
                raise InvalidArgumentError(field="whom", limit="subject or history")

    async def GetModel(self, request: messages.GetModelRequest, context: ServicerContext) -> messages.GetModelResponse:
        model = self._around.models.of(convert.brand(request.brand))
        return messages.GetModelResponse(
            model_version=model.fitted.version,
            interactions=model.sums.interactions,
            items=model.sums.size,
            sequence=model.sequence,
            weights=(model.fitted.mixes or self._around.pack.blend.mixes).weights(),
        )

    async def FitModel(self, request: messages.FitModelRequest, context: ServicerContext) -> messages.FitModelResponse:
        brand = convert.brand(request.brand)
        pack = self._around.pack
        version, seconds = await fit(self._around.models, brand, pack.blend, pack.choosing)
        await self._around.deciding.shelves.look_at(brand)
        return messages.FitModelResponse(model_version=version, seconds=seconds)

    async def Unlearn(self, request: messages.UnlearnRequest, context: ServicerContext) -> messages.UnlearnResponse:
        brand, batch_id, lessons = convert.unlearnt(request)
        async with self._around.models.writing:
            is_new = unlearn(self._around.models, brand, batch_id, lessons)
        # A repetition saves too: the first call may have failed between the sums and the database.
        await self._around.save()
        return messages.UnlearnResponse(is_repeat=not is_new)

    async def Decide(self, request: messages.DecideRequest, context: ServicerContext) -> messages.DecideResponse:
        deciding = self._around.deciding
        asked = decisions.asked(request, deciding.now_ms(), deciding.treating)
        match request.WhichOneof("whom"):
            case "subject":
                answer = await decide_for(deciding, convert.subject(request), asked)
            case "known":
                answer = await decide_about(deciding, decisions.known(request), asked)
            case _:
                raise InvalidArgumentError(field="whom", limit="subject or known")
        return decisions.to_answer(answer, deciding.policy_version)

    async def GiveFeedback(
        self, request: messages.GiveFeedbackRequest, context: ServicerContext
    ) -> messages.GiveFeedbackResponse:
        taken = await give_feedback(self._around.deciding, convert.subject(request), decisions.said(request))
        return decisions.to_feedback(is_repeat=taken.is_repeat, outcome=taken.outcome)

    async def ExplainDecision(
        self, request: messages.ExplainDecisionRequest, context: ServicerContext
    ) -> messages.ExplainDecisionResponse:
        decision_id = decisions.decision_id(request.decision_id)
        document = await explain(self._around.deciding, convert.subject(request), decision_id)
        return decisions.to_explanation(document)

    async def ListDecisions(
        self, request: messages.ListDecisionsRequest, context: ServicerContext
    ) -> messages.ListDecisionsResponse:
        circle = decisions.listed(request)
        return decisions.to_list(await list_decisions(self._around.deciding, circle, request.after))

    async def PutOffers(
        self, request: messages.PutOffersRequest, context: ServicerContext
    ) -> messages.PutOffersResponse:
        brand, deciding = convert.brand(request.brand), self._around.deciding
        count = await put_offers(deciding.database, brand, decisions.terms(request))
        await deciding.shelves.look_at(brand)
        return messages.PutOffersResponse(offers=count)

    async def GetPolicy(
        self, request: messages.GetPolicyRequest, context: ServicerContext
    ) -> messages.GetPolicyResponse:
        standing = await read_policy(self._around.deciding.database, convert.brand(request.brand))
        return messages.GetPolicyResponse(policy=decisions.to_policy(standing))

    async def SetPolicy(
        self, request: messages.SetPolicyRequest, context: ServicerContext
    ) -> messages.SetPolicyResponse:
        brand, policy = convert.brand(request.brand), decisions.policy(request.policy)
        standing = await set_policy(self._around.deciding.database, brand, policy)
        return messages.SetPolicyResponse(policy=decisions.to_policy(standing))

    async def ErasePersonas(
        self, request: messages.ErasePersonasRequest, context: ServicerContext
    ) -> messages.ErasePersonasResponse:
        deciding, personas = self._around.deciding, decisions.erased(request)
        deciding.remembered.forget(personas)
        count = await erase(deciding.database, personas)
        return messages.ErasePersonasResponse(decisions=count)
