"""REST for staff: which policy draws what is decided, and whether another one may."""

from typing import Literal

from fastapi import APIRouter, FastAPI

from contracts.recommendation.v1 import recommendation_pb2
from gateway.bodies import Body
from gateway.rest import CONFLICT, KEYS, REFUSALS, Door, Staff

_router = APIRouter(prefix="/policy", tags=["operation"], responses=REFUSALS, dependencies=KEYS)


class PolicyBody(Body):
    """What shall draw: the reference or the bandit."""

    policy: Literal["softmax", "bandit"]


class Gain(Body):
    """What the bandit would have brought more than the reference with each answer, and the bounds (95 %)."""

    value: float
    low: float
    high: float


class PolicyAnswer(PolicyBody):
    """What draws, and what the log says of the bandit."""

    #: By so many answers it is judged.
    answers: int
    #: Nothing from fewer than 100.
    gain: Gain | None
    #: Whether the bandit may draw: the lower bound is above 0.
    goes_live: bool


def add_policies(app: FastAPI) -> None:
    """Add the endpoints."""
    app.include_router(_router, prefix="/v1")


@_router.get("", operation_id="getPolicy")
async def get_policy(door: Door, staff: Staff) -> PolicyAnswer:
    """Tell what draws, and what the log says of the bandit."""
    request = recommendation_pb2.GetPolicyRequest(brand=staff.brand)
    return _told((await door.services.recommendation.GetPolicy(request)).policy)


@_router.put("", operation_id="setPolicy", responses=CONFLICT)
async def set_policy(body: PolicyBody, door: Door, staff: Staff) -> PolicyAnswer:
    """Have a policy draw within a second. The bandit only when the log shows that it brings more; back at any time."""
    request = recommendation_pb2.SetPolicyRequest(brand=staff.brand, policy=body.policy)
    return _told((await door.services.recommendation.SetPolicy(request)).policy)


def _told(policy: recommendation_pb2.Policy) -> PolicyAnswer:
    gain = Gain(value=policy.gain, low=policy.gain_low, high=policy.gain_high) if policy.HasField("gain") else None
    named: Literal["softmax", "bandit"] = "bandit" if policy.policy == "bandit" else "softmax"
    return PolicyAnswer(policy=named, answers=policy.answers, gain=gain, goes_live=policy.goes_live)
