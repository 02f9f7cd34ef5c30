"""A second family of firmware, from its line in the table to the page: found, opened, polled, shown, nothing else."""

from __future__ import annotations

import asyncio
import sys

import pytest

from hived.simulator.miners.fleet import Fleet
from tests import toy_firmware
from tests.system.appliance import Appliance, until
from tests.system.test_end_to_end import ask
from tests.toy_firmware import ToyMiner, listening

pytestmark = pytest.mark.system

MAC = "02:70:79:00:00:01"
TOY = ["chips", "locate", "pause", "pools", "preset", "reboot"]
VNISH = ["chips", "cooling", "locate", "password", "pause", "pools", "preset", "reboot", "restart", "settings"]


async def web_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What the first family finds at its port of the same device: no miner of its own."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>")


async def test_a_family_beside_the_first_is_found_opened_polled_and_shown_by_the_real_daemons(
    appliance: Appliance, free_port: int
) -> None:
    ip = "127.34.1.10"
    async with (
        Fleet(2, subnet="127.34.1.0/28", steady=True) as fleet,
        listening(ToyMiner(MAC).serve, ip) as port,
        listening(web_page, ip, fleet.port),
    ):
        appliance.configure(
            network={"subnets": [fleet.subnet], "port": fleet.port},
            intervals={"discovery_seconds": 1, "status_seconds": 0.5, "telemetry_seconds": 2},
            http={"addr": f"127.0.0.1:{free_port}"},
        )
        knows_toys = [sys.executable, "-c", toy_firmware.LAUNCHER.format(port=port)]
        daemons = [appliance.start(name, prefix=knows_toys) for name in ("hive-discoverd", "hive-polld")]
        daemons.append(appliance.start("hive-apid"))  # shows what it finds in the rows
        url = f"http://127.0.0.1:{free_port}/api/miners"

        async def all_are_shown_down_to_their_chips() -> bool:
            listed = await ask(url) or []
            ones = [await ask(f"{url}/{miner['id']}") for miner in listed if miner["latest_status"]]
            return len(ones) == 3 and all(board["chips"] for one in ones for board in one["latest_status"]["chains"])

        await until(all_are_shown_down_to_their_chips)
        toy = await ask(f"{url}/{MAC}")
        assert (toy["ip"], toy["online"], toy["has_key"], toy["last_error"]) == (ip, True, True, None)
        assert (toy["firmware"], toy["firmware_version"], toy["features"]) == ("toy", "7", TOY)
        assert (toy["model"]["alias"], toy["hostname"]) == ("toy1", "toy")
        status = toy["latest_status"]
        assert (status["state"], status["power_consumption"], len(status["fans"])) == ("mining", 700, 1)
        assert [[chip["hashrate"] for chip in board["chips"]] for board in status["chains"]] == [
            [1000, 2000, 3000, 4000]
        ] * 2
        for miner in [miner for miner in await ask(url) if miner["id"] != MAC]:
            dimmer = ["dimmer"] if miner["firmware_version"].startswith("1.3") else []
            assert (miner["firmware"], miner["features"]) == ("vnish", sorted([*VNISH, *dimmer]))
        assert await ask(f"http://127.0.0.1:{free_port}/api/v1/strangers") == []

        async def it_hashes_on() -> bool:
            return bool((await ask(f"{url}/{MAC}"))["latest_status"]["hashrate"] > status["hashrate"])

        await until(it_hashes_on)
        for daemon in daemons:
            await daemon.stop()
            assert "error" not in daemon.log
