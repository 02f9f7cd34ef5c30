"""The pace of packets: what switches many miners loads the supply at the moment when each is asked, not before."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from hived.records.order_request import LONGEST_INTERVAL_S
from hived.records.orders import Packet

Place = tuple[str | None, str]
"""Where packets are counted by themselves: (group, kind of change)."""


class Pace:
    """Lets no more miners be asked within an interval than are in a packet, however long the look at each took."""

    def __init__(self, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[object]]) -> None:
        self._monotonic, self._sleep = monotonic, sleep
        self._asked: dict[Place, deque[float]] = {}

    async def turn(self, place: Place, packet: Packet) -> None:
        """Return when one more miner may be asked in a place; it counts from then on."""
        asked = self._asked.setdefault(place, deque())
        while True:
            now = self._monotonic()
            while asked and asked[0] <= now - LONGEST_INTERVAL_S:
                asked.popleft()
            recent = [at for at in asked if at > now - packet.interval_s]
            if len(recent) < packet.size:
                asked.append(now)
                return
            await self._sleep(recent[-packet.size] + packet.interval_s - now)
