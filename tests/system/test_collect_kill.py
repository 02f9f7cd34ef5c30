"""kill -9 of hive-minerd in the middle of collecting: nothing lost, nothing twice, hardly anything repeated."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest

from hived.simulator.collection.museum import Collection
from hived.store import Store
from hived.store.collecting import sources
from tests.system.appliance import Appliance, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

KILLS = 50 if os.environ.get("LONG") == "1" else 12
OBJECTS = 18 * KILLS


async def test_kills_lose_nothing_and_repeat_at_most_one_object_each(appliance: Appliance) -> None:
    chance = random.Random(50)
    async with Collection(OBJECTS, crawl_delay_s=None) as museum:
        appliance.configure(
            minerd={"autostart": True, "allow_hosts": ["127.0.0.0/8"], "own_pace_ms": 2, "cooldown_seconds": 1},
            ollama={"host": "http://127.0.0.1:9"},
        )
        async with Store.open(appliance.url) as store:
            await store.write(sources.add, name="museum", base_url=museum.met_url, kind="met", at=0.0)
        for _ in range(KILLS):
            minerd = appliance.start("hive-minerd")
            before, enough = museum.requests.total, chance.randrange(1, 24)
            await until(lambda before=before, enough=enough: museum.requests.total >= before + enough)
            minerd.kill()
        assert appliance.integrity() == "ok"
        sent = museum.requests.sent
        repeated = sum(number - 1 for number in sent.values())
        assert repeated <= KILLS
        assert max(sent.values()) <= 3

        minerd = appliance.start("hive-minerd")
        wanted = {str(i) for i in museum.ids if museum.catalogue.has_record(i) and museum.objects(i).open}
        await until(lambda: appliance.number("SELECT count(*) FROM artifact") >= len(wanted))
        await minerd.stop()
        stored = Counter(str(number) for (number,) in appliance.rows("SELECT object_id FROM artifact"))
        assert set(stored) == wanted
        assert set(stored.values()) == {1}
        assert sum(number - 1 for number in museum.requests.sent.values()) <= KILLS + 1
