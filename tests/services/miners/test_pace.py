"""However unevenly miners get ready, no more than a packet of them is asked within a packet's interval."""

from __future__ import annotations

import asyncio
import random

from hived.records.orders import Packet
from hived.services.miners.pace import Pace

PACKET = Packet(10, 5.0)


class Time:
    """A clock that goes on when everybody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            await asyncio.sleep(0)
            self.now += 0.01


async def _ask(pace: Pace, packet: Packet) -> None:
    async with pace.turn((None, "on"), packet):
        pass


async def test_late_packets_are_not_asked_together() -> None:
    time, chance = Time(), random.Random(7)
    pace = Pace(lambda: time.now, time.sleep)
    asked: dict[str | None, list[float]] = {None: [], "row a": []}

    async def one(number: int, group: str | None) -> None:
        await time.sleep(number // 10 * PACKET.interval_s + chance.choice([0.1, 4.9, 12.0]))
        async with pace.turn((group, "off"), PACKET):
            await time.sleep(chance.choice([0.0, 3.0]))  # the database is busy
        asked[group].append(time.now)

    async with asyncio.TaskGroup() as tasks:
        for number in range(60):
            tasks.create_task(one(number, None if number % 2 else "row a"))
    for times in asked.values():
        assert len(times) == 30
        for at in times:
            assert sum(at <= other < at + PACKET.interval_s - 0.5 for other in times) <= PACKET.size
    assert asked[None][0] - asked["row a"][0] < PACKET.interval_s, "one group waited for another"


async def test_what_was_asked_long_ago_holds_up_nobody() -> None:
    time = Time()
    pace = Pace(lambda: time.now, time.sleep)
    for _ in range(PACKET.size):
        await _ask(pace, PACKET)
    before = time.now
    await _ask(pace, PACKET)
    assert PACKET.interval_s <= time.now - before < PACKET.interval_s + 1
    await _ask(pace, Packet(10, 0.0))
    time.now += 7200
    before = time.now
    for _ in range(PACKET.size):
        await _ask(pace, PACKET)
    assert time.now == before
