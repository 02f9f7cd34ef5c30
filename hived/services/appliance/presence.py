"""Each daemon's own row: that it runs, since when, and what it is doing."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hived import __version__
from hived.records.daemon import DaemonRow
from hived.runtime.tally import Numbers
from hived.store import Store, daemon_rows

_PAGE = os.sysconf("SC_PAGE_SIZE")

PRESENCE_S = 10.0
"""Seconds between two beats; three missed ones and people are told that the daemon is not running."""


class Presence:
    """Writes what a daemon says of itself, so that `hivectl status` and the dashboard need not ask it."""

    def __init__(
        self,
        store: Store,
        name: str,
        *,
        status: Callable[[], str],
        numbers: Callable[[], Numbers] = dict,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`numbers`: what it counts about itself, `Life.numbers`."""
        self._store, self._name, self._status, self._clock = store, name, status, clock
        self._numbers = numbers
        self._started_at = clock()

    async def beat(self) -> None:
        """Write the row."""
        row = DaemonRow(self._name, os.getpid(), __version__, self._started_at, self._clock(), self._status())
        await self._store.write(daemon_rows.save_daemon, row, {**self._numbers(), **_process()})


def _process() -> Numbers:
    """Return what this process takes of the machine."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    found: Numbers = {"process_cpu_seconds_total": {"": used.ru_utime + used.ru_stime}}
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        found["process_resident_memory_bytes"] = {"": pages * _PAGE}
    return found
