"""hive-syncd: carry what this node learns to the master, and back what the master's operator wants of it.

`hive-syncd` carries what this node learns to the master of its fleet, and back what the master's operator wants of
its miners. Nothing is carried until the node has joined (`hivectl join`) and a person let it in. While the master is
away all waits in the database, and arrives once.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from hived import __version__
from hived.records.daemon import SYNCD
from hived.records.uplink import Identity
from hived.runtime.config import Config
from hived.runtime.runner import Beat, Life
from hived.services.appliance.host_health import HostHealth
from hived.services.appliance.presence import PRESENCE_S, Presence
from hived.services.miners.sweep import ranges_of
from hived.services.nodes.uplink import MasterLink
from hived.store.engine.node_id import node_id
from hived.store.engine.opening import opened

LOOK_EVERY_S = 1.0  # how soon a person's `hivectl join` and a master that came back are noticed
STALL_S = 90.0  # one request may take a minute; a round reports each one that is done


async def syncd(config: Config, life: Life) -> None:
    """Find the master, join it, and carry."""
    async with opened(config.database.url, config.state_dir, waiting=life.waiting, retries=life.retries) as store:
        own = Identity(
            await asyncio.to_thread(node_id, config.state_dir, config.node.id),
            config.node.effective_name,
            config.node.site,
            __version__,
        )
        health = HostHealth(store, config.database.sqlite_path, config.state_dir, clock=time.time)
        async with MasterLink(
            store,
            own,
            wanted=config.syncd.master,
            config_name=config.origin.get("syncd.master", "syncd.master"),
            health=health.read,
            ranges=partial(ranges_of, config.network.subnets, config.network.exclude),
            progress=lambda: carrying.touch(),
        ) as sync:
            tick = sync.once if life.once else sync.tick
            carrying = Beat("carry", tick, every=LOOK_EVERY_S, limit=STALL_S, backoff_max=5.0)
            presence = Presence(store, SYNCD, status=life.words(sync.summary), numbers=life.numbers(), clock=time.time)
            beats = [carrying]
            if not life.once:
                beats.append(Beat("presence", presence.beat, every=PRESENCE_S, limit=15.0))
            await life.run(beats, status=sync.summary)
            if life.stopping and not life.once:
                await sync.goodbye()
