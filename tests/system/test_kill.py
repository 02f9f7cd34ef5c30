"""kill -9 of any daemon at any moment: the database opens and is whole, the daemon goes on, nothing is doubled."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from random import Random

import aiohttp
import pytest

from hived.simulator.miners.fleet import Fleet
from hived.store.engine.sealing import about
from hived.store.engine.secret_box import SecretBox
from tests import access
from tests.system.appliance import DAEMONS, PATIENCE_S, Appliance, Program, until

pytestmark = pytest.mark.system

MINERS = 12
KEY_ROUNDS, ROUNDS, POWER_CUTS = 3, 2, 2  # ROUNDS for each daemon, a power cut for all three: fifteen deaths


class Site:
    """A fleet, an appliance under as much load as the configuration allows, and what must be true of both."""

    def __init__(self, appliance: Appliance, fleet: Fleet, http_port: int) -> None:
        self.appliance, self.fleet = appliance, fleet
        self.api = f"http://127.0.0.1:{http_port}/api/miners"
        appliance.configure(
            network={"subnets": [fleet.subnet], "port": fleet.port},
            intervals={"discovery_seconds": 0.5, "status_seconds": 0.1, "telemetry_seconds": 0.5},
            discoverd={"probe_concurrency": 2},  # slow enough to be hit between two keys
            http={"addr": f"127.0.0.1:{http_port}"},
        )
        self.running: dict[str, Program] = {}

    def start(self, *names: str) -> None:
        for name in names:
            self.running[name] = self.appliance.start(name)

    def keys(self) -> int:
        return sum(len(miner.keys) for miner in self.fleet.miners)

    async def somebody_writes(self) -> None:
        """Return while a daemon is in the middle of a transaction."""

        def locked() -> bool:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            connection.execute("ROLLBACK")
            return False

        with closing(sqlite3.connect(self.appliance.database, timeout=0, isolation_level=None)) as connection:
            async with asyncio.timeout(PATIENCE_S):
                while not locked():
                    await asyncio.sleep(0)  # a transaction is short: look again at the next turn of the loop

    async def goes_on(self, name: str, since: float) -> None:
        """Wait until a daemon has done something new after a time."""
        beat = "SELECT max(beat_at) FROM daemon WHERE name = ?"
        works: dict[str, Callable[[], bool | Awaitable[bool]]] = {
            "hive-discoverd": lambda: self._newer("SELECT max(started_at) FROM sweep WHERE finished_at > 0", since),
            "hive-polld": lambda: self._newer("SELECT max(at) FROM status", since),
            "hive-controld": lambda: self._newer(beat, since, "hive-controld"),
            "hive-syncd": lambda: self._newer(beat, since, "hive-syncd"),
            "hive-alertd": lambda: self._newer(beat, since, "hive-alertd"),
            "hive-apid": self._serves,
        }
        await until(works[name])

    def _newer(self, sql: str, since: float, *values: str) -> bool:
        return (self.appliance.number(sql, *values) or 0.0) > since

    async def _serves(self) -> bool:
        try:
            async with aiohttp.ClientSession(headers=access.BEARER) as http, http.get(self.api) as reply:
                return reply.status == 200 and len(await reply.json()) > 0
        except aiohttp.ClientConnectorError:
            return False

    def is_whole(self) -> None:
        """Whatever was stored fits together, killed or not."""
        appliance = self.appliance
        assert appliance.integrity() == "ok"
        assert not appliance.rows("SELECT * FROM pragma_foreign_key_check")
        found = dict(appliance.rows("SELECT mac, ip FROM miner"))
        assert len(found) == appliance.number("SELECT count(*) FROM miner")
        assert found.items() <= {(miner.mac, miner.ip) for miner in self.fleet.miners}
        torn = "SELECT count(*) FROM {0} a WHERE before > 0 AND NOT EXISTS (SELECT 1 FROM {0} b WHERE {1})"
        assert appliance.number(torn.format("status", "b.at = a.before AND b.num = a.num")) == 0
        assert appliance.number(torn.format("chips", "b.at = a.before AND b.num = a.num AND b.board = a.board")) == 0
        newest = "SELECT max(at) FROM status s WHERE s.num = h.num"
        assert appliance.rows(f"SELECT num FROM health h WHERE status_at IS NOT ({newest})") == []

    async def is_complete(self) -> None:
        """Every miner is there once, with the one key that it holds, and has been read."""

        def with_status() -> bool:
            sql = "SELECT count(*) FROM miner JOIN health USING (num) WHERE online AND status_at > 0"
            return bool(self.appliance.number(sql) == MINERS)

        await until(with_status)
        assert [len(miner.keys) for miner in self.fleet.miners] == [1] * MINERS
        held = {(miner.mac, *miner.keys) for miner in self.fleet.miners}
        box = SecretBox(self.appliance.folder)
        kept = self.appliance.rows("SELECT mac, api_key FROM miner")
        assert {(mac, box.open(key, about(mac, "api_key"))) for mac, key in kept} == held

    def nobody_fell(self) -> None:
        for name, program in self.running.items():
            assert program.running(), f"{name} ended: {program.log}"
            assert "Traceback" not in program.log, program.log


async def test_discoverd_may_be_killed_while_it_makes_keys(appliance: Appliance, free_port: int) -> None:
    random = Random(34)
    async with Fleet(MINERS, subnet="127.34.4.0/28", steady=True) as fleet:
        site = Site(appliance, fleet, free_port)
        site.start("hive-polld")
        share = MINERS // (KEY_ROUNDS + 1)
        for turn in range(KEY_ROUNDS):
            site.start("hive-discoverd")
            moment = turn * share + random.randint(1, share)
            await until(lambda moment=moment: site.keys() >= moment)
            site.running["hive-discoverd"].kill()
            site.is_whole()
        assert site.keys() < MINERS, "each kill should have come before the last key"
        began = time.time()
        site.start("hive-discoverd")
        await site.goes_on("hive-discoverd", began)
        await site.is_complete()
        site.nobody_fell()


@pytest.mark.parametrize("name", DAEMONS)
async def test_a_daemon_may_be_killed_at_any_moment(name: str, appliance: Appliance, free_port: int) -> None:
    random = Random(name)
    place = DAEMONS.index(name) + 5
    async with Fleet(MINERS, subnet=f"127.34.{place}.0/28", steady=True) as fleet:
        site = Site(appliance, fleet, free_port)
        site.start(*DAEMONS)
        await site.is_complete()
        for _ in range(ROUNDS):
            moment = time.monotonic() + random.uniform(0.0, 0.7)
            await until(lambda moment=moment: time.monotonic() >= moment)
            site.running[name].kill()
            site.is_whole()
            began = time.time()
            site.start(name)
            await site.goes_on(name, began)
        await site.is_complete()
        site.is_whole()
        site.nobody_fell()


async def test_all_daemons_may_be_killed_at_once(appliance: Appliance, free_port: int) -> None:
    random = Random("all")
    async with Fleet(MINERS, subnet="127.34.22.0/28", steady=True) as fleet:
        site = Site(appliance, fleet, free_port)
        site.start(*DAEMONS)
        for _ in range(POWER_CUTS):
            since = time.time()
            await site.goes_on("hive-polld", since)
            moment = time.monotonic() + random.uniform(0.0, 0.7)
            await until(lambda moment=moment: time.monotonic() >= moment)
            await site.somebody_writes()
            for program in site.running.values():
                program.process.kill()
            for program in site.running.values():
                program.kill()
            site.is_whole()  # nobody else has it open: this is the recovery after a power cut
            site.start(*DAEMONS)
        began = time.time()
        for name in DAEMONS:
            await site.goes_on(name, began)
        await site.is_complete()
        site.is_whole()
        site.nobody_fell()
