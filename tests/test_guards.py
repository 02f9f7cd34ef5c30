"""The guards of conftest.py fail the tests that they should, and only those."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

GUILTY = """
import asyncio, threading, pytest
import tests.conftest

tests.conftest.GRACE_S = 0.3

kept = []

def test_leaves_a_thread():
    gate = threading.Event()
    kept.append(gate)
    threading.Thread(target=gate.wait, args=(5,), name="forgotten").start()

async def test_leaves_a_task():
    kept.append(asyncio.create_task(asyncio.Event().wait(), name="forgotten task"))

@pytest.fixture
async def server():
    task = asyncio.create_task(asyncio.Event().wait())
    thread = threading.Thread(target=lambda: None)
    thread.start()
    yield task
    task.cancel()

async def test_a_fixture_may_run_something(server):
    assert not server.done()

async def test_cleans_up():
    await asyncio.to_thread(lambda: None)
    asyncio.create_task(asyncio.sleep(0))

def test_is_plain():
    kept[0].set()
"""


def test_what_is_left_behind_fails_the_test_that_left_it(tmp_path: Path) -> None:
    (tmp_path / "test_guilty.py").write_text(GUILTY)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\naddopts = -p no:cacheprovider\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rA",
            "-p",
            "tests.conftest",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    errors = {line.split("::")[1].split(" ")[0] for line in done.stdout.splitlines() if line.startswith("ERROR ")}
    assert errors == {"test_leaves_a_thread", "test_leaves_a_task"}, done.stdout
    assert "5 passed, 2 errors" in done.stdout
    assert "threads left behind: forgotten" in done.stdout
    assert "forgotten task" in done.stdout
