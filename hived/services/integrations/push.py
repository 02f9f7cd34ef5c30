"""Send metrics on, once a minute. What cannot be sent waits, the oldest first to go when it is too much.

It waits in memory: a row for each sample would cost a box more than all that it measures. A restart lets it go.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from hived.clients.remote_write.client import pack
from hived.clients.remote_write.encode import requests
from hived.documents.metrics.facts import Facts
from hived.documents.metrics.text import families
from hived.errors import Refused, Throttled, Transient
from hived.records.condition import Moment, condition, essence
from hived.records.totals import Judged
from hived.runtime.tally import Numbers, Tally
from hived.services.integrations import metrics
from hived.services.miners.moments import moment
from hived.store import Database, Store, push_state
from hived.store.miners import views
from hived.store.push_state import Unsent

log = logging.getLogger(__name__)

READ_EVERY_S = 60.0
SEND_EVERY_S = 5.0
MOST_BYTES = 8 * 1024 * 1024
"""Waiting, compressed: two hours of 200 miners, five minutes of 5,000."""
REFUSED_S = 600.0
"""So long it is told that something was refused."""


@dataclass(frozen=True, slots=True)
class Box:
    """Whose metrics they are. `folder`: whose disk counts when the database is on another machine."""

    name: str
    node_id: str
    version: str
    status_seconds: float
    folder: Path | None


@dataclass(frozen=True, slots=True)
class _Part:
    """One request of a reading. A reading is known by when it was made."""

    at: float
    series: int
    packed: bytes


class Push:
    """Reads all metrics, and has them sent in the order of their time. `place`: where they go, for people."""

    def __init__(
        self, store: Store, box: Box, send: Callable[[bytes], Awaitable[None]], *, place: str,
        clock: Callable[[], float], progress: Callable[[], None] = lambda: None, most_bytes: int = MOST_BYTES,
    ) -> None:  # fmt: skip
        self._store, self._box, self._send, self._place = store, box, send, place
        self._clock, self._progress, self._most_bytes = clock, progress, most_bytes
        self._waiting: deque[_Part] = deque()
        self._bytes = 0
        self._since: float | None = None
        self._why = ""
        self._refused_at: float | None = None
        self._not_before = 0.0
        self._lost = 0
        self._kept: Unsent | str | None = "unknown"
        self._series = 0
        self._tally = Tally()

    async def read(self) -> None:
        """Read all metrics, so that they wait to be sent. Transient: database busy."""
        box = await metrics.box(self._store, self._box.folder)
        at, miners = await self._store.read(_miners, self._clock(), self._box.status_seconds)
        facts = Facts(at, self._box.node_id, self._box.name, self._box.version, miners, box)
        parts = await asyncio.to_thread(_packed, facts)
        self._series = sum(part.series for part in parts)
        for part in parts:
            self._waiting.append(part)
            self._bytes += len(part.packed)
        self._make_room()
        await self._keep()

    async def send(self) -> None:
        """Send all that waits, oldest first. Transient: the receiver cannot be reached, or takes nothing just now."""
        if self._clock() < self._not_before:
            return
        try:
            while self._waiting:
                await self._send_one(self._waiting[0])
                self._progress()
        except Transient as err:
            self._why = str(err)
            if isinstance(err, Throttled):
                self._not_before = self._clock() + (err.retry_after_s or 0.0)
            if self._since is None:
                self._since = self._clock()
                await self._keep()
            raise
        if self._since is not None:
            self._since = None
            await self._keep()

    async def _send_one(self, part: _Part) -> None:
        try:
            await self._send(part.packed)
        except Refused as err:
            self._why, self._refused_at = str(err), self._clock()
            log.warning("%s refuses metrics: %s", self._place, self._why)
            self._lost += 1
        else:
            self._tally.count("pushed_series_total", by=part.series)
        self._gone(part)

    def summary(self) -> str:
        """Return how it goes, for people."""
        if self._since is None:
            return f"{self._series:,} series a minute to {self._place}"
        return f"{self._readings()} readings of metrics wait for {self._place}"

    def numbers(self) -> Numbers:
        """Return what is counted of it, and what waits."""
        self._tally.put("queue_length", self._readings(), "push")
        self._tally.put("queue_lost_total", self._lost, "push")
        return self._tally.numbers()

    def _readings(self) -> int:
        return len({part.at for part in self._waiting})

    def _make_room(self) -> None:
        """Let the oldest readings go, whole: half of one is worth nothing."""
        while self._bytes > self._most_bytes and self._waiting[0].at != self._waiting[-1].at:
            oldest = self._waiting[0].at
            if not self._lost:
                log.warning("metrics for %s: %d KiB wait, the oldest are let go", self._place, self._bytes // 1024)
            self._lost += 1
            while self._waiting[0].at == oldest:
                self._gone(self._waiting[0])

    def _gone(self, part: _Part) -> None:
        """Let a part go, unless room was made of it while it was on its way."""
        if self._waiting and self._waiting[0] is part:
            self._waiting.popleft()
            self._bytes -= len(part.packed)

    async def _keep(self) -> None:
        """Write down what could not be sent, for status, doctor and health."""
        now = self._clock()
        since = self._since
        if since is None and self._refused_at is not None and 0 <= now - self._refused_at < REFUSED_S:
            since = self._refused_at
        told = None
        if since is not None:
            told = Unsent(since, self._place, self._why, self._readings(), self._bytes, self._lost)
        if told != self._kept:
            await self._store.write(push_state.keep, told)
            self._kept = told


def _miners(db: Database, now: float, status_seconds: float) -> tuple[Moment, list[Judged]]:
    at = moment(db, now, status_seconds)
    return at, [(essence(view), condition(view, at)) for view in views.one_by_one(db)]


def _packed(facts: Facts) -> list[_Part]:
    whose = {"instance": facts.node_name, "job": "hived"}
    at = facts.moment.now
    return [_Part(at, series, pack(message)) for series, message in requests(families(facts), at, whose)]
