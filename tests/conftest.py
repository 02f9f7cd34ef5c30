"""What every test may use, and what no test may leave behind."""

from __future__ import annotations

import asyncio
import inspect
import logging
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest

from tests import databases as both
from tests.clock import FakeClock

_SQLITE_ONLY = "sqlite_only"
hypothesis.settings.register_profile("hived", deadline=None)  # a busy machine is no bug of ours
hypothesis.settings.load_profile("hived")

GRACE_S = 2.0  # a thread that was told to end may need so long on a busy machine


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that needs a database on both kinds, but those that are about the SQLite file itself."""
    if "database_kind" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker(_SQLITE_ONLY)
        assert only is None or only.args, "sqlite_only needs a reason"
        metafunc.parametrize("database_kind", both.KINDS[:1] if only else both.KINDS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once what was skipped for want of PostgreSQL."""
    if both.programs() is None:
        terminalreporter.write_line(both.MISSING, yellow=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[both.Cluster]:
    """A PostgreSQL server for all tests of this process."""
    running = both.start_cluster()
    yield running
    running.stop()
    shutil.rmtree(running.folder)


@pytest.fixture(scope="session")
def template_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def databases(
    database_kind: str, tmp_path: Path, template_folder: Path, request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[both.Databases]:  # fmt: skip
    """What makes databases of the kind that this run of the test is for."""
    monkeypatch.setattr("hived.store.engine.db.STATE_DIR", tmp_path)  # where key files go unless one says otherwise
    running = request.getfixturevalue("cluster") if database_kind == "postgresql" else None
    found = both.Databases(database_kind, tmp_path, template_folder, running)
    yield found
    found.close()


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A folder that other users can reach, as they cannot reach tmp_path."""
    with TemporaryDirectory(prefix="hived-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until `advance(seconds)`."""
    return FakeClock()


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Fail a test that leaves a thread behind: it would run into the tests after it."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + GRACE_S
    left = [thread for thread in threading.enumerate() if thread not in before and not _is_of_the_runner(thread)]
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread for thread in left if thread.is_alive()]
    assert not left, f"threads left behind: {', '.join(thread.name for thread in left)}"


@pytest.fixture(autouse=True)
def no_task_is_left(request: pytest.FixtureRequest, no_thread_is_left: None) -> None:
    """Fail an asynchronous test that leaves a task behind on its loop."""
    function = getattr(request.node, "obj", None)
    if function is not None and inspect.iscoroutinefunction(inspect.unwrap(function)):
        request.getfixturevalue("_task_guard")


@pytest.fixture
async def _task_guard() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    for _ in range(3):  # transports that were closed just now report their end in the next turns
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:  # cancelled ones need a turn or two of the loop
        _, left = await asyncio.wait(left, timeout=GRACE_S)
    for task in left:
        task.cancel()
    assert not left, f"tasks left behind: {', '.join(repr(task) for task in left)}"


@pytest.fixture(autouse=True)
def log_levels_are_put_back() -> Iterator[None]:
    """A program that sets up its log within a test must not change what later tests see."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in [one for one in root.handlers if one not in handlers]:
        root.removeHandler(handler)


def _is_of_the_runner(thread: threading.Thread) -> bool:
    """pytest-xdist talks over threads of execnet, pytest-timeout may watch from one."""
    return thread.name.startswith(("execnet", "pytest_timeout", "receiver"))
