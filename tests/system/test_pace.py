"""Each miner is asked once a turn: weak control boards serve the owner's browser with the same processor."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from hived.simulator.miners.fleet import Fleet
from tests.system.appliance import Appliance, until

pytestmark = pytest.mark.system

EVERY_S = 2.0


async def test_a_miner_is_asked_once_in_each_of_its_turns(appliance: Appliance) -> None:
    async with Fleet(30, subnet="127.34.15.0/26", steady=True) as fleet:
        appliance.configure(
            network={"subnets": ["127.34.15.0/26"], "port": fleet.port}, intervals={"status_seconds": EVERY_S}
        )
        appliance.start("hive-discoverd")
        appliance.start("hive-polld")
        await until(lambda: appliance.number("SELECT count(DISTINCT num) FROM status") == len(fleet.miners))
        before = [miner.requests["GET /api/v1/summary"] for miner in fleet.miners]
        began = time.monotonic()
        await until(lambda: time.monotonic() > began + 3 * EVERY_S)
        asked = [m.requests["GET /api/v1/summary"] - n for m, n in zip(fleet.miners, before, strict=True)]
        took = time.monotonic() - began
        assert max(asked) <= took / EVERY_S + 1
        assert min(asked) >= 1


async def test_a_database_that_takes_nothing_for_a_while_does_not_have_the_miners_asked_more_often(
    appliance: Appliance,
) -> None:
    async with Fleet(10, subnet="127.34.15.128/27", steady=True) as fleet:
        appliance.configure(
            network={"subnets": ["127.34.15.128/27"], "port": fleet.port}, intervals={"status_seconds": EVERY_S}
        )
        appliance.start("hive-discoverd")
        polld = appliance.start("hive-polld")
        await until(lambda: appliance.number("SELECT count(DISTINCT num) FROM status") == len(fleet.miners))
        with closing(sqlite3.connect(appliance.database)) as connection:
            connection.execute("BEGIN IMMEDIATE")  # a slow disk, a backup, a long prune
            before = [miner.requests["GET /api/v1/summary"] for miner in fleet.miners]
            began = time.monotonic()
            await until(lambda: time.monotonic() > began + 2 * EVERY_S)
            asked = [m.requests["GET /api/v1/summary"] - n for m, n in zip(fleet.miners, before, strict=True)]
        assert max(asked) <= 3
        since = time.time()
        await until(lambda: (appliance.number("SELECT max(at) FROM status") or 0) > since)
        await polld.stop()
