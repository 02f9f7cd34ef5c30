"""hive-controld: carry out what people order miners to do.

`hive-controld` is the only part of hived that changes how a miner works. It carries out the orders of people
(`hivectl do`, the page, the API), in packets, reads back what became of each miner, and writes every step down as it
happens. Without an order it writes nothing to any miner. `controld.enabled: false` keeps it idle.
"""

from __future__ import annotations

import time

from hived.records.daemon import CONTROLD
from hived.runtime.config import Config
from hived.runtime.runner import Beat, Life
from hived.services.appliance.presence import PRESENCE_S, Presence
from hived.store.engine.opening import opened


async def controld(config: Config, life: Life) -> None:
    """Carry out orders, as far as the configuration lets it."""
    async with opened(config.database.url, config.state_dir, waiting=life.waiting, retries=life.retries) as store:

        def says() -> str:
            return "nothing to do" if config.controld.enabled else "off: controld.enabled says so"

        presence = Presence(store, CONTROLD, status=life.words(says), clock=time.time)
        beats = [] if life.once else [Beat("presence", presence.beat, every=PRESENCE_S, limit=15.0)]
        await life.run(beats, status=says)
