"""What a model is made of and which presets it has, read once for each model and firmware version."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable

from hived.clients.firmwares.family import Firmware
from hived.records.miner import MinerIdentity
from hived.records.miner_view import KnownMiner
from hived.store import Store
from hived.store.miners import models

log = logging.getLogger(__name__)


class Catalogue:
    """Keeps the models table up to date with what the miners say."""

    def __init__(self, store: Store, *, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._complete: dict[str, frozenset[str]] | None = None
        # A thousand equal miners are found at once: one of them is asked, the others wait for it.
        self._turn: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._without_ladder: set[tuple[str, str]] = set()

    async def complete(self, firmware: Firmware, identity: MinerIdentity, miner: KnownMiner) -> None:
        """Read the model of this miner unless its firmware version is catalogued. Transient when it does not answer.

        Presets may need access: from a miner that is not open only chips and boards are learnt, the rest from the next.
        """
        alias, version = identity.model_alias, identity.firmware_version or "?"
        if alias is None:
            return
        pair = (alias, version)
        async with self._turn[pair]:
            if self._complete is None:
                self._complete = await self._store.read(models.catalogued)
            if version in self._complete.get(alias, frozenset()):
                return
            if miner.access is None and pair in self._without_ladder:
                return
            await self._read(firmware, pair, miner)

    async def _read(self, firmware: Firmware, pair: tuple[str, str], miner: KnownMiner) -> None:
        alias, version = pair
        info, presets = await firmware.model(miner.reach())
        if info.alias != alias:
            log.warning("%s calls itself %s in one answer and %s in another", miner.ip, alias, info.alias)
            return
        await self._store.write(models.save, info, presets, version, self._clock())
        if presets is None:
            self._without_ladder.add(pair)
            return
        log.info("model %s (firmware %s): %d presets", info.name or alias, version, len(presets))
        assert self._complete is not None
        self._complete[alias] = self._complete.get(alias, frozenset()) | {version}
