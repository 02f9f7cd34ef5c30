"""Where every part is there, as in CI, a skipped test is a failure: HIVED_NO_SKIPS=1 says so."""

from __future__ import annotations

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a run with skipped tests into a failed one, and name them."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("HIVED_NO_SKIPS") or reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    for report in skipped:
        reporter.write_line(f"skipped, and nothing may be: {report.nodeid}: {report.longrepr}", red=True)
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
