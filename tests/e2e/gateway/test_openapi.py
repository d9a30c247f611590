"""What the description says of the REST endpoints is what they do, whatever they are sent."""

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from gateway.endpoints import build_endpoints
from tests.e2e.running import RunningStack

# Which purposes, events and relationships there are is said by packs; what receipts, handles, codes and places are by
# those who made them; what is counted, what looks like an identity and how far the stream has got by nobody beforehand.
_BEYOND = {
    "UNKNOWN_PURPOSE": positive_data_acceptance,
    "EVENT_UNKNOWN": positive_data_acceptance,
    "RELATIONSHIP_UNKNOWN": positive_data_acceptance,
    '"field":"relationship"': positive_data_acceptance,
    "a type is assumed twice": positive_data_acceptance,
    "ASSUMPTION_REFUSED": positive_data_acceptance,
    "HANDLE_GONE": positive_data_acceptance,
    "CODE_UNKNOWN": positive_data_acceptance,
    "IDENTITY_REFUSED": positive_data_acceptance,
    "not where a page ended": positive_data_acceptance,
    "cannot be counted": positive_data_acceptance,
    "staff say whose personas are counted": positive_data_acceptance,
    "not a receipt": positive_data_acceptance,
    "POSITION_NOT_REACHED": not_a_server_error,
}
_TOO_LONG = 414
_nothing: Any = None
schema = schemathesis.openapi.from_dict(build_endpoints(_nothing, _nothing, _nothing).openapi())
# What these are filed under is for staff; what begins with this is for the person.
_STAFF = {"aggregates", "catalogue", "operation"}
_MINE = "/v1/me"


@pytest.fixture(scope="module")
def keys(shared_stack: RunningStack) -> dict[str, str]:
    """What opens the endpoints for each: staff, apps, and a person whom an app knows."""
    endpoints = shared_stack.endpoints
    app = {"authorization": f"Bearer {endpoints['write_key']}"}
    someone = {"userId": "described"}
    with httpx.Client(base_url=endpoints["gateway"], headers=app, timeout=20) as http:
        http.post("/v1/consent/grant", json={**someone, "purposes": ["personalise.world"]}).raise_for_status()
        proof = http.post("/v1/proofs", json=someone).raise_for_status().json()["proof"]
    opened = {"staff": endpoints["staff_key"], "app": endpoints["write_key"], "person": proof}
    return {whose: f"Bearer {key}" for whose, key in opened.items()}


def _whose(case: schemathesis.Case) -> str:
    if _STAFF & set(case.operation.tags):
        return "staff"
    return "person" if case.operation.path.startswith(_MINE) else "app"


@schema.parametrize()
@settings(max_examples=settings.default.max_examples // 10, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_described(case: schemathesis.Case, shared_stack: RunningStack, keys: dict[str, str]) -> None:
    answer = case.call(base_url=shared_stack.endpoints["gateway"], headers={"Authorization": keys[_whose(case)]})
    beyond = [_BEYOND[code] for code in _BEYOND if code.encode() in answer.content]
    # A refusal like others, which schemathesis does not count among them.
    beyond += [negative_data_rejection] if answer.status_code == _TOO_LONG else []
    case.validate_response(answer, excluded_checks=beyond)
