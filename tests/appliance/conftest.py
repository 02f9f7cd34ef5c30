"""Packages once for all tests, a system for each that wants one. Where a part is missing, one line says which."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance import tools
from tests.appliance.machine import Machine, machine
from tests.appliance.tools import Packages

LONG = tools.LONG
RELEASED = "6e9096a"  # 0.1.0
# What takes minutes is not even collected in the short form: there nothing may be skipped.
collect_ignore = [] if LONG else ["test_arm64.py", "test_lintian.py", "test_vm.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what cannot run here."""
    lacking = tools.missing()
    for item in items:
        if lacking is not None:
            item.add_marker(pytest.mark.skip(reason=lacking))
        item.add_marker(pytest.mark.timeout(3600 if LONG else 900))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once what was skipped."""
    if (lacking := tools.missing()) is not None:
        terminalreporter.write_line(lacking, yellow=True)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where disks and packages are: not in the repository, and not in memory."""
    import tempfile

    with tempfile.TemporaryDirectory(dir=tools.caches(), ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def packages(folder: Path) -> Packages:
    """The packages of this tree, or those in the folder that HIVED_DEBS names."""
    ready = os.environ.get("HIVED_DEBS")
    return tools.found(Path(ready)) if ready else tools.build(folder / "packages")


@pytest.fixture(scope="session")
def previous(packages: Packages, folder: Path) -> Packages:
    """The version before this one."""
    return tools.another_version(packages, "0.0.9~", folder / "others")


@pytest.fixture(scope="session")
def released() -> Packages:
    """0.1.0 as it was, built from its commit."""
    if not tools.has_history(RELEASED):
        pytest.skip(f"0.1.0 is built from commit {RELEASED}, which is not in this clone: git fetch --unshallow")
    return tools.build_of(RELEASED, "0.1.0")


@pytest.fixture(params=["bookworm", "trixie"])
def debian(request: pytest.FixtureRequest, folder: Path) -> Iterator[Machine]:
    """A system of each release, off."""
    with machine(request.param, folder) as made:
        yield made
