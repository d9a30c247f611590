"""Six SDKs, unmodified, over a network that fails: each event they were asked to send is stored exactly once."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.gateway.conformance import SDKS, Bench, Outcome, Plan, Sdk, assert_each_is_stored_once
from tests.e2e.gateway.proxy import RETRY_AFTER_S, Fault

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PLANS = {
    "types": Plan(),
    "large": Plan(tracks=20, padding=25_000, is_batching=True),
    "gzip": Plan(tracks=120, padding=100, is_gzipped=True),
    **{fault: Plan(faults=(fault, fault)) for fault in Fault},
}
# Ten events of RudderStack's: a full beacon. Others it sends when its tab becomes hidden, and ours are hidden already.
_PLANS_OF_PAGES = {
    "leaving": Plan(tracks=6, is_batching=True, is_beaconing=True, is_leaving=True),
    "coming back": Plan(faults=(Fault.UNAVAILABLE,) * 1000, is_coming_back=True),
}
_all = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)


class Runs:
    """Everything one SDK is asked runs at once: most of it is waiting for a retry."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._running: dict[tuple[str, str], asyncio.Task[Outcome]] = {}

    async def outcome(self, sdk: Sdk, plan: str) -> Outcome:
        """What came of `plan`."""
        if (sdk.name, plan) not in self._running:
            self._bench.skip_without(sdk)
            for name, asked in (_PLANS if sdk.command else _PLANS | _PLANS_OF_PAGES).items():
                if sdk.can_gzip or not asked.is_gzipped:
                    self._running[sdk.name, name] = asyncio.create_task(self._bench.run(sdk, asked))
        return await self._running[sdk.name, plan]

    async def end(self) -> None:
        """End what no test waited for."""
        for run in self._running.values():
            run.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runs(bench: Bench) -> AsyncIterator[Runs]:
    started = Runs(bench)
    yield started
    await started.end()


@_all
class TestEverySdk:
    async def test_every_type_is_stored_once(self, runs: Runs, sdk: Sdk) -> None:
        outcome = await runs.outcome(sdk, "types")
        assert_each_is_stored_once(outcome)
        types = {event["type"] for request in outcome.requests for event in request.events}
        assert types == {"identify", "track", "page", "group", "alias", *(["screen"] if sdk.has_screen else [])}
        assert outcome.view["likes"] == ["games"]

    async def test_large_batch_is_stored_once(self, runs: Runs, sdk: Sdk) -> None:
        outcome = await runs.outcome(sdk, "large")
        assert_each_is_stored_once(outcome)
        assert max(len(request.body) for request in outcome.requests) > 400_000

    @pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.LIMITED, Fault.CUT_BEFORE])
    async def test_what_was_refused_or_lost_is_sent_again(self, runs: Runs, sdk: Sdk, fault: Fault) -> None:
        outcome = await runs.outcome(sdk, fault)
        assert_each_is_stored_once(outcome)
        assert outcome.books["duplicate"] == 0
        again = [request for request in outcome.requests if request.fault]
        assert [request.fault for request in again] == [fault, fault]

    async def test_what_was_taken_without_the_sdk_knowing_is_a_duplicate(self, runs: Runs, sdk: Sdk) -> None:
        outcome = await runs.outcome(sdk, Fault.CUT_AFTER)
        assert_each_is_stored_once(outcome)
        assert outcome.books["duplicate"] > 0


@pytest.mark.parametrize("sdk", [sdk for sdk in SDKS if sdk.can_gzip], ids=lambda sdk: sdk.name)
async def test_gzipped_batch_is_stored_once(runs: Runs, sdk: Sdk) -> None:
    outcome = await runs.outcome(sdk, "gzip")
    assert_each_is_stored_once(outcome)
    assert {request.headers.get("content-encoding") for request in outcome.requests} == {"gzip"}


@pytest.mark.parametrize(("name", "header"), [("analytics-next", "x-retry-count"), ("rudder-js", "rsa-retry-attempt")])
async def test_browser_is_allowed_the_headers_of_a_retry(runs: Runs, name: str, header: str) -> None:
    outcome = await runs.outcome(next(sdk for sdk in SDKS if sdk.name == name), Fault.UNAVAILABLE)
    assert any(header in asked["access-control-request-headers"] for asked in outcome.preflights)
    assert any(header in request.headers for request in outcome.requests)


@pytest.mark.parametrize(("name", "path"), [("analytics-next", "/v1/b"), ("rudder-js", "/beacon/v1/batch")])
async def test_page_that_is_left_sends_what_it_holds(runs: Runs, name: str, path: str) -> None:
    outcome = await runs.outcome(next(sdk for sdk in SDKS if sdk.name == name), "leaving")
    assert_each_is_stored_once(outcome)
    assert {request.path.partition("?")[0] for request in outcome.requests} == {path}
    # No preflight can be awaited by a page that is gone: the body calls itself text.
    assert {request.headers["content-type"] for request in outcome.requests} == {"text/plain"}


@pytest.mark.parametrize("sdk", [sdk for sdk in SDKS if not sdk.command], ids=lambda sdk: sdk.name)
async def test_page_that_is_opened_again_sends_what_was_refused_before(runs: Runs, sdk: Sdk) -> None:
    assert_each_is_stored_once(await runs.outcome(sdk, "coming back"))


@pytest.mark.parametrize("sdk", [sdk for sdk in SDKS if sdk.honours_retry_after], ids=lambda sdk: sdk.name)
async def test_sdk_waits_as_long_as_it_was_told(runs: Runs, sdk: Sdk) -> None:
    outcome = await runs.outcome(sdk, Fault.LIMITED)
    waits = [
        later.at - refused.at
        for refused, later in itertools.combinations(outcome.requests, 2)
        if refused.fault and refused.message_ids & later.message_ids
    ]
    assert waits
    assert min(waits) >= RETRY_AFTER_S
