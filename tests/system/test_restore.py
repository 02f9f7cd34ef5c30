"""A backup made under the real daemons, and the way back with them stopped."""

from __future__ import annotations

import pytest

from hived.simulator.miners.fleet import Fleet
from tests.system.appliance import Appliance, until

pytestmark = pytest.mark.system

MINERS = 6


async def test_a_backup_made_while_daemons_poll_is_restored_once_they_are_stopped(appliance: Appliance) -> None:
    archive = appliance.folder / "backup.tar"
    async with Fleet(MINERS, subnet="127.36.3.0/28", steady=True) as fleet:
        appliance.configure(
            network={"subnets": [fleet.subnet], "port": fleet.port},
            intervals={"discovery_seconds": 0.5, "status_seconds": 0.1, "telemetry_seconds": 0.5},
            syncd={"master": "off"},
        )
        names = ("hive-discoverd", "hive-polld", "hive-controld", "hive-syncd", "hive-minerd")
        running = [appliance.start(name) for name in names]

        def all_read() -> bool:
            return bool(appliance.number("SELECT count(*) FROM health WHERE status_at > 0") == MINERS)

        await until(all_read)
        keys = {miner.mac: list(miner.keys) for miner in fleet.miners}
        appliance.hivectl("backup", str(archive), code=0)
        told = appliance.hivectl("restore", str(archive), code=1)
        assert "run: stop them first, with `systemctl stop hived.target`" in told
        assert "hive-polld" in told
        for program in running:
            await program.stop()
            assert "Traceback" not in program.log
        newest = appliance.number("SELECT max(at) FROM status")
        appliance.hivectl("restore", str(archive), code=0)
        assert appliance.number("SELECT max(at) FROM status") < newest
        assert appliance.integrity() == "ok"
        again = [appliance.start(name) for name in names]
        await until(lambda: appliance.number("SELECT max(at) FROM status") > newest)
        await until(lambda: appliance.number("SELECT count(*) FROM daemon WHERE beat_at > ?", newest) == len(names))
        assert {miner.mac: list(miner.keys) for miner in fleet.miners} == keys, "no miner got a second key"
        assert appliance.integrity() == "ok"
        for program in again:
            await program.stop()
