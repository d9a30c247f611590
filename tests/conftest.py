"""What is said once for all tests: where rooms keep their migrations, and that CI skips nothing."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from infra.local.databases import MIGRATIONS

_SKIPS_FAIL = os.environ.get("MASKENBALL_REQUIRE_ALL") == "1"


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
