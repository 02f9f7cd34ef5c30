"""hive-discoverd: find the miners of the site, get a key for each, and see where they went.

`hive-discoverd` searches the networks of `network.subnets` for miners every `intervals.discovery_seconds`, gets a key
for each that it may unlock, and notes which address, name and firmware it has. It announces this node by mDNS and keeps
a list of other nodes. A search that somebody asks for with `hivectl miners scan` begins within a second.

A miner is known by its MAC address: when it moves to another address, its history goes with it. Addresses in
`network.exclude` never get a packet.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from functools import partial

from hived.clients import firmwares
from hived.clients.firmwares.http import open_session
from hived.records.daemon import DISCOVERD
from hived.runtime.config import Config
from hived.runtime.limits import file_budget
from hived.runtime.runner import Beat, Life
from hived.services.appliance.presence import PRESENCE_S, Presence
from hived.services.miners.catalogue import Catalogue
from hived.services.miners.complete import MOST_UNDER_WAY, Completer
from hived.services.miners.discover import Discoverer
from hived.services.miners.keys import KeyKeeper
from hived.services.miners.scans import ScanCommands
from hived.services.miners.sweep import LightScan, ranges_of
from hived.store.engine.node_id import node_id
from hived.store.engine.opening import opened

SWEEP_STALL_S = 120.0  # a sweep of a /16 takes minutes and reports progress; this long without any is a hang

COMPLETE_EVERY_S = 0.2  # how long a miner that was found waits at most until it is asked for more
KEPT_S = 2.0  # how long a connection waits for the next question to the same miner
FILES_TO_KEEP = 2_000  # a large site is learnt within KEPT_S: with fewer files no connection is kept


async def discoverd(config: Config, life: Life) -> None:
    """Sweep every `intervals.discovery_seconds`, and look at once where the operator asks."""
    network, own = config.network, config.discoverd
    probes, learns_over = min(own.probe_concurrency, file_budget(share=0.2)), file_budget(share=0.4)
    async with (
        opened(config.database.url, config.state_dir, waiting=life.waiting, retries=life.retries) as store,
        open_session(concurrency=probes, keepalive_s=None) as session,
        open_session(
            concurrency=min(MOST_UNDER_WAY * probes, learns_over),
            keepalive_s=KEPT_S if learns_over >= FILES_TO_KEEP else None,
        ) as learning,
        AsyncExitStack() as stack,
    ):
        own_id = await asyncio.to_thread(node_id, config.state_dir, config.node.id)
        timeout_s = 2 * network.miner_probe_timeout_s
        families = firmwares.families(firmwares.Link(session, network.port, timeout_s))
        scan = LightScan(
            [port for family in families.values() for port in family.ports],
            timeout_s=network.light_scan_timeout_s,
            retry_timeout_s=network.miner_probe_timeout_s,
            concurrency=min(own.scan_concurrency, file_budget(share=0.3)),
            progress=lambda: sweeping.touch(),
        )
        completer = Completer(
            store,
            # Over connections of their own: miners that hang here take none of those that find others.
            firmwares.families(firmwares.Link(learning, network.port, timeout_s)),
            KeyKeeper(store, network.unlock_passwords, inside=lambda ip: discoverer.is_inside(ip), clock=time.time),
            Catalogue(store, clock=time.time),
            places=probes,
            clock=time.time,
            progress=lambda: (sweeping if life.once else completing).touch(),
        )
        discoverer = Discoverer(
            store,
            families,
            ranges=partial(ranges_of, network.subnets, network.exclude),
            scan=scan,
            completer=completer,
            node_id=own_id,
            probe_timeout_s=network.miner_probe_timeout_s,
            probe_concurrency=probes,
            offline_after_scans=own.offline_after_scans,
            clock=time.time,
        )
        commands = ScanCommands(store, discoverer, clock=time.time)
        told = [discoverer.summary]
        status = life.words(lambda: "; ".join(tell() for tell in told))
        presence = Presence(store, DISCOVERD, status=status, numbers=life.numbers(), clock=time.time)
        sweep = discoverer.round if life.once else discoverer.sweep
        sweeping = Beat("sweep", sweep, every=config.intervals.discovery_seconds, limit=SWEEP_STALL_S)
        completing = Beat("complete", completer.work, every=COMPLETE_EVERY_S, limit=SWEEP_STALL_S)
        beats = [sweeping]
        if not life.once:
            beats += [
                completing,
                Beat("commands", commands.run_open, every=1.0, limit=SWEEP_STALL_S),
                Beat("presence", presence.beat, every=PRESENCE_S, limit=15.0),
            ]
            if own.zeroconf:
                from hived.daemons.peers import neighbours

                near = await stack.enter_async_context(neighbours(config, life, store, own_id))
                beats += near.beats
                told.append(near.finder.summary)
        await life.run(beats, status=lambda: "; ".join(tell() for tell in told))
