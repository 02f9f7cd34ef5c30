"""A full disk under the real daemons: they stay up, reads go on, and with room again nothing needs a restart."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hived.simulator.miners.fleet import Fleet
from tests.runtime.notify_socket import manager_at
from tests.system.appliance import DAEMONS, Appliance, until
from tests.system.test_end_to_end import ask

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root: sudo make test"),
]

MINERS = 6
DISK_BYTES = 40 * 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = f"size={DISK_BYTES},mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def appliance(tmp_path: Path, disk: Path) -> Iterator[Appliance]:
    made = Appliance(tmp_path, database={"url": f"sqlite:///{disk / 'hived.db'}"})
    made.database, made.url = disk / "hived.db", f"sqlite:///{disk / 'hived.db'}"
    made.migrate()
    yield made
    made.close()


def fill(disk: Path) -> Path:
    """Take all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\1" * 65536):
                pass
        except OSError:
            pass
        try:
            while file.write(b"\1" * 512):
                pass
        except OSError:
            return ballast
    return ballast


async def test_the_daemons_outlive_a_full_disk_and_go_on_by_themselves(
    appliance: Appliance, disk: Path, free_port: int
) -> None:
    async with Fleet(MINERS, subnet="127.36.2.0/28", steady=True) as fleet:
        appliance.configure(
            network={"subnets": [fleet.subnet], "port": fleet.port},
            intervals={"discovery_seconds": 0.5, "status_seconds": 0.2, "telemetry_seconds": 0.5},
            http={"addr": f"127.0.0.1:{free_port}"},
            syncd={"master": "off"},
        )
        running = {name: appliance.start(name) for name in (*DAEMONS, "hive-minerd")}
        base = f"http://127.0.0.1:{free_port}"

        def newest() -> float:
            return float(appliance.number("SELECT max(at) FROM status") or 0.0)

        def rows_of_all() -> bool:
            return bool(appliance.number("SELECT count(*) FROM daemon") == len(running))

        await until(rows_of_all)
        await until(lambda: appliance.number("SELECT count(*) FROM health WHERE status_at > 0") == MINERS)
        ballast = fill(disk)
        await until(lambda: "is full" in running["hive-polld"].log)

        async def says_so() -> bool:
            told: Any = await ask(f"{base}/api/v1/health")
            return told["status"] == "degraded" and [one["kind"] for one in told["problems"]] == ["disk_full"]

        await until(says_so)
        assert len(await ask(f"{base}/api/miners")) == MINERS
        assert len(await ask(f"{base}/api/v1/events")) > 0
        stuck = newest()
        # Long enough for every daemon's own row to fail, and for the pauses to grow.
        await until(lambda: all("is full" in program.log for name, program in running.items()))
        told = appliance.hivectl("status")
        assert "the disk is full" in told, told
        assert newest() == stuck
        ballast.unlink()
        await until(lambda: newest() > stuck)
        await until(lambda: all("recovered after" in program.log for program in running.values()))
        for name, program in running.items():
            assert program.running(), f"{name}: {program.log}"
            assert "Traceback" not in program.log, program.log
            assert sum("is full" in line for line in program.log.splitlines()) < 12, "said once by each piece of work"
        assert appliance.integrity() == "ok"
        assert not appliance.rows("SELECT * FROM pragma_foreign_key_check")
        told = await ask(f"{base}/api/v1/health")
        assert told["problems"] == []
        for program in running.values():
            await program.stop()


async def test_a_daemon_that_starts_on_a_full_disk_waits_for_room_and_systemd_lets_it(
    appliance: Appliance, disk: Path, tmp_path: Path
) -> None:
    """A start that is not ready would be ended by systemd, and a reload that is silent by its watchdog."""
    ballast = fill(disk)
    with manager_at(tmp_path / "notify") as manager:
        program = appliance.start("hive-polld", NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="30000000")
        await asyncio.to_thread(manager.wait_for, "READY=1", 20)
        manager.wait_for("STATUS=the disk of")
        for _ in range(2):
            await asyncio.to_thread(manager.wait_for, "WATCHDOG=1", 20)
        assert "is full" in program.log
        ballast.unlink()
        await until(lambda: appliance.number("SELECT count(*) FROM daemon") == 1)
        await program.stop()
