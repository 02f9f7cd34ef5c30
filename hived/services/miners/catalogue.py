"""What a model is made of and which presets it has, read once for each model, firmware version and kind of boards."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from hived.clients.firmwares.family import Firmware
from hived.errors import NotSupported
from hived.records.miner import MinerIdentity, ModelInfo
from hived.records.miner_view import KnownMiner
from hived.store import Store
from hived.store.miners import models

log = logging.getLogger(__name__)

MODEL, PRESETS = "model", "presets"
MAX_REMEMBERED = 2048
"""Kinds of miners that were asked; one that was forgotten is asked once more. No site has so many."""


@dataclass(frozen=True, slots=True)
class Found:
    """A miner that said who it is, and how it is asked."""

    firmware: Firmware
    identity: MinerIdentity
    miner: KnownMiner

    @property
    def make(self) -> models.Make | None:
        """What it shares with all miners like it; None when it does not name its model."""
        one = self.identity
        if one.model_alias is None:
            return None
        return models.Make(one.model_alias, one.firmware_version or "?", one.model_name or "")


class Catalogue:
    """Keeps the tables of models up to date with what the miners say.

    One miner of a kind is asked, and in each sweep only one: the others neither wait for it nor ask the same.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._read: OrderedDict[tuple[str, models.Make], None] = OrderedDict()
        self._have_ladder: set[models.Make] = set()
        """In the database."""
        self._tried: set[tuple[str, models.Make]] = set()
        """In this sweep."""

    async def begin_sweep(self) -> None:
        """Let each model be tried once more. Transient: database busy."""
        self._have_ladder = await self._store.read(models.with_ladder)
        self._tried.clear()

    def lacks_model(self, found: Found) -> bool:
        """Tell whether this miner should be asked what it is made of."""
        return self._lacks(MODEL, found)

    def lacks_presets(self, found: Found) -> bool:
        """Tell whether this miner should be asked for its presets, which may need access."""
        return found.miner.is_open and self._lacks(PRESETS, found)

    async def read_model(self, found: Found) -> Found:
        """Store what the miner is made of."""
        make = self._try(MODEL, found)
        info = await found.firmware.model(found.miner.reach())
        if info.alias != make.alias:
            raise NotSupported(f"it calls itself {make.alias} in one answer and {info.alias} in another")
        await self._store.write(models.save, info, None, make.version, self._clock(), boards=make.boards)
        self._remember((MODEL, make))
        return found

    async def read_presets(self, found: Found) -> Found:
        """Store the ladder of the miner's presets."""
        make = self._try(PRESETS, found)
        ladder = await found.firmware.presets(found.miner.reach())
        if not ladder:
            raise NotSupported("it has none")
        info = ModelInfo(make.alias)
        await self._store.write(models.save, info, ladder, make.version, self._clock(), boards=make.boards)
        self._remember((PRESETS, make))
        log.info("model %s (firmware %s): %d presets", make.boards or make.alias, make.version, len(ladder))
        return found

    def _lacks(self, part: str, found: Found) -> bool:
        make = found.make
        if make is None or (part == PRESETS and make in self._have_ladder):
            return False
        return (part, make) not in self._read and (part, make) not in self._tried

    def _remember(self, told: tuple[str, models.Make]) -> None:
        self._read[told] = None
        while len(self._read) > MAX_REMEMBERED:
            self._read.popitem(last=False)

    def _try(self, part: str, found: Found) -> models.Make:
        make = found.make
        assert make is not None
        self._tried.add((part, make))
        return make
