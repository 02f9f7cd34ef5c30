"""hive-minerd on a museum in which everything is a little broken: what can be had is there, and the rest says why."""

from __future__ import annotations

import pytest

from hived.simulator.collection.museum import Collection
from hived.simulator.collection.objects import OPEN
from hived.store import Store
from hived.store.collecting import collector, sources
from tests.system.appliance import Appliance, until

pytestmark = pytest.mark.system

OBJECTS = 220


async def test_a_museum_with_every_fault_is_collected_as_far_as_it_goes(appliance: Appliance) -> None:
    async with Collection(OBJECTS, crawl_delay_s=None) as museum:
        museum.set_fault("bad_character", paths=["/rijks/*"])
        museum.set_fault("expired_tokens", paths=["/rijks/*"], times=4)
        museum.set_fault("broken_entry", paths=["/sitemaps/*"])
        museum.set_fault("no_more", paths=["/artic/*"], page=2)
        museum.set_fault("challenge", paths=["/cleveland/api/artworks/*"])
        appliance.configure(
            minerd={"autostart": True, "allow_hosts": ["127.0.0.0/8"], "own_pace_ms": 0, "cooldown_seconds": 1},
            ollama={"host": "http://127.0.0.1:9"},
        )
        urls = {
            "rijksmuseum": museum.rijks_url, "web": museum.sitemap_url, "artic": museum.artic_url,
            "cleveland": museum.cleveland_url,
        }  # fmt: skip
        async with Store.open(appliance.url) as store:
            for kind, url in urls.items():
                await store.write(sources.add, name=kind, base_url=url, kind=kind, at=0.0)
        minerd = appliance.start("hive-minerd")

        def error(kind: str) -> str:
            ((code,),) = appliance.rows(f"SELECT coalesce(last_error_code, '') FROM source WHERE kind = '{kind}'")
            return str(code)

        free = sum(museum.objects(one).rights in OPEN for one in museum.ids if museum.catalogue.has_record(one))
        stored = "SELECT count(*) FROM artifact WHERE provider = '{}'"
        await until(lambda: appliance.number(stored.format("rijksmuseum")) >= free, within_s=60)
        await until(lambda: error("web") == "source_flawed", within_s=60)
        await until(lambda: error("artic") == "source_refuses", within_s=60)
        await until(lambda: error("cleveland") == "source_waits", within_s=60)
        assert appliance.number(stored.format("rijksmuseum")) == free
        assert appliance.number(stored.format("web")) > 20
        assert appliance.number(stored.format("artic")) > 20
        assert error("rijksmuseum") == ""
        cleveland = next(active for active in museum.troubles if active.trouble.value == "challenge")
        assert 1 <= cleveland.hits <= 2
        assert appliance.number("SELECT sum(refused) FROM source WHERE kind = 'cleveland'") == 0

        async with Store.open(appliance.url) as store:
            await store.write(collector.stop, 1.0)
            await store.write(collector.start, 2.0)
            await store.write(collector.stop, 3.0)
        await until(lambda: appliance.rows("SELECT status FROM collector") == [("Idle",)], within_s=10)
        await minerd.stop()
