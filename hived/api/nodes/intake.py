"""The entrance for what nodes send: one body of a node at a time, few are parsed at once, and each has its pace.

A node that sends too fast is slowed down, not refused: it waits for its turn. Only who lets more requests wait than any
hive-syncd does is told to come again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from hived.errors import Throttled
from hived.records.bounds import BURST_S, LEAST_COST, PARSED_AT_ONCE, ROWS_PER_S, WAITING


@dataclass(slots=True)
class Turn:
    """Where one node stands."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    there: int = 0
    """Requests that wait or are being taken."""
    paid_until: float = 0.0
    """Until when, by the monotonic clock, what it sent keeps it busy."""

    def spend(self, rows: int) -> None:
        """Count what a request brought."""
        self.paid_until += max(rows, LEAST_COST) / ROWS_PER_S


class Intake:
    """Lets requests of nodes in, one after the other for each node."""

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._monotonic, self._sleep = monotonic, sleep
        self._turns: dict[str, Turn] = {}
        self.parsing = asyncio.Semaphore(PARSED_AT_ONCE)

    @asynccontextmanager
    async def turn(self, node_id: str) -> AsyncIterator[Turn]:
        """Wait until it is this node's turn, before a byte of its body is read. Throttled: too many wait already."""
        mine = self._turns.setdefault(node_id, Turn())
        if mine.there > WAITING:
            raise Throttled(f"more than {WAITING} requests of this node wait: one after the other, please", 1.0)
        mine.there += 1
        try:
            async with mine.lock:
                now = self._monotonic()
                mine.paid_until = max(mine.paid_until, now - BURST_S)
                if mine.paid_until > now:
                    await self._sleep(mine.paid_until - now)
                yield mine
        finally:
            mine.there -= 1


INTAKE: web.AppKey[Intake] = web.AppKey("intake", Intake)
