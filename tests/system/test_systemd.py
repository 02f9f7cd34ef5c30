"""What the installed daemons tell systemd, and when."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import access
from tests.runtime.notify_socket import Manager, manager_at
from tests.system.appliance import DAEMONS, PATIENCE_S, STOP_S, Appliance

pytestmark = pytest.mark.system


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with manager_at(tmp_path / "notify") as listening:
        yield listening


@pytest.mark.parametrize("name", DAEMONS)
def test_a_daemon_says_ready_pings_and_says_stopping(
    name: str, appliance: Appliance, manager: Manager, free_port: int
) -> None:
    appliance.configure(network={"subnets": ["127.34.14.32/28"], "port": 9}, http={"addr": f"127.0.0.1:{free_port}"})
    daemon = appliance.start(name, NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="300000")
    manager.wait_for("READY=1", within=PATIENCE_S)
    assert manager.said[0] == "READY=1", "nothing comes before it"
    for _ in range(3):
        manager.wait_for("WATCHDOG=1", within=3)
    daemon.process.terminate()
    manager.wait_for("STOPPING=1", within=STOP_S)
    assert daemon.process.wait(STOP_S) == 0
    assert manager.said.count("READY=1") == 1
    assert any(line.startswith("STATUS=") for line in manager.said)


def test_the_api_answers_as_soon_as_it_says_ready(appliance: Appliance, manager: Manager, free_port: int) -> None:
    appliance.configure(http={"addr": f"127.0.0.1:{free_port}"})
    appliance.start("hive-apid", NOTIFY_SOCKET=str(manager.path))
    manager.wait_for("READY=1", within=PATIENCE_S)
    request = urllib.request.Request(f"http://127.0.0.1:{free_port}/api/miners", headers=access.BEARER)
    with urllib.request.urlopen(request, timeout=5) as reply:
        assert json.load(reply) == []


@pytest.mark.parametrize("name", DAEMONS)
def test_a_start_that_is_refused_never_says_ready(
    name: str, appliance: Appliance, manager: Manager, free_port: int
) -> None:
    appliance.configure(http={"addr": f"127.0.0.1:{free_port}"})
    appliance.database.write_bytes(b"")
    daemon = appliance.start(name, NOTIFY_SOCKET=str(manager.path))
    assert daemon.process.wait(PATIENCE_S) == 78
    assert manager.read(0.05) == []
