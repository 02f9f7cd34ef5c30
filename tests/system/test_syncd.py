"""The real hive-syncd: it asks, carries, is killed and goes on, stops in time, and a reload ends its wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from hived.records.streams import EVENTS, MINERS, STATUS
from hived.store import database_of
from tests.services.nodes.master import SmallMaster, on, serving, status
from tests.services.nodes.node import fill
from tests.system.appliance import Appliance, until
from tests.system.darkness import darkness

pytestmark = pytest.mark.system
KEY = f"#sha256:{'ab' * 32}"
"""With it a URL is the operator's word: hive-syncd asks by itself."""


@pytest.fixture
async def master() -> AsyncIterator[SmallMaster]:
    async with serving(SmallMaster(time.time)) as made:
        yield made


def site_with(appliance: Appliance, master_url: str) -> None:
    appliance.configure(syncd={"master": master_url}, node={"id": "node-1", "name": "north-shed"})
    database = database_of(appliance.url)
    with database.session(), database.atomic():
        fill(database, time.time(), rigs=20, slots=50)
    database.shut()


async def join(appliance: Appliance, *words: str) -> None:
    """Run `hivectl join`, beside the master of this very process."""
    await asyncio.to_thread(appliance.hivectl, "join", *words, code=0)


def everything_is_there(master: SmallMaster) -> bool:
    return len(master.items[STATUS]) == 1000 and len(master.items[MINERS]) == 20 and len(master.items[EVENTS]) >= 20


async def test_it_joins_carries_is_killed_and_goes_on(appliance: Appliance, master: SmallMaster) -> None:
    site_with(appliance, master.url)
    master.limits |= {"items": 10}
    syncd = appliance.start("hive-syncd")
    await until(lambda: f"{master.url} (syncd.master) offers itself as master" in syncd.log)
    assert master.log == []
    await join(appliance, master.url)
    (phrase,) = master.phrases.values()
    await until(lambda: f"compare: {phrase}" in syncd.log)
    master.approve()
    await join(appliance, master.url, phrase)
    await until(lambda: len(master.items[STATUS]) >= 100)
    assert " warning " in next(line for line in syncd.log.splitlines() if "joined site-master at" in line)
    syncd.kill()
    again = appliance.start("hive-syncd")
    await until(lambda: everything_is_there(master))
    await until(lambda: appliance.number("SELECT status FROM daemon WHERE name = 'hive-syncd'").endswith("0 behind"))
    assert await again.stop() < 5.0
    assert appliance.number("SELECT state FROM uplink") == "joined"
    (key,) = [row[0] for row in appliance.rows("SELECT secret FROM uplink")]
    assert key.startswith("sealed:")


async def test_a_master_that_hangs_does_not_hold_up_the_end(appliance: Appliance) -> None:
    with darkness() as port:
        site_with(appliance, f"https://127.0.0.1:{port}{KEY}")
        syncd = appliance.start("hive-syncd")
        await until(lambda: "starts" in syncd.log)
        seen = time.monotonic() + 2.0
        await until(lambda: time.monotonic() > seen)
        await syncd.stop()


async def test_a_reload_ends_the_wait(appliance: Appliance, master: SmallMaster) -> None:
    site_with(appliance, master.url)
    await join(appliance, master.url, "GOOD-CODE")
    refused = on("nodes/me/contact", status(503, **{"Retry-After": "3000"}))
    master.faults.append(refused)
    syncd = appliance.start("hive-syncd")
    await until(lambda: "the upload pauses for" in syncd.log)
    master.faults.remove(refused)
    before = len(master.log)
    syncd.reload()
    await until(lambda: len(master.log) > before)
    assert "reloaded" in syncd.log
    await syncd.stop()


async def test_one_round_says_by_its_exit_code_how_it_went(
    appliance: Appliance, master: SmallMaster, free_port: int
) -> None:
    site_with(appliance, f"https://127.0.0.1:{free_port}{KEY}")
    assert await appliance.start("hive-syncd", "--once").ended() == 1
    appliance.configure(syncd={"master": master.url}, node={"id": "node-1"})
    await join(appliance, master.url)
    await join(appliance, master.url, *master.phrases.values())
    assert await appliance.start("hive-syncd", "--once").ended() == 0
    master.approve()
    assert await appliance.start("hive-syncd", "--once").ended() == 0
    assert everything_is_there(master)
