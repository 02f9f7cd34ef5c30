"""hive-minerd, the auto-miner: collect openly licensed historical objects and have a local model describe them.

`hive-minerd` is the auto-miner: with the spare time of the machine it visits the sources of `hivectl sources`, keeps
openly licensed objects that it finds there, and has the language model of `ollama.host` describe them. Whether it
works is a wish of the operator (`hivectl sources start` and `stop`) that outlives restarts.

It tells every host who runs it (`minerd.contact`), obeys robots.txt and asks no faster than a polite reader would.
"""

from __future__ import annotations

import asyncio
import time

from yarl import URL

from hived import __version__
from hived.clients.fetch.fetch import Fetcher
from hived.clients.museums.adapters import ADAPTERS
from hived.clients.ollama.client import OllamaClient
from hived.records.daemon import MINERD
from hived.records.hosts import OwnHosts
from hived.runtime.config import Config
from hived.runtime.runner import Beat, Life
from hived.services.appliance.presence import PRESENCE_S, Presence
from hived.services.collecting.collect import LOOK_EVERY_S, Collector
from hived.services.collecting.describe.describe import Describer
from hived.services.collecting.politeness import Politeness
from hived.store.collecting import collector
from hived.store.engine.node_id import node_id
from hived.store.engine.opening import opened


async def minerd(config: Config, life: Life) -> None:
    """Do what the operator wants of the auto-miner, which is a row in the database."""
    own = config.minerd
    async with opened(config.database.url, config.state_dir, waiting=life.waiting, retries=life.retries) as store:
        politeness = Politeness(store, own=OwnHosts.of(own.allow_hosts), own_pace_s=own.own_pace_s, clock=time.time)
        await life.retry(politeness.load)
        model = OllamaClient(config.ollama.host, config.ollama.model, timeout_s=config.ollama.timeout_seconds)
        async with (
            Fetcher(
                contact=own.contact, allow_hosts=own.allow_hosts, gate=politeness, version=__version__, clock=time.time
            ) as fetcher,
            model,
        ):
            politeness.read_robots = lambda url: _robots(fetcher, url)
            adapters = {kind: make(fetcher) for kind, make in ADAPTERS.items()}
            async with Collector(
                store,
                adapters,
                Describer(model),
                node_id=await asyncio.to_thread(node_id, config.state_dir, config.node.id),
                cooldown_s=own.cooldown_seconds,
                clock=time.time,
            ) as work:
                if own.autostart:
                    await life.retry(lambda: store.write(collector.start_first_time, time.time()))
                presence = Presence(
                    store, MINERD, status=life.words(work.summary), numbers=life.numbers(), clock=time.time
                )
                await life.run(_beats(life, work, politeness, presence), status=work.summary)


def _beats(life: Life, work: Collector, politeness: Politeness, presence: Presence) -> list[Beat]:
    if life.once:
        return [
            Beat("round", work.round, every=60.0, limit=3600.0),
            Beat("hosts", politeness.save, every=5.0, limit=30.0),
        ]
    return [
        Beat("auto-miner", work.obey, every=LOOK_EVERY_S, limit=30.0, backoff_max=5.0),
        Beat("hosts", politeness.save, every=5.0, limit=30.0),
        Beat("facts", work.tell_of_before, every=1.0, limit=30.0),
        Beat("presence", presence.beat, every=PRESENCE_S, limit=15.0),
    ]


async def _robots(fetcher: Fetcher, url: URL) -> tuple[int | None, str, bytes]:
    reply = await fetcher.get(str(url), kind="robots")
    return reply.status, reply.content_type, reply.body
