"""Each daemon's own row: that it runs, since when, and what it is doing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from hived import __version__
from hived.records.daemon import DaemonRow
from hived.store import Store, daemon_rows

PRESENCE_S = 10.0
"""Seconds between two beats; three missed ones and people are told that the daemon is not running."""


class Presence:
    """Writes what a daemon says of itself, so that `hivectl status` and the dashboard need not ask it."""

    def __init__(
        self, store: Store, name: str, *, status: Callable[[], str], clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._name, self._status, self._clock = store, name, status, clock
        self._started_at = clock()

    async def beat(self) -> None:
        """Write the row."""
        row = DaemonRow(self._name, os.getpid(), __version__, self._started_at, self._clock(), self._status())
        await self._store.write(daemon_rows.save_daemon, row)
