"""What the description says of the REST endpoints is what they do, whatever they are sent."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from gateway.quarantine import add_quarantine
from gateway.rest import build_rest
from tests.e2e.running import RunningStack

# Which purposes and events there are is said by packs, what a receipt is by the door, and how far the stream has got by
# nobody beforehand.
_BEYOND = {
    "UNKNOWN_PURPOSE": positive_data_acceptance,
    "EVENT_UNKNOWN": positive_data_acceptance,
    "not a receipt": positive_data_acceptance,
    "POSITION_NOT_REACHED": not_a_server_error,
}
_TOO_LONG = 414
_nothing: Any = None
_rest = build_rest(_nothing)
add_quarantine(_rest, _nothing)
schema = schemathesis.openapi.from_dict(_rest.openapi())


@pytest.fixture(scope="module")
def keys(shared_stack: RunningStack) -> dict[bool, str]:
    """Whether an operation is for staff, to the header that opens it."""
    endpoints = shared_stack.endpoints
    return {True: f"Bearer {endpoints['staff_key']}", False: f"Bearer {endpoints['write_key']}"}


@schema.parametrize()
@settings(max_examples=settings.default.max_examples // 10, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_described(case: schemathesis.Case, shared_stack: RunningStack, keys: dict[bool, str]) -> None:
    is_for_staff = bool({"catalogue", "operation"} & set(case.operation.tags))
    answer = case.call(base_url=shared_stack.endpoints["gateway"], headers={"Authorization": keys[is_for_staff]})
    beyond = [_BEYOND[code] for code in _BEYOND if code in answer.text]
    # A refusal like others, which schemathesis does not count among them.
    beyond += [negative_data_rejection] if answer.status_code == _TOO_LONG else []
    case.validate_response(answer, excluded_checks=beyond)
