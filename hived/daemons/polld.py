"""hive-polld: ask every miner how it is doing, down to the chip, and store what it said.

`hive-polld` reads the status of every known miner each `intervals.status_seconds` and all of its chips each
`intervals.telemetry_seconds`, stores what they said, sums up old readings and deletes what `retention` lets go. It
only reads: nothing is changed on a miner. A miner that hangs delays no other.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from hived.clients import firmwares
from hived.clients.firmwares.http import open_session
from hived.records.daemon import POLLD
from hived.records.streams import LEAST_POLL_S
from hived.runtime.config import Config
from hived.runtime.limits import file_budget
from hived.runtime.runner import Beat, Life
from hived.services.appliance.presence import PRESENCE_S, Presence
from hived.services.appliance.retain import PRUNE_EVERY_S, Retention
from hived.services.batch import FLUSH_EVERY_S
from hived.services.miners.fleet_history import LOOK_EVERY_S as FLEET_EVERY_S
from hived.services.miners.fleet_history import FleetHistory
from hived.services.miners.poll import BACKOFF_MAX_S, Poller
from hived.services.miners.sweep import Range
from hived.store.engine.node_id import node_id
from hived.store.engine.opening import opened

LOOK_EVERY_S = LEAST_POLL_S  # how often the database is asked who is due: a poll is late by half of that on average


async def polld(config: Config, life: Life) -> None:
    """Poll whoever is due, write the results in batches, and let old history go."""
    intervals, own = config.intervals, config.polld
    # Connections are kept over two turns, for as many miners as there are sockets; the others' are closed each time.
    keepalive_s = 2 * intervals.status_seconds + 5
    link = partial(firmwares.Link, http_port=config.network.port, timeout_s=own.request_timeout_s)
    async with (
        opened(config.database.url, config.state_dir, waiting=life.waiting, retries=life.retries) as store,
        open_session(concurrency=file_budget(share=0.7), keepalive_s=keepalive_s) as kept,
        open_session(concurrency=file_budget(share=0.2), keepalive_s=None) as closed,
        Poller(
            store,
            firmwares.families(link(kept)),
            closing=firmwares.families(link(closed)),
            most_kept=file_budget(share=0.7),
            status_every_s=intervals.status_seconds,
            chips_every_s=intervals.telemetry_seconds,
            concurrency=own.concurrency,
            longest_pause_s=min(BACKOFF_MAX_S, intervals.discovery_seconds),
            unmanaged=own.poll_unmanaged,
            allows=Range([], config.network.exclude).allows,
            clock=time.time,
        ) as poller,
    ):
        presence = Presence(
            store, POLLD, status=life.words(poller.summary), numbers=life.numbers(poller.numbers), clock=time.time
        )
        retention = Retention(store, config.retention, clock=time.time)
        own_id = await asyncio.to_thread(node_id, config.state_dir, config.node.id)
        fleet = FleetHistory(store, node_id=own_id, status_seconds=intervals.status_seconds, now=retention.sure_now)
        if life.once:
            beats = [Beat("poll", poller.round, every=intervals.status_seconds, limit=60.0)]
        else:
            beats = [
                Beat("poll", poller.poll_due, every=LOOK_EVERY_S, limit=30.0, backoff_max=5.0),
                Beat("store", poller.flush, every=FLUSH_EVERY_S, limit=60.0, backoff_max=5.0),
                Beat("fleet", fleet.look, every=FLEET_EVERY_S, limit=60.0),
                Beat("retain", retention.prune, every=PRUNE_EVERY_S, limit=120.0),
                Beat("presence", presence.beat, every=PRESENCE_S, limit=15.0),
            ]
        await life.run(beats, status=poller.summary)
