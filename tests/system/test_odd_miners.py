"""Miners that want keys everywhere, have no fans, tell a part now and then or have one connection: read like others."""

from __future__ import annotations

import pytest

from hived.simulator.miners.faults import Fault
from hived.simulator.miners.fleet import Fleet
from tests.system.appliance import Appliance, until

pytestmark = pytest.mark.system

SUBNET = "127.34.21.0/26"
FEWEST = "SELECT min(n) FROM (SELECT count(status.at) n FROM miner LEFT JOIN status USING (num) GROUP BY num)"
SUMMARY = ["/api/v1/summary"]


async def test_the_real_daemons_read_odd_miners_without_a_word_of_trouble(appliance: Appliance) -> None:
    async with Fleet(8, subnet=SUBNET, steady=True) as fleet:
        keys, bath, one, fans, dead, bytes_, watts, _well = fleet.miners
        fleet.set_fault(keys, Fault.KEYS_WANTED)
        bath.be("immersion")
        fleet.set_fault(one, Fault.ONE_CONNECTION)
        fleet.set_fault(fans, Fault.ALTERED, paths=SUMMARY, put={"miner.cooling.fans": []}, every=2)
        dead.be("dead-board")
        fleet.set_fault(bytes_, Fault.BAD_BYTES)
        put = dict.fromkeys(("miner.power_consumption", "miner.power_usage"))
        fleet.set_fault(watts, Fault.ALTERED, paths=SUMMARY, put=put)
        appliance.configure(
            network={"subnets": [SUBNET], "port": fleet.port, "miner_probe_timeout_ms": 3000},
            intervals={"status_seconds": 1.0, "discovery_seconds": 6.0, "telemetry_seconds": 3.0},
        )
        appliance.start("hive-discoverd")
        await until(lambda: appliance.number("SELECT count(*) FROM miner WHERE api_key IS NOT NULL") == 8)
        appliance.start("hive-polld")
        await until(lambda: appliance.number(FEWEST) >= 12)
        sweeps = appliance.number("SELECT max(id) FROM sweep")
        since = appliance.number("SELECT count(*) FROM status")
        await until(lambda: appliance.number("SELECT max(id) FROM sweep") >= sweeps + 3)
        assert appliance.number("SELECT count(*) FROM status") > since
        assert [miner.requests["POST /api/v1/unlock"] for miner in fleet.miners] == [1] * 8
        assert appliance.number("SELECT count(DISTINCT num) FROM status") == 8
        assert appliance.number("SELECT count(*) FROM status WHERE partial OR power_w IS NULL") == 0
        assert appliance.rows("SELECT num, last_error FROM health WHERE error_count > 0 OR failures > 0") == []
        assert appliance.number("SELECT count(*) FROM health WHERE chips_at IS NULL") == 0
        found = appliance.number("SELECT count(*) FROM event WHERE kind NOT IN ('miner_found', 'board_lost')")
        assert found == 0
        assert appliance.number("SELECT count(*) FROM event WHERE kind = 'board_lost'") == 1
        assert appliance.number("SELECT min(miners) FROM sweep WHERE id > 1 AND finished_at IS NOT NULL") == 8
        await until(lambda: one.connections == 0)
