"""hive-discoverd as it is installed, among devices that hang, refuse and lie: the others are found in each sweep."""

from __future__ import annotations

import pytest

from hived.simulator.miners.faults import Fault
from hived.simulator.miners.fleet import Fleet
from tests.system.appliance import Appliance, until

pytestmark = pytest.mark.system

SUBNET = "127.34.1.0/26"
SWEEPS = 12


async def sweep_many(appliance: Appliance, fleet: Fleet, complete: int) -> None:
    """Run the daemon for SWEEPS sweeps, and until so many miners have a key and their settings."""
    appliance.configure(network={"subnets": [SUBNET], "port": fleet.port}, intervals={"discovery_seconds": 0.2})
    daemon = appliance.start("hive-discoverd")

    async def swept() -> bool:
        opened = appliance.number(
            "SELECT count(DISTINCT miner.num) FROM miner JOIN settings_version USING (num) WHERE api_key IS NOT NULL"
        )
        sweeps = appliance.number("SELECT count(*) FROM sweep WHERE finished_at > 0")
        return bool(opened >= complete and sweeps >= SWEEPS)

    await until(swept)
    await daemon.stop()
    assert "failed" not in daemon.log


async def test_a_model_whose_catalogue_call_hangs_stops_no_sweep_and_no_other_miner(appliance: Appliance) -> None:
    async with Fleet(40, subnet=SUBNET, steady=True, models={"s19": 1}) as fleet:
        for rig in fleet.miners[:30]:
            fleet.set_fault(rig, Fault.HUNG, paths=["*/autotune/presets", "*/model"])
        await sweep_many(appliance, fleet, complete=40)
        swept = appliance.rows("SELECT miners, finished_at - started_at FROM sweep WHERE finished_at > 0")
        assert max(miners for miners, _ in swept) == 40  # a busy machine may answer too late for some
        # Each asked miner holds out for 3 s: a sweep that waited for one would take as long.
        assert sorted(took for _, took in swept)[SWEEPS // 2] < 3
        asked = sum(rig.requests["GET /api/v1/autotune/presets"] for rig in fleet.miners)
        assert asked <= appliance.number("SELECT count(*) FROM sweep")


async def test_an_unlock_that_is_refused_in_whatever_way_is_not_tried_in_every_sweep(appliance: Appliance) -> None:
    ways = [
        ("*/unlock", 401, '{"err": "invalid password"}'), ("*/unlock", 400, ""), ("*/unlock", 404, ""),
        ("*/unlock", 500, ""), ("*/unlock", 200, '{"error": "wrong password"}'), ("*/unlock", 200, "<html>"),
        ("*/apikeys", 500, ""), ("*/apikeys", 200, "null"),
    ]  # fmt: skip
    async with Fleet(len(ways) + 2, subnet=SUBNET, steady=True) as fleet:
        for rig, (path, status, text) in zip(fleet.miners, ways, strict=False):
            fleet.set_fault(rig, Fault.ANSWER, paths=[path], status=status, text=text)
        await sweep_many(appliance, fleet, complete=2)
        shut = fleet.miners[: len(ways)]
        assert [rig.requests["POST /api/v1/unlock"] for rig in shut] == [1] * len(ways)
        assert [rig.requests["POST /api/v1/lock"] for rig in shut] == [0] * 6 + [1] * 2
        assert appliance.number("SELECT count(*) FROM miner WHERE unlock_failures = 1") == len(ways)
        assert appliance.number("SELECT count(*) FROM event WHERE kind = 'miner_error'") == len(ways)


async def test_two_devices_with_one_mac_stay_one_miner_and_one_other_device(appliance: Appliance) -> None:
    async with Fleet(4, subnet=SUBNET, steady=True) as fleet:
        rig, copy = fleet.miners[1], fleet.miners[3]
        fleet.set_fault(copy, Fault.ALTERED, paths=["*/info"], put={"system.network_status.mac": rig.mac})
        await sweep_many(appliance, fleet, complete=3)
        [(ip, kind, reason)] = appliance.rows("SELECT ip, kind, reason FROM stranger")
        [(owner,)] = appliance.rows("SELECT ip FROM miner WHERE mac = ?", rig.mac)
        assert ({ip, owner}, kind) == ({rig.ip, copy.ip}, "duplicate-mac")
        assert owner in reason
        kinds = dict(appliance.rows("SELECT kind, count(*) FROM event GROUP BY kind"))
        assert kinds == {"miner_found": 3, "duplicate_mac": 1}
