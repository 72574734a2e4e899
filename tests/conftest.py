from __future__ import annotations

from collections import Counter

import pytest

pytest_plugins = [
    "tests.databases",
    "tests.callers",
    "tests.openid",
    "tests.testbed",
]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Counts what was skipped by its reason, which is shorter than a list of the tests."""
    skipped = terminalreporter.stats.get("skipped", ())
    for reason, count in Counter(report.longrepr[2] for report in skipped).most_common():
        terminalreporter.write_line(f"{count} tests: {reason}", yellow=True)
