"""Answers Recommend, GetModel, FitModel and Unlearn."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from grpc import ServicerContext

from contracts.recommendation.v1 import recommendation_pb2 as messages
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceServicer
from kit.errors import InvalidArgumentError
from services.recommendation import convert
from services.recommendation.clients import Personas
from services.recommendation.model import Models
from services.recommendation.settings import RankingPack
from services.recommendation.use_cases import fit, recommend_for, recommend_to, unlearn


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What answers are made of."""

    models: Models
    personas: Personas
    pack: RankingPack
    now_ms: Callable[[], int]
    #: Makes durable what is in memory.
    save: Callable[[], Awaitable[None]]


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
        return messages.FitModelResponse(model_version=version, seconds=seconds)

    async def Unlearn(self, request: messages.UnlearnRequest, context: ServicerContext) -> messages.UnlearnResponse:
        brand, batch_id, lessons = convert.unlearnt(request)
        async with self._around.models.writing:
            is_new = unlearn(self._around.models, brand, batch_id, lessons)
        # A repetition saves too: the first call may have failed between the sums and the database.
        await self._around.save()
        return messages.UnlearnResponse(is_repeat=not is_new)
