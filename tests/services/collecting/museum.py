"""The auto-miner's world: a simulated museum and model server on loopback, a real store, and the services between."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from yarl import URL

from hived.clients.fetch.fetch import Fetcher
from hived.clients.museums.adapters import ADAPTERS
from hived.clients.ollama.client import OllamaClient
from hived.records.artifact import Source
from hived.records.hosts import OwnHosts
from hived.services.collecting.collect import Collector
from hived.services.collecting.describe.describe import Describer
from hived.services.collecting.politeness import Politeness
from hived.simulator.collection.museum import Collection
from hived.simulator.ollama.server import SimulatedOllama
from hived.store import Store
from hived.store.collecting import sources

OWN = ("127.0.0.0/8",)
MODEL = "sim-describer:1b"


class Museum:
    """What the tests turn: `collection`, `model`, `store`."""

    def __init__(
        self, store: Store, collection: Collection, model: SimulatedOllama, clock: Callable[[], float]
    ) -> None:
        self.store, self.collection, self.model, self.clock = store, collection, model, clock

    async def add(self, kind: str = "met", url: str | None = None) -> Source:
        """Add the museum as a source of a kind."""
        urls = {
            "met": self.collection.met_url, "artic": self.collection.artic_url,
            "cleveland": self.collection.cleveland_url, "rijksmuseum": self.collection.rijks_url,
            "commons": self.collection.commons_url, "web": self.collection.sitemap_url,
        }  # fmt: skip
        return await self.store.write(
            sources.add, name=f"{kind} museum", base_url=url or urls[kind], kind=kind, at=self.clock()
        )

    @asynccontextmanager
    async def collector(self, *, model: str = MODEL, **changes: Any) -> AsyncIterator[Collector]:
        """A collector that knows nothing but what is in the database: that of a daemon that has just started."""
        politeness = Politeness(self.store, own=OwnHosts.of(OWN), own_pace_s=0.0, clock=self.clock)
        await politeness.load()
        client = OllamaClient(self.model.url, model, timeout_s=30.0)
        async with (
            Fetcher(contact=None, allow_hosts=OWN, gate=politeness, version="test", clock=self.clock) as fetcher,
            client,
        ):

            async def robots(url: URL) -> tuple[int | None, str, bytes]:
                reply = await fetcher.get(str(url), kind="robots")
                return reply.status, reply.content_type, reply.body

            politeness.read_robots = robots
            given: dict[str, Any] = {"node_id": "node-1", "cooldown_s": 0.05, "clock": self.clock}
            describer = Describer(client, clock=self.clock)
            adapters = {kind: make(fetcher) for kind, make in ADAPTERS.items()}
            async with Collector(self.store, adapters, describer, **(given | changes)) as work:
                yield work
            await politeness.save()


@asynccontextmanager
async def open_museum(
    url: str, *, objects: int = 40, clock: Callable[[], float] = time.time, **options: Any
) -> AsyncIterator[Museum]:
    """A museum of so many objects with an empty database."""
    async with AsyncExitStack() as stack:
        collection = await stack.enter_async_context(Collection(objects, crawl_delay_s=None, **options))
        model = await stack.enter_async_context(SimulatedOllama())
        store = await stack.enter_async_context(Store.open(url))
        yield Museum(store, collection, model, clock)
