"""How a box is: what can be known as numbers, what cannot as nothing."""

from __future__ import annotations

import json
import os
from collections import namedtuple
from pathlib import Path
from typing import Any

import psutil
import pytest

from hived.records.artifact import CollectorState
from hived.records.daemon import DaemonRow
from hived.services.appliance.host_health import HostHealth, describes, measured, presence, temperature
from hived.store import Store, create, daemon_rows
from tests.clock import FakeClock

Sensor = namedtuple("Sensor", "label current high critical")

KEYS = {
    "disk_free_bytes", "disk_total_bytes", "database_bytes", "load_1m", "cpus", "memory_used_bytes",
    "memory_total_bytes", "temperature_c", "uptime_s", "daemons", "describes", "troubles", "model_state", "backup_at",
}  # fmt: skip


async def test_a_box_tells_how_it_is(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "hived.db"
    create(f"sqlite:///{path}")
    async with Store.open(f"sqlite:///{path}") as store:
        await store.write(daemon_rows.save_daemon, DaemonRow("hive-polld", 1, "0.1.0", 0.0, clock() - 5, "60 polls"))
        await store.write(daemon_rows.save_daemon, DaemonRow("hive-minerd", 1, "0.1.0", 0.0, clock() - 500, "Idle"))
        found = await HostHealth(store, path, tmp_path, clock=clock).read()
    assert found.keys() == KEYS
    assert 0 < found["disk_free_bytes"] <= found["disk_total_bytes"]
    assert 0 < found["memory_used_bytes"] <= found["memory_total_bytes"]
    assert found["database_bytes"] >= 100_000
    assert found["uptime_s"] > 0
    assert found["daemons"] == {
        "hive-polld": {"alive": True, "status": "60 polls"}, "hive-minerd": {"alive": False, "status": "Idle"},
    }  # fmt: skip
    assert found["describes"] is False
    assert len(json.dumps(found)) < 16 * 1024


@pytest.mark.parametrize(
    ("wanted", "model", "beat_ago", "does"),
    [(True, "m:1b d 2", 5.0, True), (True, "m:1b d 2", 500.0, True), (True, "m:1b d 2", 5000.0, False),
     (False, "m:1b d 2", 5.0, False), (True, None, 5.0, False)],
)  # fmt: skip
def test_a_box_describes_while_its_auto_miner_is_wanted_and_its_model_works(
    wanted: bool, model: str | None, beat_ago: float, does: bool
) -> None:
    row = DaemonRow("hive-minerd", 1, "0.2.0", 0.0, 10_000.0 - beat_ago, "Idle")
    assert describes(CollectorState(wanted=wanted, describer=model), [row], 10_000.0) is does


def test_what_the_machine_does_not_tell_is_unknown_and_not_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> Any:
        raise OSError("not in this container")

    for name in ("disk_usage", "virtual_memory", "boot_time", "sensors_temperatures"):
        monkeypatch.setattr(psutil, name, nothing, raising=False)
    monkeypatch.setattr(os, "getloadavg", nothing)
    found = measured(tmp_path / "gone.db", tmp_path)
    assert {name for name, value in found.items() if value is not None} <= {"cpus"}


@pytest.mark.parametrize(
    ("sensors", "expected"),
    [
        ({}, None),
        ({"nvme": [Sensor("", 40.0, None, None)]}, None),
        ({"coretemp": [Sensor("a", 51.0, None, None), Sensor("b", 58.25, None, None)]}, 58.2),
        ({"cpu_thermal": [Sensor("", 47.0, None, None)], "nvme": [Sensor("", 80.0, None, None)]}, 47.0),
        ({"k10temp": [Sensor("", -273.0, None, None)], "acpitz": [Sensor("", 33.0, None, None)]}, 33.0),
        ({"k10temp": [Sensor("", None, None, None)]}, None),
    ],
)
def test_the_temperature_is_the_processors(sensors: dict[str, list[Any]], expected: float | None) -> None:
    assert temperature(lambda: sensors) == expected


def test_a_clock_that_was_set_back_makes_nobody_alive() -> None:
    row = DaemonRow("hive-polld", 1, "0.1.0", 0.0, 5000.0, "x" * 5000)
    assert presence([row], 1000.0) == {"hive-polld": {"alive": False, "status": "x" * 200}}
