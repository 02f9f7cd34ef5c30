"""The real hive-alertd: killed at any moment, it tells everything once."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from random import Random

import pytest

from hived.records.alerts import DEFAULTS
from hived.records.daemon import POLLD, DaemonRow
from hived.records.miner import MinerIdentity
from hived.records.miner_rules import MinerRules
from hived.store import Database, Store, daemon_rows
from hived.store.alerts import rules
from hived.store.miners import miners
from hived.store.miners import rules as miner_rules
from tests.system.appliance import PATIENCE_S, Appliance, until

pytestmark = pytest.mark.system

MINERS, KILLS = 300, 6


def _fleet(db: Database) -> list[int]:
    """Miners of one breaker, and rules that wait for nothing."""
    now = time.time()
    found = [
        miners.Sighting(
            MinerIdentity(f"02:0e:7e:00:{n >> 8:02x}:{n & 255:02x}"), f"10.0.{n >> 8}.{n & 255}", now, "vnish"
        )
        for n in range(MINERS)
    ]
    nums = [one.num for one in miners.saw_all(db, found, node_id="n-1")]
    for num in nums:
        miner_rules.save(db, num, MinerRules(group="row A"), now)
    for name in ("group-offline", "miners-offline"):
        rules.put(db, replace(DEFAULTS[name], for_s=0.0, clear_s=0.0, changed_at=now))
    return nums


async def test_killed_at_any_moment_it_tells_the_beginning_and_the_end_once(appliance: Appliance) -> None:
    random = Random(15)
    async with Store.open(appliance.url) as store:
        nums = await store.write(_fleet)
        for goes in (True, False):
            for _ in range(KILLS):
                daemon = appliance.start("hive-alertd", "--once")
                try:
                    assert daemon.process.wait(random.uniform(0.3, 2.0)) == 0, daemon.log
                except subprocess.TimeoutExpired:
                    daemon.kill()
                assert appliance.integrity() == "ok"
                if goes:
                    await store.write(miners.missed, nums, time.time(), offline_after=1)
                else:
                    await store.write(_all_back)
            assert await appliance.start("hive-alertd", "--once").ended() == 0
            assert await appliance.start("hive-alertd", "--once").ended() == 0  # what had to be well for a while is
    told = appliance.rows("SELECT rule, told, title FROM alert_notice ORDER BY id")
    assert [(rule, kind) for rule, kind, _ in told] == [("group-offline", "opened"), ("group-offline", "ended")]
    assert told[0][2] == f"{MINERS} miners offline, all at once: group row A"
    assert f"{MINERS} of {MINERS} back" in told[1][2]


def _all_back(db: Database) -> None:
    db.execute_sql("UPDATE miner SET online = 1, ip = last_ip")
    now = time.time()  # without somebody who looks at them nobody could tell that they are well
    daemon_rows.save_daemon(db, DaemonRow(POLLD, 1, "0", now, now, ""))


async def test_it_says_what_is_open(appliance: Appliance) -> None:
    daemon = appliance.start("hive-alertd")
    await until(lambda: appliance.rows("SELECT status FROM daemon WHERE name = 'hive-alertd'"), within_s=PATIENCE_S)
    assert "no alert is open" in appliance.number("SELECT status FROM daemon WHERE name = 'hive-alertd'")
    await daemon.stop()
