"""What the description says of the REST endpoints is what they do, whatever they are sent."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway.rest import build_rest
from tests.e2e.running import RunningStack

# Which purposes there are is a pack of the consent service, and how far the stream has got is not the schema's to say.
_BEYOND = {"UNKNOWN_PURPOSE": positive_data_acceptance, "POSITION_NOT_REACHED": not_a_server_error}
_nothing: Any = None
schema = schemathesis.openapi.from_dict(build_rest(_nothing).openapi())


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
    case.validate_response(answer, excluded_checks=[_BEYOND[code] for code in _BEYOND if code in answer.text])
