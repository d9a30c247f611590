"""What is said once for all tests: where rooms keep their migrations, how examples are found, that CI skips nothing."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from infra.local.databases import MIGRATIONS

_SKIPS_FAIL = os.environ.get("MASKENBALL_REQUIRE_ALL") == "1"

# The same examples in every run of CI; `make fuzz` looks for others.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=5_000, print_blob=True)
settings.load_profile(os.environ.get("MASKENBALL_EXAMPLES", "steady"))


@pytest.fixture(scope="session")
def migrations() -> Mapping[str, Path]:
    return MIGRATIONS


def _fail_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if _SKIPS_FAIL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and MASKENBALL_REQUIRE_ALL=1 asks for every test: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[pytest.TestReport]:
    report = yield
    _fail_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[pytest.CollectReport]:
    report = yield
    _fail_skipped(report)
    return report
