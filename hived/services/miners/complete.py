"""What is learnt of a miner once it has said who it is: access, settings, model, presets.

Each part is tried by itself and pauses by itself. A miner that is slow at one of them, or never answers, delays
neither another miner nor the sweep that found it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from hived.clients.firmwares.family import Firmware
from hived.errors import BadCredentials, HivedError, NotSupported, Refused, Transient
from hived.records.firmware import Feature
from hived.records.miner import MinerIdentity
from hived.records.miner_view import KnownMiner
from hived.services import together
from hived.services.miners.catalogue import Catalogue, Found
from hived.services.miners.keys import KeyKeeper
from hived.services.miners.pauses import Pauses
from hived.services.places import Places
from hived.store import Store
from hived.store.miners import miners, settings

log = logging.getLogger(__name__)

SETTINGS_EVERY_S = 3600.0
"""Settings are read when something hints at a change, and at least this often: a change by hand leaves no hint."""

LOOK_S = 0.1  # how soon it is seen that nobody is being found any more

WHILE_FINDING_S = 5.0
"""How long a miner waits while others are still being found: that they are there is what people want to know first."""

MOST_UNDER_WAY = 4
"""For each place so many miners, those included that are slow and wait without one."""


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    code: str | None
    """What it is in `errors.PROBLEMS` when it fails; None: what the failure says itself."""
    is_due: Callable[[Found], bool]
    learn: Callable[[Found], Awaitable[Found]]


class Completer:
    """Works through the miners that were found, first come, first served, each one at most once at a time."""

    def __init__(
        self,
        store: Store,
        firmwares: Mapping[str, Firmware],
        keys: KeyKeeper,
        catalogue: Catalogue,
        *,
        places: int,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._firmwares, self._clock = store, firmwares, clock
        self._keys, self._catalogue = keys, catalogue
        self._writes = together.calls(store)
        self._progress = progress
        self._places, self._most = Places(places), MOST_UNDER_WAY * places
        self._pauses = Pauses(monotonic=monotonic)
        self._absent: dict[tuple[int, str], str | None] = {}
        """Parts that a miner does not have, with the firmware version that said so."""
        self._monotonic = monotonic
        self._waiting: dict[int, tuple[float, Found]] = {}
        """First come, first served, each with the time when it came."""
        self._done: dict[int, asyncio.Future[None]] = {}
        """Of those that wait or are under way."""
        self._came = asyncio.Event()
        self._working = False
        self.finding = False
        """Whether others are being found at the moment."""
        self._parts = (
            _Part("access", None, self._keys.is_due, self._open),
            _Part("settings", "no_settings", self._settings_are_due, self._read_settings),
            _Part("model", "no_model", self._catalogue.lacks_model, self._catalogue.read_model),
            _Part("presets", "no_presets", self._catalogue.lacks_presets, self._catalogue.read_presets),
        )

    async def begin_sweep(self) -> None:
        """Let each model be tried once more. Transient: database busy."""
        await self._catalogue.begin_sweep()

    def offer(self, identity: MinerIdentity, miner: KnownMiner, *, anew: bool = False) -> None:
        """Take a miner that is there, if anything is missing of it. `anew`: it may be another than before."""
        found, num = Found(self._firmwares[miner.firmware or ""], identity, miner), miner.num
        if anew:
            self._pauses.end(num)
        if num not in self._done and any(self._is_due(part, found) for part in self._parts):
            self._waiting[num] = self._monotonic(), found
            self._done[num] = asyncio.get_running_loop().create_future()
            self._came.set()

    def forget(self, num: int) -> None:
        """Forget a miner that is gone for good: its number may be given to another one."""
        self._keys.forget(num)
        self._pauses.end(num)
        for part in self._parts:
            self._absent.pop((num, part.name), None)

    async def work(self) -> None:
        """Complete whoever waits, and who comes meanwhile. Transient: database busy."""
        self._working = True
        try:
            async with asyncio.TaskGroup() as group:
                under_way: set[asyncio.Task[None]] = set()
                while self._waiting or under_way:
                    while self._waiting and len(under_way) < self._most and self._is_turn():
                        num = next(iter(self._waiting))
                        task = group.create_task(self._take(self._waiting.pop(num)[1]), name=f"complete {num}")
                        under_way.add(task)
                    self._came.clear()
                    came = asyncio.ensure_future(self._came.wait())
                    try:
                        await asyncio.wait({*under_way, came}, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        came.cancel()
                    under_way = {task for task in under_way if not task.done()}
                    self._progress()
        finally:
            self._working = False

    async def settle(self, nums: Iterable[int]) -> None:
        """Return when none of these miners waits or is under way."""
        if not self._working:
            await self.work()
        awaited = [self._done[num] for num in nums if num in self._done]
        if awaited:
            await asyncio.wait(awaited)

    def _is_turn(self) -> bool:
        came_at, _ = next(iter(self._waiting.values()))
        return not self.finding or self._monotonic() - came_at >= WHILE_FINDING_S

    async def _take(self, found: Found) -> None:
        try:
            await self._places.run(self._complete(found))
        finally:
            done = self._done.pop(found.miner.num)
            if not done.done():
                done.set_result(None)

    async def _complete(self, found: Found) -> None:
        miner = await self._store.read(miners.by_mac, found.identity.mac)
        if miner is None or miner.ip != found.miner.ip:
            return  # the next sweep knows where it is
        found = replace(found, miner=miner)
        for part in self._parts:
            if self._is_due(part, found):
                found = await self._learn(part, found)

    def _is_due(self, part: _Part, found: Found) -> bool:
        num, version = found.miner.num, found.identity.firmware_version
        if self._absent.get((num, part.name), "") == version:
            return False
        return part.is_due(found) and self._pauses.is_over(num, part.name)

    async def _learn(self, part: _Part, found: Found) -> Found:
        num = found.miner.num
        try:
            found = await part.learn(found)
        except NotSupported as err:  # not there is no fault of the miner, and will not change before its firmware does
            log.info("%s (%s): no %s: %s", found.miner.ip, found.miner.mac, part.name, err)
            self._absent[num, part.name] = found.identity.firmware_version
        except (Transient, Refused) as err:
            await self._failed(part, found.miner, err)
        else:
            self._pauses.end(num, part.name)
        return found

    async def _failed(self, part: _Part, miner: KnownMiner, err: HivedError) -> None:
        if isinstance(err, BadCredentials):
            self._keys.forget(miner.num)
        failures = self._pauses.failed(miner.num, part.name)
        log.log(
            logging.INFO if failures == 1 else logging.DEBUG, "%s (%s): %s: %s", miner.ip, miner.mac, part.name, err
        )
        # That a key could not be looked at is nothing to be told: polls use it, and they tell.
        if failures == 1 and (part.code or miner.access is None):
            text = f"does not report its {part.name}: {err}" if part.code else str(err)
            await self._store.write(miners.failed, miner.num, self._clock(), part.code or err.code, text)

    # -- the parts that are the miner's own --------------------------------------------------------------------

    async def _open(self, found: Found) -> Found:
        return replace(found, miner=await self._keys.ensure(found.firmware, found.miner))

    def _settings_are_due(self, found: Found) -> bool:
        if Feature.SETTINGS not in found.firmware.can or not found.miner.is_open:
            return False
        now, due_at = self._clock(), found.miner.settings_due_at
        return due_at is None or not now < due_at <= now + 2 * SETTINGS_EVERY_S

    async def _read_settings(self, found: Found) -> Found:
        read, now = await found.firmware.settings(found.miner.reach()), self._clock()
        again_at = now + SETTINGS_EVERY_S * random.uniform(0.8, 1.2)  # the fleet's hour is spread
        await self._writes.write(lambda db: settings.save(db, found.miner.num, read, now, due_at=again_at))
        return found
