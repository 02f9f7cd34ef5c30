"""Let history age and go, in slices, so that the database never grows without bound."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from hived.errors import next_step
from hived.runtime.options import Retention as Limits
from hived.services.appliance.trusted_clock import TrustedClock
from hived.store import Database, Store, budget
from hived.store.engine import dialect
from hived.store.miners import history, strangers
from hived.store.nodes import uplink
from hived.store.schema import Chips, Fleet1h, Fleet5m, Rollup1h, Rollup5m, Status

log = logging.getLogger(__name__)

PRUNE_EVERY_S = 60.0
SLICES_AT_ONCE = 48  # two days of backlog a minute: a long outage is worked off without holding up the polls
DAY_S = 86_400.0
GIVEN_BACK = 2_000  # pages at a time: 8 MB
MB = 1024 * 1024


class Retention:
    """Applies the `retention` section of the configuration."""

    def __init__(
        self, store: Store, limits: Limits, *, clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._store, self._limits, self._clock, self._monotonic = store, limits, clock, monotonic
        self._steady: TrustedClock | None = None
        self._over_budget = False

    async def prune(self) -> None:
        """Sum up what has ended, drop what is too old, keep the disk budget. Transient: database busy.

        While the clock is in doubt only the budget counts: a year too far ahead, all history would be too old.
        """
        now = await self.sure_now()
        if now is not None:
            await self._by_age(now)
        await self._store.write(history.prune_events)
        await self._keep_budget((await self._trusted()).likely())
        await self._store.write(dialect.give_back, GIVEN_BACK)

    async def sure_now(self) -> float | None:
        """Return the time, None while the clock is in doubt. Transient: database busy."""
        return (await self._trusted()).sure()

    async def _trusted(self) -> TrustedClock:
        if self._steady is None:
            self._steady = TrustedClock(self._clock, self._monotonic, await self._store.read(history.sure_until))
        return self._steady

    async def _by_age(self, now: float) -> None:
        limits = self._limits
        await self._store.write(history.be_sure, now)
        for width_s in (history.FIVE_MINUTES_S, history.HOUR_S):
            await self._repeat(history.roll_up, width_s, now)
        await self._repeat(history.thin_chips, now - limits.telemetry_raw_hours * 3600)
        ages: list[tuple[Any, float]] = [
            (Status, limits.raw_days),
            (Chips, max(limits.telemetry_30m_days, limits.telemetry_raw_hours / 24)),
            (Rollup5m, limits.rollup_5m_days),
            (Rollup1h, limits.rollup_1h_days),
            (Fleet5m, limits.rollup_5m_days),
            (Fleet1h, limits.rollup_1h_days),
        ]
        for table, days in ages:
            await self._repeat(prune, table, now - days * DAY_S)
        await self._repeat(strangers.forget, now - DAY_S)
        await self._repeat(strangers.forget_models, now - DAY_S)

    async def _keep_budget(self, now: float | None) -> None:
        limit = self._limits.max_database_mb * MB
        for _ in range(SLICES_AT_ONCE):
            used = await self._store.read(dialect.used_bytes)
            if used <= limit:
                self._over_budget = False
                if await self._store.read(budget.full) is not None:
                    await self._store.write(budget.clear)
                return
            if not await self._store.read(budget.history_fills, limit):
                await self._is_full(used, limit)
                return
            if not self._over_budget:
                self._over_budget = True
                log.warning("the database uses %d MiB of %d: the oldest history goes", used // MB, limit // MB)
            if not await self._store.write(_drop_oldest, now):
                return

    async def _is_full(self, used: int, limit: int) -> None:
        """Say that the database is full of what no age takes; its history stays."""
        if await self._store.read(budget.full) is None:
            log.error(
                "the database uses %d MiB of %d, but not for history: none is deleted; %s",
                used // MB, limit // MB, next_step("database_full"),
            )  # fmt: skip
            await self._store.write(budget.mark, self._clock(), used, limit)

    async def _repeat(self, work: Callable[..., bool | int], *args: Any) -> None:
        for _ in range(SLICES_AT_ONCE):
            if not await self._store.write(work, *args):
                return


def _drop_oldest(db: Database, now: float | None) -> bool:
    """Delete the oldest history: first of the node that has most of it, if that is more than all others have."""
    most = budget.biggest(db)
    return (most is not None and history.drop_oldest(db, now, node_id=most)) or history.drop_oldest(db, now)


def prune(db: Database, table: Any, before: float) -> bool:
    """Delete a slice of what is too old, as `history.prune` does, but for rollups that wait for the master.

    Those only the disk budget takes.
    """
    if table is Rollup5m:
        before = min(before, uplink.rollups_wait_from(db))
    return history.prune(db, table, before)
