"""hive-controld: carry out what people order miners to do.

`hive-controld` is the only part of hived that changes how a miner works. It carries out the orders of people
(`hivectl do`, the page, the API), in packets, reads back what became of each miner, and writes every step down as it
happens. Without an order it writes nothing to any miner. `controld.enabled: false` keeps it idle.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

from hived.clients import firmwares
from hived.clients.firmwares.http import open_session
from hived.errors import HivedError
from hived.records.daemon import CONTROLD
from hived.runtime.config import Config
from hived.runtime.limits import file_budget
from hived.runtime.runner import Beat, Life
from hived.services.appliance.presence import PRESENCE_S, Presence
from hived.services.appliance.steering_told import tell_once
from hived.services.miners.control import Controller
from hived.services.miners.orders import Rules
from hived.services.miners.orders_from_master import OrdersFromMaster, drop_left
from hived.services.miners.plans import Clockwork
from hived.services.miners.sweep import Range
from hived.store.access.owners import may_steer_as
from hived.store.engine.locks import only_one
from hived.store.engine.opening import opened

TURN_EVERY_S = 0.5
PLANS_EVERY_S = 5.0
FROM_MASTER_S = 1.0
LOCK = "controld.lock"
KEPT_S = 15.0
"""How long a connection waits for the next look: miners are looked at every ten seconds at least."""
TIMEOUT_S = 15.0
"""Writes take longer than reads: 10 to 30 s are usual (docs/steering.md)."""


async def controld(config: Config, life: Life) -> None:
    """Carry out orders, as far as the configuration lets it."""
    own = config.controld
    async with (
        opened(config.database.url, config.state_dir, waiting=life.waiting, retries=life.retries) as store,
        open_session(concurrency=file_budget(share=0.5), keepalive_s=KEPT_S) as session,
        AsyncExitStack() as stack,
    ):
        beats: list[Beat] = []
        says = _off
        if own.enabled:
            # Two of them would each begin the packets of an order, `--once` beside the daemon as well.
            if not stack.enter_context(only_one(config.state_dir / LOCK)):
                raise HivedError("another hive-controld is at work here, and carries the orders out")
            await life.retry(lambda: store.write(tell_once, time.time()))
            await life.retry(lambda: store.write(drop_left, time.time()))
            controller = await stack.enter_async_context(
                Controller(
                    store,
                    firmwares.families(firmwares.Link(session, config.network.port, TIMEOUT_S)),
                    Rules.of(own),
                    confirm_s=own.confirm_seconds,
                    allows=Range([], config.network.exclude).allows,
                    clock=time.time,
                    monotonic=time.monotonic,
                )
            )
            says = controller.summary
            from_master = OrdersFromMaster(
                store,
                Rules.of(own),
                status_s=config.intervals.status_seconds,
                clock=time.time,
                monotonic=time.monotonic,
            )
            beats.append(Beat("master", from_master.tick, every=FROM_MASTER_S, limit=60.0))
            turn = controller.round if life.once else controller.turn
            status_s = config.intervals.status_seconds
            clock = Clockwork(store, Rules.of(own), may_steer_as, status_s=status_s, clock=time.time)
            beats.append(Beat("plans", clock.tick, every=PLANS_EVERY_S, limit=60.0))
            beats.append(Beat("orders", turn, every=TURN_EVERY_S, limit=3600.0 if life.once else 30.0, backoff_max=5.0))
        if not life.once:
            presence = Presence(store, CONTROLD, status=life.words(says), numbers=life.numbers(), clock=time.time)
            beats.append(Beat("presence", presence.beat, every=PRESENCE_S, limit=15.0))
        await life.run(beats, status=says)


def _off() -> str:
    return "off: controld.enabled says so"
