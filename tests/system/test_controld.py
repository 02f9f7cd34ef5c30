"""The real hive-controld: it carries out what hivectl orders, and is idle where it is switched off."""

from __future__ import annotations

import asyncio
import json

from hived.simulator.miners.fleet import Fleet
from tests.system.appliance import Appliance, until

MINERS = 3


async def test_switched_off_it_runs_idle_and_says_so_until_it_is_switched_on(appliance: Appliance) -> None:
    def says(words: str) -> bool:
        return appliance.rows("SELECT status FROM daemon WHERE name = 'hive-controld'") == [(words,)]

    appliance.configure(controld={"enabled": False})
    controld = appliance.start("hive-controld")
    await until(lambda: says("off: controld.enabled says so"))
    appliance.configure(controld={"enabled": True})
    controld.reload()
    await until(lambda: says("nothing to do"))
    second = appliance.start("hive-controld", "--once")
    assert await second.ended() == 1, "two of them would each begin the packets of an order"
    assert "another hive-controld is at work here" in second.log
    await controld.stop()
    assert await appliance.start("hive-controld", "--once").ended() == 0


async def test_what_hivectl_orders_is_done_and_undone_and_the_exit_code_tells(appliance: Appliance) -> None:
    async with Fleet(MINERS, subnet="127.34.23.0/28", steady=True) as fleet:
        appliance.configure(
            network={"subnets": [fleet.subnet], "port": fleet.port},
            intervals={"discovery_seconds": 0.5, "status_seconds": 0.5},
        )
        daemons = [appliance.start(name) for name in ("hive-discoverd", "hive-polld", "hive-controld")]
        await until(lambda: appliance.number("SELECT count(*) FROM miner WHERE api_key IS NOT NULL") == MINERS)
        await until(lambda: appliance.number("SELECT count(DISTINCT num) FROM status") == MINERS)
        await until(lambda: appliance.rows("SELECT name FROM daemon WHERE name = 'hive-controld'"))

        async def hivectl(*args: str, code: int) -> str:
            return await asyncio.to_thread(appliance.hivectl, *args, code=code)

        steered, left = [miner.ip for miner in fleet.miners[:2]], fleet.miners[2]
        await hivectl("miners", "set", *steered, "--managed", code=0)
        await hivectl("do", "pause", "--all", "--yes", "--wait", code=3)  # all that were asked did it, one was left out
        told = json.loads(await hivectl("orders", "show", "1", "--json", code=0))
        outcomes = {one["name"]: (one["state"], one["reason"]) for one in told["targets"]}
        assert outcomes == dict.fromkeys(steered, ("confirmed", None)) | {left.ip: ("skipped", "not_managed")}
        assert [miner.life.paused for miner in fleet.miners] == [True, True, False]
        assert "resume 2 miners" in await hivectl("orders", "undo", "1", "--yes", code=0)
        await until(lambda: not any(miner.life.paused for miner in fleet.miners))
        for daemon in daemons:
            await daemon.stop()
            assert "Traceback" not in daemon.log
