"""A site with hive-controld's work in it, an operator, and a time that stands until it is turned."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hived.records.access import By
from hived.records.condition import Moment
from hived.records.order_request import read
from hived.records.orders import Order, Target
from hived.services.miners import orders as giving
from hived.services.miners.control import Controller
from hived.simulator.miners.lifecycle import Timings
from hived.store.miners import miners, orders
from tests.services.conftest import MakeSite, Site
from tests.services.miners.line import Line
from tests.services.miners.steered import Time

RULES = giving.Rules(packet_size=50, packet_interval_s=5.0, power_on_interval_s=5.0)


class Desk:
    """A site with a controller, and an operator in a time that stands until it is turned."""

    def __init__(self, here: Site, time: Time, controller: Controller) -> None:
        self.here, self.time, self.controller = here, time, controller
        self.giver = giving.Giver(By(at=time(), who="ann", via="session", address=None), "admin", confirmed=True)

    async def order(self, verb: str, args: dict[str, Any] | None = None, **body: Any) -> tuple[Order, list[Target]]:
        """Give an order to all (or as `body` says) and see it through."""
        return await self.through(await self.give(verb, args, **body))

    async def give(self, verb: str, args: dict[str, Any] | None = None, **body: Any) -> int:
        request = read({"verb": verb, "args": args or {}, **({"where": {}} | body)})
        moment = Moment(self.time(), 15.0)
        number, _ = await self.here.store.write(giving.give, request, self.giver, RULES, moment)
        return int(number)

    async def undo(self, number: int) -> tuple[Order, list[Target]]:
        moment = Moment(self.time(), 15.0)
        return await self.through(await self.here.store.write(giving.undo, number, self.giver, RULES, moment))

    async def through(self, number: int) -> tuple[Order, list[Target]]:
        """Let time pass until an order has its end."""
        for _ in range(4000):
            order, targets = await self.here.store.read(orders.one, number)
            if order.finished_at is not None:
                return order, targets
            await self.step()
        raise AssertionError("the order has no end")

    async def step(self, seconds: float = 0.5) -> None:
        await self.controller.turn()
        await self.quiet()
        self.time.turn_to(max(self.time() + seconds, self.time.next_at() or 0.0))
        await self.quiet()

    async def quiet(self) -> None:
        """Wait until all that is under way waits for the time."""
        while (under_way := self.controller.under_way) and self.time.waiting < len(under_way):
            await asyncio.wait(under_way, timeout=0.002)

    async def poll(self) -> None:
        async with self.here.poller(clock=self.time) as poller:
            await poller.round()


@pytest.fixture
async def desk(make_site: MakeSite) -> AsyncIterator[Any]:
    """`await desk(count)`: a site of so many miners that are found, opened, polled and managed."""
    async with AsyncExitStack() as stack:

        async def make(count: int, **options: Any) -> Desk:
            time = Time()
            away = Timings(reboot_after=0.0, reboot_away=0.0)  # the fleet waits for these by the real clock
            here = await make_site(count, clock=time, **({"timings": away} | options))
            here.clock = time
            await here.discoverer(clock=time, monotonic=time).round()
            return await stack.enter_async_context(_staffed(here, time))

        yield make


@asynccontextmanager
async def _staffed(here: Site, time: Time) -> AsyncIterator[Desk]:
    async with Controller(
        here.store, here.families(), RULES, confirm_s=None, allows=lambda _ip: True, clock=time, monotonic=time,
        sleep=time.sleep,
    ) as controller:  # fmt: skip
        desk = Desk(here, time, controller)
        for miner in here.fleet.miners:
            await here.store.write(miners.set_managed, miner.mac, True, time())
        await desk.poll()
        yield desk


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with AsyncExitStack() as stack:
        made = Line(tmp_path, stack)
        await made.open()
        yield made
        await made.running.aclose()
