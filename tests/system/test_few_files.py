"""A host that allows few open files: slower perhaps, but nobody is lost and nothing crashes."""

from __future__ import annotations

import pytest

from hived.simulator.miners.fleet import Fleet
from tests.system.appliance import Appliance, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

FILES = 256
MINERS = 300  # more than there are files for one kept connection each


async def test_with_256_files_300_miners_of_a_22_are_found_and_polled(appliance: Appliance) -> None:
    async with Fleet(MINERS, subnet="127.34.16.0/22", steady=True, spread=True) as fleet:
        appliance.configure(
            network={"subnets": ["127.34.16.0/22"], "port": fleet.port},
            intervals={"status_seconds": 3},
            discoverd={"scan_concurrency": 16_384, "probe_concurrency": 1024},
            polld={"concurrency": 1024},
        )
        discoverd = appliance.start("hive-discoverd", most_files=FILES)
        polld = appliance.start("hive-polld", most_files=FILES)
        polled = "SELECT count(*) FROM (SELECT num FROM status GROUP BY num HAVING count(*) >= 2)"
        await until(lambda: appliance.number(polled) == MINERS, within_s=100.0)
        assert f"{FILES} files may be open" in discoverd.log
        assert appliance.rows("SELECT max(miners), max(unreadable) FROM sweep") == [(MINERS, 0)]
        assert [len(miner.keys) for miner in fleet.miners] == [1] * MINERS
        errors = appliance.rows("SELECT DISTINCT last_error FROM health WHERE last_error IS NOT NULL")
        assert all("no answer within" in error for (error,) in errors), "slow is not lost"
        for daemon in (discoverd, polld):
            await daemon.stop()
            assert "Traceback" not in daemon.log
