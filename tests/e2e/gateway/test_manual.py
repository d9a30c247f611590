"""Every snippet of the manual does what the manual says."""

import re
import sys
from pathlib import Path

import pytest

from tests.e2e.gateway.conformance import Bench, Plan, Sdk, assert_each_is_stored_once

_MANUAL = Path(__file__).parents[3] / "docs" / "sdks.md"
_RUN = {
    "segment-analytics-python": (sys.executable, "-c"),
    "rudder-sdk-python": (sys.executable, "-c"),
    "@segment/analytics-node": ("node", "--input-type=module", "--eval"),
    "@rudderstack/rudder-sdk-node": ("node", "--input-type=module", "--eval"),
    "@segment/analytics-next": (),
    "@rudderstack/analytics-js": (),
}


def snippets() -> dict[str, str]:
    """The code under each heading."""
    parts = re.findall(r"(?ms)^## ([^\n]+)\n\n```\w+\n(.*?)^```", _MANUAL.read_text())
    return dict(parts)


def test_every_sdk_has_one() -> None:
    assert snippets().keys() == _RUN.keys()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", _RUN)
async def test_snippet_sends_what_it_says(bench: Bench, name: str) -> None:
    snippet = snippets()[name]
    sdk = Sdk(name.rpartition("/")[2], (*_RUN[name], snippet) if _RUN[name] else (), script=snippet)
    bench.skip_without(sdk)
    outcome = await bench.run(sdk, Plan(tracks=1, others=1))
    assert_each_is_stored_once(outcome)
    assert {event["type"] for request in outcome.requests for event in request.events} == {"identify", "track"}
