"""SIGTERM and SIGHUP: the daemons stop in time with nothing lost, and take over what the operator wrote."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from hived.simulator.miners.fleet import Fleet
from tests.system.appliance import DAEMONS, Appliance, until
from tests.system.darkness import darkness

pytestmark = pytest.mark.system


async def test_all_daemons_stop_in_time_while_they_work(appliance: Appliance, free_port: int) -> None:
    async with Fleet(12, subnet="127.34.10.0/28", steady=True) as fleet:
        appliance.configure(
            network={"subnets": ["127.34.10.0/28"], "port": fleet.port},
            intervals={"discovery_seconds": 0.2, "status_seconds": 0.1},
            http={"addr": f"127.0.0.1:{free_port}"},
        )
        daemons = [appliance.start(name) for name in DAEMONS]
        await until(lambda: appliance.number("SELECT count(DISTINCT num) FROM status") == 12)
        for daemon in daemons:
            await daemon.stop()
        assert appliance.integrity() == "ok"
        assert not appliance.rows("SELECT 1 FROM status WHERE at > ?", time.time())


async def test_discoverd_stops_at_once_in_the_middle_of_a_dark_network(appliance: Appliance) -> None:
    with darkness() as port:
        # 16,382 silent addresses at 512 x 300 ms: about ten seconds of sweeping.
        appliance.configure(network={"subnets": ["127.34.128.0/18"], "port": port})
        discoverd = appliance.start("hive-discoverd")
        await until(lambda: appliance.number("SELECT count(*) FROM sweep") == 1)
        seen = time.monotonic() + 1.0
        await until(lambda: time.monotonic() > seen)  # by now every place of the scan waits for an answer
        await discoverd.stop()
    assert appliance.rows("SELECT finished_at FROM sweep") == [(None,)], "the sweep was over before it was stopped"


async def test_polld_stops_in_time_while_miners_hang(appliance: Appliance) -> None:
    with darkness() as port:
        appliance.configure(network={"port": port}, intervals={"status_seconds": 0.5})
        _insert_miners(appliance, [f"127.34.11.{n}" for n in range(1, 101)])
        polld = appliance.start("hive-polld")
        await until(lambda: "starts" in polld.log)
        seen = time.monotonic() + 1.5
        await until(lambda: time.monotonic() > seen)
        await polld.stop()


async def test_a_reload_takes_over_what_is_excluded_and_what_is_scanned(appliance: Appliance) -> None:
    async with Fleet(12, subnet="127.34.12.0/26", steady=True, spread=True) as fleet:
        lower = [miner for miner in fleet.miners if int(miner.ip.rpartition(".")[2]) < 32]
        upper = [miner for miner in fleet.miners if miner not in lower]
        network = {"subnets": ["127.34.12.0/27"], "port": fleet.port}
        appliance.configure(network=network, intervals={"discovery_seconds": 0.2, "status_seconds": 0.2})
        discoverd, polld = appliance.start("hive-discoverd"), appliance.start("hive-polld")
        polled = "SELECT count(DISTINCT num) FROM status"
        await until(lambda: appliance.number(polled) == len(lower))
        assert not any(miner.requests for miner in upper)

        appliance.configure(network={"subnets": ["127.34.12.0/26"], "exclude": [lower[0].ip, lower[1].ip]})
        for daemon in (discoverd, polld):
            daemon.reload()
        await until(lambda: appliance.number(polled) == len(fleet.miners))
        offline = sorted((miner.mac,) for miner in lower[:2])
        await until(lambda: appliance.rows("SELECT mac FROM miner WHERE NOT online ORDER BY mac") == offline)
        for daemon in (discoverd, polld):
            assert "reloaded, changed: network.subnets, network.exclude" in daemon.log
        asked = [miner.requests.total() for miner in lower[:2]]
        newest = time.time()
        await until(lambda: (appliance.number("SELECT max(at) FROM status") or 0) > newest + 0.5)
        await until(lambda: (appliance.number("SELECT max(finished_at) FROM sweep") or 0) > newest + 0.5)
        assert [miner.requests.total() for miner in lower[:2]] == asked, "an excluded miner was touched"
        for daemon in (discoverd, polld):
            await daemon.stop()


async def test_a_bad_configuration_at_reload_changes_nothing(appliance: Appliance, free_port: int) -> None:
    async with Fleet(3, subnet="127.34.13.0/29", steady=True) as fleet:
        appliance.configure(
            network={"subnets": ["127.34.13.0/29"], "port": fleet.port},
            intervals={"discovery_seconds": 0.2, "status_seconds": 0.2},
            http={"addr": f"127.0.0.1:{free_port}"},
        )
        daemons = [appliance.start(name) for name in DAEMONS]
        await until(lambda: appliance.number("SELECT count(DISTINCT num) FROM status") == 3)
        good = appliance.file.read_text("utf-8")
        appliance.file.write_text(good + "log: {level: loud}\n", "utf-8")
        for daemon in daemons:
            daemon.reload()
        for daemon in daemons:
            await until(lambda daemon=daemon: "reload refused, keeping the old configuration" in daemon.log)
            assert "log.level" in daemon.log
        since = time.time()
        await until(lambda: (appliance.number("SELECT max(at) FROM status") or 0) > since)
        await until(lambda: (appliance.number("SELECT max(started_at) FROM sweep") or 0) > since)
        for daemon in daemons:
            await daemon.stop()


def _insert_miners(appliance: Appliance, addresses: list[str]) -> None:
    """Make miners known that discovery would not find any more."""
    with closing(sqlite3.connect(appliance.database)) as connection, connection:
        for num, ip in enumerate(addresses, 1):
            connection.execute(
                "INSERT INTO miner (num, mac, ip, online, managed, hashrate_unit, api_key, unlock_failures,"
                " remote, seq, unlock_position, unlock_not_before, created_at, updated_at)"
                " VALUES (?, ?, ?, 1, 0, 'GH/s', 'k', 0, 0, 0, 0, 0, 0, 0)",
                (num, f"02:00:00:00:00:{num:02x}", ip),
            )
            connection.execute(
                "INSERT INTO health (num, missed_scans, next_status_at, next_chips_at, failures, error_count,"
                " boards_seen, fans_seen, rev) VALUES (?, 0, 0, 0, 0, 0, '', '', 0)",
                (num,),
            )
