"""The daemons as they are installed, on one database, against a simulated site: found, polled, stored, seen."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from hived.simulator.miners.fleet import Fleet
from tests import access
from tests.system.appliance import Appliance, until

pytestmark = pytest.mark.system


async def ask(url: str) -> Any:
    """Return the JSON of a 200, None while nobody listens."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5), headers=access.BEARER) as http,
            http.get(url) as reply,
        ):
            return json.loads(await reply.read()) if reply.status == 200 else None
    except aiohttp.ClientConnectorError:
        return None


async def test_the_daemons_find_a_site_and_the_api_shows_it_with_moving_numbers(
    appliance: Appliance, free_port: int
) -> None:
    async with Fleet(20, subnet="127.34.0.0/26", steady=True) as fleet:
        appliance.configure(
            network={"subnets": ["127.34.0.0/26"], "port": fleet.port},
            intervals={"discovery_seconds": 1, "status_seconds": 0.5, "telemetry_seconds": 2},
            http={"addr": f"127.0.0.1:{free_port}"},
        )
        daemons = [appliance.start(name) for name in ("hive-discoverd", "hive-polld", "hive-apid")]
        url = f"http://127.0.0.1:{free_port}/api/miners"

        async def all_are_shown() -> bool:
            listed = await ask(url)
            return bool(listed) and len(listed) == 20 and all(m["online"] and m["latest_status"] for m in listed)

        await until(all_are_shown)
        first = {m["id"]: m for m in await ask(url)}
        assert first.keys() == {miner.mac for miner in fleet.miners}
        for miner in fleet.miners:
            shown = first[miner.mac]
            assert (shown["ip"], shown["model"]["alias"]) == (miner.ip, miner.model)
            assert shown["latest_status"]["state"] == "mining"
            assert 1_000 < shown["latest_status"]["power_usage"] < 6_000  # W

        async def every_hashrate_moved() -> bool:
            return all(
                m["latest_status"]["recorded_at"] > first[m["id"]]["latest_status"]["recorded_at"]
                and m["latest_status"]["hashrate"] != first[m["id"]]["latest_status"]["hashrate"]
                for m in await ask(url)
            )

        await until(every_hashrate_moved)
        one = await ask(f"{url}/{fleet.miners[0].mac}")
        boards = [len(board["chips"]) for board in one["latest_status"]["chains"]]
        assert boards == [fleet.miners[0].spec.chips] * 3
        secrets = [access.TOKEN.secret, *(key for miner in fleet.miners for key in miner.keys)]
        for daemon in daemons:
            await daemon.stop()
            assert "error" not in daemon.log
            assert [secret for secret in secrets if secret in daemon.log] == []


async def test_a_miner_that_goes_away_is_shown_offline_and_comes_back(appliance: Appliance, free_port: int) -> None:
    async with Fleet(6, subnet="127.34.0.64/28", steady=True) as fleet:
        appliance.configure(
            network={"subnets": ["127.34.0.64/28"], "port": fleet.port},
            intervals={"discovery_seconds": 0.2, "status_seconds": 0.5},
            http={"addr": f"127.0.0.1:{free_port}"},
        )
        for name in ("hive-discoverd", "hive-polld", "hive-apid"):
            appliance.start(name)
        url = f"http://127.0.0.1:{free_port}/api/miners"
        lost = fleet.miners[2]

        async def online() -> set[str]:
            return {m["id"] for m in await ask(url) or () if m["online"]}

        async def all_are_online() -> bool:
            return len(await online()) == 6

        async def the_lost_one_is_offline() -> bool:
            return await online() == {m.mac for m in fleet.miners} - {lost.mac}

        await until(all_are_online)
        await fleet.vanish(lost)
        await until(the_lost_one_is_offline)
        assert (await ask(f"{url}/{lost.mac}"))["ip"] is None
        await fleet.bring_back(lost)
        await until(all_are_online)
        assert len(lost.keys) == 1
