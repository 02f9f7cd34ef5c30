"""Costly things under way: so many for each who asks, so many in all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from hived.errors import Throttled

WHO = web.RequestKey("who", str)
"""Who sent a request, for counting; absent: nobody who is known."""


class Full(Exception):
    """As much is under way as there is room for, whoever asks."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class _Place:
    free: asyncio.Semaphore
    count: int = field(default=0)


class Turns:
    """`most` of something for each at once, `waiting` more wait until one of theirs is done; `total` for all."""

    def __init__(self, what: str, *, most: int, waiting: int = 0, total: int = 1_000_000, retry_s: int = 1) -> None:
        self.what, self.most, self.waiting, self.total, self.retry_s = what, most, waiting, total, retry_s
        self.running = 0
        self._places: dict[str, _Place] = {}

    @asynccontextmanager
    async def turn(self, request: web.Request) -> AsyncIterator[None]:
        """Hold a place. Throttled when who asks holds too many already, Full when all do."""
        who = request.get(WHO) or f"at {request.remote}"
        place = self._places.setdefault(who, _Place(asyncio.Semaphore(self.most)))
        if place.count >= self.most + self.waiting:
            raise Throttled(f"{place.count} {self.what} of yours are under way, try again in a moment", self.retry_s)
        place.count += 1
        try:
            async with place.free:
                if self.running >= self.total:
                    raise Full(f"{self.running} {self.what} are under way, try again in a moment", self.retry_s)
                self.running += 1
                try:
                    yield
                finally:
                    self.running -= 1
        finally:
            place.count -= 1
            if place.count == 0:
                del self._places[who]
