"""The engine of alerts: a look, a settlement, notices, every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from hived.errors import Transient
from hived.records.alerts import KEPT_S
from hived.runtime.disk import free_percent
from hived.services.alerts.boxes import Facts
from hived.services.alerts.past_the_disk import PastTheDisk
from hived.services.alerts.settle import Round
from hived.services.alerts.sight import Sight, look
from hived.services.alerts.telling import Telling
from hived.services.appliance.host_troubles import host_troubles
from hived.store import Database, Store
from hived.store.alerts import alerts, outlook, rules

WATCHES_S = 180.0
"""Without a round for so long nobody watches."""
JUMP_S = 300.0
"""A clock that was set by more than this between two rounds tells no durations."""


class AlertEngine:
    """Finds what is wrong, and writes what people are to be told. All that it knows is in rows.

    `facts` tells how this box is; `zone` None: this box's.
    """

    def __init__(
        self, store: Store, facts: Callable[[], Awaitable[Facts]], *, status_seconds: float,
        clock: Callable[[], float], monotonic: Callable[[], float] = time.monotonic, zone: tzinfo | None = None,
        past: PastTheDisk | None = None,
    ) -> None:  # fmt: skip
        self._store, self._facts, self._status_s = store, facts, status_seconds
        self._clock, self._monotonic, self._zone = clock, monotonic, zone
        self._past = past
        self._ahead: float | None = None
        self._written: float | None = None
        self._open = {"bad": 0, "warn": 0}

    async def tick(self) -> None:
        """One round. Transient: database busy, or its disk full."""
        at = self._clock()
        ahead = at - self._monotonic()
        jumped = self._ahead is not None and abs(ahead - self._ahead) > JUMP_S
        sight = await self._store.read(look, await self._facts(), self._status_s, at, self._zone)
        self._ahead = ahead
        try:
            self._open = await self._store.write(settle, sight, jumped, self._zone)
        except Transient:
            if self._past is not None:
                await self._past.refused(sight)
            raise
        self._written = self._monotonic()
        if self._past is not None:
            await self._past.taken(sight)

    async def start(self) -> None:
        """Bring the rules up to this hived's, and remember when alerts began. Transient: database busy."""
        await self._store.write(_begin, self._clock())

    async def forget(self) -> None:
        """Let alerts go that were over long ago. Transient: database busy."""
        while await self._store.write(alerts.forget, self._clock() - KEPT_S):
            pass

    def watches(self) -> bool:
        """Tell whether a round was written lately."""
        return self._written is not None and self._monotonic() - self._written < WATCHES_S

    def summary(self) -> str:
        """Return what is open, for people."""
        bad, warn = self._open["bad"], self._open["warn"]
        return f"{bad + warn} alerts open, {bad} of them bad" if bad + warn else "no alert is open"


def settle(db: Database, sight: Sight, jumped: bool = False, zone: tzinfo | None = None) -> dict[str, int]:
    """Make alerts and notices of what was seen, in one transaction; return how many alerts are open, by severity."""
    this = Round(db, sight, jumped=jumped)
    this.settle()
    this.write()  # what the notices of ended alerts are read from
    Telling(db, sight, this, zone=zone).tell()
    this.write()
    outlook.seen(db, sight.event_id)
    return alerts.counts(db)


def _begin(db: Database, at: float) -> None:
    rules.install(db)
    outlook.begin(db, at)


async def facts_of(own: Facts, database: Path | None) -> Facts:
    """Return how this box is, whose name is known. `database`: its file; None for a server's, on another's disk."""
    return await asyncio.to_thread(_facts, own, database)


def _facts(own: Facts, database: Path | None) -> Facts:
    if database is None:
        return replace(own, has_database=False)
    return replace(own, troubles=tuple(host_troubles(database)), disk_free_percent=free_percent(database.parent))
