"""A real recommendation process learns from the stream and is asked through its RPC, for every test user."""

import asyncio
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import nats
import numpy as np

from contracts.recommendation.v1 import recommendation_pb2 as messages
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceStub
from kit.epochs import EpochKeys
from kit.rpc import connect
from maskenball.evaluate.interactions import Interactions
from maskenball.evaluate.metrics import LONG, Metrics, mean, measure
from maskenball.evaluate.splits import Case, Protocol, Split, cases, split
from maskenball.evaluate.teaching import lessons_of, teach

if TYPE_CHECKING:
    # The class exists in the stubs alone.
    from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceAsyncStub as _Stub

_MOST_HISTORY = 2_000
_MOST_EXCLUDED = 1_000
_MOST_OFFERS = 100
_FIT_TIMEOUT_S = 600.0
_ASK_TIMEOUT_S = 30.0
_LEARN_TIMEOUT_S = 600.0
_LOOK_EVERY_S = 0.05


class Service(NamedTuple):
    """Where the process under evaluation listens and learns."""

    brand: str
    address: str
    nats_url: str
    epochs: EpochKeys


class Answers(NamedTuple):
    """What the service ranked for each case, how long each request took, and why it kept silent where it did."""

    ranked: list[list[int]]
    seconds: list[float]
    abstentions: list[str]


async def evaluate(interactions: Interactions, protocol: Protocol, service: Service) -> dict[str, Any]:
    """Teach, fit, ask for every test user, and return the metrics beside those of popularity."""
    parts = split(interactions, protocol)
    asked = cases(interactions, parts)
    if not asked:
        raise NothingToAskError("no user has both a history and a test item that others have met")
    async with connect(service.address) as channel:
        stub = RecommendationServiceStub(channel)
        await _teach(stub, service, interactions, parts)
        fitted = await stub.FitModel(messages.FitModelRequest(brand=service.brand), timeout=_FIT_TIMEOUT_S)
        answers = await _ask(stub, service.brand, asked)
        model = await stub.GetModel(messages.GetModelRequest(brand=service.brand), timeout=_ASK_TIMEOUT_S)
    ours = mean([measure(ranked, case.right) for ranked, case in zip(answers.ranked, asked, strict=True)])
    p50_ms, p99_ms = np.percentile(answers.seconds, (50, 99)) * 1e3
    return {
        "protocol": protocol.value,
        **_rounded(ours),
        "users": len(asked),
        "items": model.items,
        "interactions": model.interactions,
        "abstained": len(answers.abstentions),
        "fit_s": round(fitted.seconds, 3),
        "request_p50_ms": round(float(p50_ms), 3),
        "request_p99_ms": round(float(p99_ms), 3),
        "weights": dict(model.weights),
        "baseline_popularity": _rounded(_popularity(interactions, parts, asked)),
    }


class NothingToAskError(Exception):
    """The file leaves no test case under this protocol. Said at the terminal."""


async def _teach(stub: "_Stub", service: Service, interactions: Interactions, parts: Split) -> None:
    client = await nats.connect(service.nats_url)
    lessons = lessons_of(interactions, parts.known)
    sequence = await teach(client.jetstream(), service.epochs, service.brand, lessons)
    await client.close()
    request = messages.GetModelRequest(brand=service.brand)
    async with asyncio.timeout(_LEARN_TIMEOUT_S):
        # The other process sends no signal, and is slow to answer while it works on the sums of a large brand.
        while (await stub.GetModel(request, timeout=_ASK_TIMEOUT_S)).sequence < sequence:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY_S)


async def _ask(stub: "_Stub", brand: str, asked: list[Case]) -> Answers:
    answers = Answers([], [], [])
    for case in asked:
        request = _request(brand, case)
        started = time.perf_counter()
        answer = await stub.Recommend(request, timeout=_ASK_TIMEOUT_S)
        answers.seconds.append(time.perf_counter() - started)
        seen = set(case.items)
        answers.ranked.append([item for offer in answer.offers if (item := int(offer.item)) not in seen])
        if answer.abstained:
            answers.abstentions.append(answer.abstained)
    return answers


def _request(brand: str, case: Case) -> messages.RecommendRequest:
    earlier, recent = case.items[:-_MOST_HISTORY], case.items[-_MOST_HISTORY:]
    return messages.RecommendRequest(
        brand=brand,
        history=messages.History(items=map(str, recent), at_ms=case.at_ms[-_MOST_HISTORY:]),
        # Whoever has met more than a request holds gets a longer answer, from which the rest is struck out.
        count=_MOST_OFFERS if earlier else LONG,
        exclude=map(str, earlier[-_MOST_EXCLUDED:]),
        at_ms=case.asked_at_ms,
    )


def _popularity(interactions: Interactions, parts: Split, asked: list[Case]) -> Metrics:
    counts = np.bincount(interactions.items[parts.known], minlength=interactions.item_count)
    order = np.argsort(-counts, kind="stable").tolist()
    measured = []
    for case in asked:
        seen = set(case.items)
        measured.append(measure(list(islice((item for item in order if item not in seen), LONG)), case.right))
    return mean(measured)


def _rounded(metrics: Metrics) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.named().items()}
