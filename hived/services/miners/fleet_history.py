"""Look at the fleet once a minute, for the history of what it gives and loses."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from hived.records.condition import FRESH_POLLS, Moment
from hived.store import Store
from hived.store.miners import fleet_history

LOOK_EVERY_S = 60.0


class FleetHistory:
    """Keeps the sums over this node's own miners, by model, with a reason for each loss.

    `now` returns the time, None while the clock is in doubt: then nobody can tell how old a status is.
    """

    def __init__(
        self, store: Store, *, node_id: str, status_seconds: float, now: Callable[[], Awaitable[float | None]]
    ) -> None:
        self._store, self._node_id, self._now, self._status_seconds = store, node_id, now, status_seconds
        self._blind = math.ceil(FRESH_POLLS * status_seconds / LOOK_EVERY_S)
        """Looks until each miner has had its turns: after a rest all statuses are old, and nothing is lost by that."""

    async def look(self) -> None:
        """Add how the miners are now. Transient: database busy."""
        if self._blind > 0:
            self._blind -= 1
            return
        now = await self._now()
        if now is not None:
            await self._store.write(fleet_history.look, Moment(now, self._status_seconds), self._node_id)
