"""A database that is damaged while the real daemons run on it, or before they start: they go on with a new one."""

from __future__ import annotations

import os

import pytest

from hived.simulator.miners.fleet import Fleet
from hived.store.engine.damage import kept
from tests.system.appliance import DAEMONS, Appliance, Program, until

pytestmark = pytest.mark.system

ALL = (*DAEMONS, "hive-minerd")
MINERS = 6


def start(appliance: Appliance, fleet: Fleet, http_port: int) -> dict[str, Program]:
    appliance.configure(
        network={"subnets": [fleet.subnet], "port": fleet.port},
        intervals={"discovery_seconds": 0.5, "status_seconds": 0.2, "telemetry_seconds": 0.5},
        http={"addr": f"127.0.0.1:{http_port}"},
        syncd={"master": "off"},
    )
    return {name: appliance.start(name) for name in ALL}


async def everybody_works(appliance: Appliance, running: dict[str, Program]) -> None:
    """Wait until all miners are read, and every daemon has written its row."""

    def done() -> bool:
        for name, program in running.items():
            assert program.running(), f"{name} ended: {program.log}"
        return bool(
            appliance.number("SELECT count(*) FROM health WHERE status_at > 0") == MINERS
            and appliance.number("SELECT count(*) FROM daemon") == len(ALL)
        )

    await until(done)


def check(appliance: Appliance, running: dict[str, Program]) -> None:
    assert len(kept(appliance.database)) == 1
    assert appliance.integrity() == "ok"
    assert appliance.number("SELECT count(*) FROM event WHERE kind = 'database_replaced'") == 1
    logs = [program.log for program in running.values()]
    assert sum("it is kept as" in log and "hivectl restore" in log for log in logs) == 1
    assert any("starting over" in log for log in logs)
    assert not any("Traceback" in log for log in logs), logs


async def test_five_daemons_that_start_on_a_damaged_database_replace_it_once(
    appliance: Appliance, free_port: int
) -> None:
    garbage = os.urandom(40_000)
    appliance.database.write_bytes(garbage)
    async with Fleet(MINERS, subnet="127.36.0.0/28", steady=True) as fleet:
        running = start(appliance, fleet, free_port)
        await until(lambda: len(kept(appliance.database)) == 1 and appliance.database.read_bytes()[:6] == b"SQLite")
        await everybody_works(appliance, running)
        check(appliance, running)
        assert kept(appliance.database)[0].path.read_bytes() == garbage
        for program in running.values():
            await program.stop()


async def test_a_database_that_is_damaged_while_they_run_is_replaced_and_no_daemon_ends(
    appliance: Appliance, free_port: int
) -> None:
    async with Fleet(MINERS, subnet="127.36.1.0/28", steady=True) as fleet:
        running = start(appliance, fleet, free_port)
        await everybody_works(appliance, running)
        before = {miner.mac: list(miner.keys) for miner in fleet.miners}
        for beside in ("", "-wal"):
            path = appliance.database.with_name(f"hived.db{beside}")
            with path.open("r+b") as file:  # all but the first page: what a dying card does
                file.seek(4096)
                file.write(os.urandom(max(0, path.stat().st_size - 4096)))
        await until(lambda: len(kept(appliance.database)) == 1)
        await everybody_works(appliance, running)
        await until(lambda: all("starting over" in program.log for program in running.values()))
        await everybody_works(appliance, running)
        check(appliance, running)
        assert {miner.mac: list(miner.keys) for miner in fleet.miners} == before, (
            "the keys on the miners are used again"
        )
        for program in running.values():
            await program.stop()
