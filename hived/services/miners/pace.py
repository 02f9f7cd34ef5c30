"""The pace of packets: what switches many miners loads the supply at the moment when each is asked, not before."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from hived.records.order_request import LONGEST_INTERVAL_S
from hived.records.orders import Packet

Place = tuple[str | None, str]
"""Where packets are counted by themselves: (group, kind of change)."""

LOOK_EVERY_S = 0.5


class Pace:
    """Lets no more miners be asked within an interval than are in a packet, however long the look at each took."""

    def __init__(self, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[object]]) -> None:
        self._monotonic, self._sleep = monotonic, sleep
        self._asked: dict[Place, list[list[float]]] = {}
        """When each was asked; infinite while that is being written."""

    @asynccontextmanager
    async def turn(self, place: Place, packet: Packet) -> AsyncIterator[None]:
        """Wait until one more miner may be asked in a place; it counts as asked from the end of the block on."""
        while self._recent(place, packet.interval_s) >= packet.size:
            await self._sleep(LOOK_EVERY_S)
        asked = [math.inf]
        self._asked[place].append(asked)
        try:
            yield
        finally:
            asked[0] = self._monotonic()

    def _recent(self, place: Place, within_s: float) -> int:
        now = self._monotonic()
        kept = self._asked[place] = [one for one in self._asked.get(place, ()) if one[0] > now - LONGEST_INTERVAL_S]
        return sum(at > now - within_s for (at,) in kept)
