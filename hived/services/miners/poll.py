"""Ask every miner how it is doing, each at its own pace, and store what it said.

Who is due is a question to the database. A poll holds one of `concurrency` places for a second at most
(`services.places`). Polls of one miner never overlap, and all that is asked of it goes over one kept connection, unless
its web server has one only.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import fields, replace
from functools import partial
from types import TracebackType

from hived.clients.firmwares.family import ConnectionWatch, Firmware
from hived.errors import AnotherDevice, BadCredentials, NotSupported, NotThisFirmware, Refused, Transient
from hived.records import expected, pools
from hived.records.events import Event
from hived.records.firmware import Feature
from hived.records.losses import PLANNED
from hived.records.miner import HashboardChips, Measured, MinerIdentity, MinerReading, active_pool
from hived.records.miner_view import PollOutcome, PollTarget, StoredStatus
from hived.runtime import backoff
from hived.runtime.tally import Numbers, Tally
from hived.services.batch import Batch
from hived.services.miners import reading_events
from hived.services.places import Places
from hived.store import Store
from hived.store.miners import miners, readings, trust

log = logging.getLogger(__name__)

BACKOFF_MAX_S = 120.0
"""A silent miner is asked this often at least, or with each sweep where those are more frequent."""

REMEMBERED_EVERY_S = 600.0
"""What is remembered of a miner is written this often: more would be lost by a crash, less would wear the disk."""

ASKED_AGAIN_S = 600.0
"""The settings of a miner that runs another preset than asked for are read again this often."""

CHIPS_BACKOFF_MAX_S = 900.0
"""Chips that are not told are asked for this often at least."""

OCCUPIED_S = 86_400.0
"""How long no connection is kept to a miner that had none left for a sweep; then it is tried again."""

MOST_AT_ONCE = 2_000
"""Miners taken from the database in one go; the rest a moment later."""


class Poller:
    """Polls due miners in the background of its `async with` block; a bug in a poll ends the block."""

    def __init__(
        self,
        store: Store,
        keeping: Mapping[str, Firmware],
        *,
        closing: Mapping[str, Firmware],
        most_kept: int,
        status_every_s: float,
        chips_every_s: float,
        concurrency: int,
        longest_pause_s: float = BACKOFF_MAX_S,
        unmanaged: bool,
        allows: Callable[[str], bool],
        clock: Callable[[], float],
    ) -> None:
        self._store, self._clock = store, clock
        self._keeping, self._closing, self._most_kept = keeping, closing, most_kept
        self._kept: set[int] = set()
        """Miners whose connection is kept: no more of them than there are sockets for."""
        self._status_every_s, self._chips_every_s = status_every_s, chips_every_s
        self._longest_pause_s = max(longest_pause_s, status_every_s)
        self._places = Places(concurrency)
        self._unmanaged = unmanaged
        self._allows = allows
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._results: Batch[PollOutcome] = Batch(self._save)
        self._unsaved: set[int] = set()
        """Miners with a result that is not in the database yet: by its rows they would be due again."""
        self._stack = AsyncExitStack()
        self._verified: dict[int, str] = {}
        """Miners whose MAC was asked over the connection that is kept to this address."""
        self._baselines: dict[str, expected.Baseline] = {}
        self._remembered: dict[str, expected.Baseline] = {}
        """As the database has them."""
        self._occupied: dict[int, float] = {}
        """Since when no connection is kept to a miner whose web server has one only."""
        self._chips_failures: dict[int, int] = {}
        """In a row, of the miners whose status is read and whose chips are not."""
        self._unreadable_since: dict[int, float] = {}
        """When a miner began to answer without saying what it does."""
        self.polled = self.failed = 0
        self._tally = Tally()

    async def __aenter__(self) -> Poller:
        self._baselines = await self._store.read(readings.baselines)
        self._remembered = dict(self._baselines)
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        for task in self._under_way.values():
            task.cancel()
        try:
            return await self._stack.__aexit__(kind, err, trace)
        finally:
            await self._save_the_rest()

    async def poll_due(self) -> None:
        """Start a poll for every miner that is due and not being polled already. Transient: database busy."""
        targets = await self._store.read(
            readings.due,
            self._clock(),
            limit=MOST_AT_ONCE,
            unmanaged=self._unmanaged,
            skip=self._under_way.keys() | self._unsaved,
        )
        for target in targets:
            if not self._allows(target.ip):
                continue  # excluded since it was found: never touched, whatever the database says
            task = self._group.create_task(self._poll(target), name=f"poll {target.ip}")
            self._under_way[target.num] = task
            task.add_done_callback(partial(self._done, target.num))

    def _done(self, num: int, _task: asyncio.Task[None]) -> None:
        self._under_way.pop(num, None)

    async def flush(self) -> None:
        """Write what the polls came to since the last time, in one transaction. Transient: kept for later."""
        await self._results.flush()

    async def drain(self) -> None:
        """Wait until no poll is under way and everything is written: for one round and for tests."""
        while self._under_way:
            await asyncio.wait(self._under_way.values())
        await self.flush()

    def under_way(self) -> dict[int, asyncio.Task[None]]:
        """Return the polls that have not ended, by the miner's number."""
        return dict(self._under_way)

    async def round(self) -> None:
        """Poll whoever is due and wait for the end of it."""
        await self.poll_due()
        await self.drain()

    def summary(self) -> str:
        """Return one line for `systemctl status`."""
        return f"{self.polled} polls, {self.failed} failed, {len(self._under_way)} under way"

    def numbers(self) -> Numbers:
        """Return what is counted of the polls, and what waits just now."""
        self._tally.put("queue_length", len(self._under_way), "polls")
        self._tally.put("queue_length", len(self._results), "results")
        self._tally.put("queue_lost_total", self._results.lost_in_all, "results")
        return self._tally.numbers()

    # -- one miner ---------------------------------------------------------------------------------------------

    async def _poll(self, target: PollTarget) -> None:
        await self._places.run(self._read(target))

    async def _read(self, target: PollTarget) -> None:
        """Ask one miner; whatever happens is one or two results, never an exception."""
        watch = ConnectionWatch(keep=self._clock() - self._occupied.get(target.num, -math.inf) >= OCCUPIED_S)
        began = time.monotonic()
        try:
            firmware = self._firmware_of(target, keep=watch.keep)
            if target.status_due:
                self._keep(await self._read_status(firmware, target, watch))
            if target.chips_due and target.failures and not target.status_due:
                # A miner that reports no status is left alone until its next turn.
                self._keep(PollOutcome(target.num, self._clock(), next_chips_at=target.due_at))
            elif target.chips_due:
                self._keep(await self._read_chips(firmware, target, watch))
        except BadCredentials as err:
            if target.access is not None:
                await self._store.write(trust.refused, target.num, target.ip, self._clock())
            self._keep(self._no_status(target, err.code, f"our key is refused: {err}"))
        except NotThisFirmware as err:
            self._keep(self._no_status(target, err.code, f"another device answers now ({err.kind}): {err}"))
        except (Transient, Refused) as err:
            self._keep(self._no_status(target, err.code, str(err)))
        finally:
            if watch.opened:
                self._verified.pop(target.num, None)  # opened, and nobody asked who is at its end
            if target.status_due:
                self._tally.took("poll_duration_seconds", time.monotonic() - began)

    def _firmware_of(self, target: PollTarget, *, keep: bool) -> Firmware:
        firmwares = self._keeping
        if not keep:
            self._kept.discard(target.num)
        elif target.num not in self._kept:
            if len(self._kept) >= self._most_kept:
                firmwares = self._closing
            else:
                self._kept.add(target.num)
        firmware = firmwares.get(target.firmware or "")
        if firmware is None:
            raise NotSupported(f"this version of hived does not know the firmware {target.firmware}")
        return firmware

    async def _read_status(self, firmware: Firmware, target: PollTarget, watch: ConnectionWatch) -> PollOutcome:
        reading = await firmware.read(target.reach(), watch)
        if not watch.opened and target.occupied_at is not None and target.occupied_at >= (target.status_at or 0):
            self._occupied[target.num] = self._clock()  # ours is alive, and a sweep that came meanwhile got none
        uptime_s = await self._make_sure(firmware, target, watch, reading.identity)
        self.polled += 1
        if reading.state is None and reading.trouble is None:
            # Between two states there is nothing to tell, and nothing is invented.
            silence = Transient("the miner does not report its state (it may be restarting)", code="no_state")
            reading = replace(reading, trouble=silence)
        return self._outcome(target, reading, uptime_s)

    async def _read_chips(self, firmware: Firmware, target: PollTarget, watch: ConnectionWatch) -> PollOutcome:
        at = self._clock()
        try:
            boards: tuple[HashboardChips, ...] = ()
            if Feature.CHIPS in firmware.can:
                boards = await firmware.chips(target.reach(), watch)
                await self._make_sure(firmware, target, watch)
        except AnotherDevice:
            raise  # nothing of this poll is this miner's
        except (Transient, Refused) as err:
            told = f"does not report its chips: {err}"
            failures = self._chips_failures[target.num] = self._chips_failures.get(target.num, 0) + 1
            longest_s = max(CHIPS_BACKOFF_MAX_S, self._chips_every_s)
            next_at = at + backoff.pause(failures - 1, self._chips_every_s, longest_s, spread=0.1)
            return PollOutcome(target.num, at, error=told, error_code="no_chips", next_chips_at=next_at)
        self._chips_failures.pop(target.num, None)
        next_at = self._next(target.chips_due_at, self._chips_every_s, at)
        return PollOutcome(target.num, at, boards=boards, next_chips_at=next_at)

    async def _make_sure(
        self, firmware: Firmware, target: PollTarget, watch: ConnectionWatch, told: MinerIdentity | None = None
    ) -> float | None:
        """See that it is this miner that answered: after a new connection, ask for the MAC unless it was `told`.

        A connection that was kept leads to the same machine as before; a new one may lead to whoever has the
        address now. Returns the control board's uptime when it was asked.
        """
        if watch.opened:
            self._verified.pop(target.num, None)
        if told is None and self._verified.get(target.num) == target.ip:
            return None
        identity = told or await firmware.identify(target.ip, watch)
        if identity.mac != target.mac:
            raise AnotherDevice(f"{target.ip} is {identity.mac}'s address now")
        self._verified[target.num] = target.ip
        watch.opened = False
        return identity.uptime_s

    # -- results -----------------------------------------------------------------------------------------------

    def _outcome(self, target: PollTarget, told: MinerReading, uptime_s: float | None) -> PollOutcome:
        at = self._clock()
        told = self._with_duration(target.num, told, at)
        happened = list(reading_events.between(target, told, at))
        if miners.rebooted(target.uptime_s, uptime_s):
            happened.append(Event("reboot", at, {"uptime_s": uptime_s}, num=target.num))
        hints = ("preset_changed", "pool_changed", "pool_switched", "reboot", "state_changed")
        hinted = any(event.kind in hints for event in happened)
        aim, baseline = self._aim(target, told, at)
        return PollOutcome(
            num=target.num,
            at=at,
            status=_status(target, at, replace(told, target_hashrate_hs=aim.hashrate_hs), aim),
            error=None if told.trouble is None else str(told.trouble),
            error_code=None if told.trouble is None else told.trouble.code,
            next_status_at=self._next(target.due_at, self._status_every_s, at),
            uptime_s=uptime_s,
            active_pool=active_pool(told.pools),
            pools=None if (now_at := pools.follow(target.pools, told.pools)) == (target.pools or {}) else now_at,
            boards_seen=reading_events.seen(target.boards_seen, reading_events.boards(told)),
            fans_seen=reading_events.seen(target.fans_seen, reading_events.fans(told)),
            settings_due=hinted or _runs_another_preset(target.asked, told.tuning.preset, at),
            events=tuple(happened),
            baseline=baseline,
        )

    def _with_duration(self, num: int, told: MinerReading, at: float) -> MinerReading:
        """Add for how long a miner has reported no state that can be read."""
        if told.readable:
            self._unreadable_since.pop(num, None)
            return told
        since = self._unreadable_since.setdefault(num, at)
        return told if told.state_s is not None else replace(told, state_s=max(at - since, 0.0))

    def _aim(
        self, target: PollTarget, told: MinerReading, at: float
    ) -> tuple[expected.Expected, expected.Baseline | None]:
        """Return what the miner should give, and what to store for the time after a restart."""
        before = self._baselines.get(target.mac, expected.Baseline())
        after, aim = expected.follow(before, told, target.asked, at, self._status_every_s)
        self._baselines[target.mac] = after
        kept = self._remembered.get(target.mac)
        lasting = (after.key, after.boards, after.best)
        if kept and lasting == (kept.key, kept.boards, kept.best) and 0 <= at - kept.at < REMEMBERED_EVERY_S:
            return aim, None
        self._remembered[target.mac] = after
        return aim, after

    def _no_status(self, target: PollTarget, code: str, reason: str) -> PollOutcome:
        at = self._clock()
        self.failed += 1
        self._tally.count("poll_failures_total", code)
        log.log(logging.INFO if target.failures == 0 else logging.DEBUG, "%s (%s): %s", target.ip, target.mac, reason)
        pause = backoff.pause(target.failures, self._status_every_s, self._longest_pause_s)
        pause *= random.uniform(0.9, 1.0)
        return PollOutcome(
            target.num, at, error=reason, error_code=code, failed=True, next_status_at=at + pause,
            next_chips_at=at + pause if target.chips_due else None,
        )  # fmt: skip

    def _next(self, due_at: float | None, every_s: float, now: float) -> float:
        """Return the next turn on this miner's own grid; missed turns are skipped, a first one starts a grid."""
        if not due_at or not 0 <= now - due_at < 10 * every_s:
            return now + random.uniform(0.2, 1.0) * every_s  # spread the fleet over the interval
        return due_at + every_s * (int((now - due_at) / every_s) + 1)

    def _keep(self, outcome: PollOutcome) -> None:
        self._unsaved.add(outcome.num)
        self._results.add(outcome)

    async def _save(self, outcomes: Sequence[PollOutcome]) -> None:
        await self._store.write(readings.save, outcomes)
        self._unsaved.difference_update(outcome.num for outcome in outcomes)

    async def _save_the_rest(self) -> None:
        try:
            await self.flush()
        except Transient as err:
            log.error("%d results could not be stored: %s", len(self._results), err)


def _runs_another_preset(asked: expected.Asked, running: str | None, at: float) -> bool:
    """Tell whether the settings should be read again because what runs is not what they ask for: now and then only."""
    differs = None not in (asked.preset, running) and asked.preset != running
    return differs and not 0 <= at - (asked.at or 0.0) < ASKED_AGAIN_S


def _status(target: PollTarget, at: float, told: MinerReading, aim: expected.Expected) -> StoredStatus:
    tuning = told.tuning
    extra = {
        "failure_code": told.failure_code,
        "description": told.description,
        "throttle_percent": told.throttle_percent if told.throttle_percent != 100 else None,
        "nameplate_hashrate_hs": told.nameplate_hashrate_hs,
        "hardware_error_percent": told.hardware_error_percent,
        "devfee_percent": told.devfee_percent,
        "preset_label": tuning.preset_label,
        "preset_tuned": tuning.preset_tuned,
        "switcher_top_preset": tuning.switcher_top_preset,
        "best_share": told.best_share,
        "cooling_mode": told.cooling_mode,
        "boards_expected": aim.boards,
        "limit_hs": aim.limit_hs,
        PLANNED: target.paused or None,
    }
    return StoredStatus(
        num=target.num, at=at, preset=tuning.preset, partial=told.trouble is not None,
        extra={name: value for name, value in extra.items() if value is not None},
        **{field.name: getattr(told, field.name) for field in fields(Measured)},
    )  # fmt: skip
