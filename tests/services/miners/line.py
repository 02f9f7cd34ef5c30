"""A master and a node with three miners, and the contacts between them, in a time that stands."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hived.records.access import By
from hived.records.condition import Moment
from hived.records.order_request import read
from hived.records.orders import Order as MinerOrder
from hived.records.orders import Target
from hived.services.miners import orders as giving
from hived.services.miners.control import Controller
from hived.services.miners.orders_from_master import OrdersFromMaster, drop_left
from hived.services.miners.sweep import Range
from hived.services.nodes.orders import Orders
from hived.store import Database, Store, commands, create
from hived.store.miners import orders
from hived.store.nodes import reported_targets
from hived.store.schema import Health, Miner, Node
from tests.services.miners.steered import Device, Invented, Time, settle

RULES = giving.Rules(packet_size=2, packet_interval_s=5.0, power_on_interval_s=5.0)
MACS = [f"02:00:00:00:00:0{i}" for i in range(3)]
NODE, MASTER = "node-1", "master"


class Line:
    """A master and a node, and the contacts between them."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder, self.stack, self.time = folder, stack, Time()
        self.devices = [Device(mac, f"127.9.0.{i}", booted_at=self.time() - 9e4) for i, mac in enumerate(MACS)]
        self.set_by = 0.0
        """By how many seconds the node's clock was set since."""

    async def open(self) -> None:
        for name in (MASTER, NODE):
            (self.folder / name).mkdir()
            url = f"sqlite:///{self.folder / name / 'hived.db'}"
            create(url, self.folder / name)
            store = await self.stack.enter_async_context(Store.open(url, state_dir=self.folder / name))
            setattr(self, name.partition("-")[0], store)
            await store.write(settle, self.devices, self.time() - 100)
        self.master: Store
        self.node: Store
        await self.master.write(self._remote)
        self.orders = Orders(self.node, ranges=lambda: Range([], []), clock=self.time)
        await self.start()

    def _remote(self, db: Database) -> None:
        Miner.update(remote=True, node_id=NODE, node_has_key=True, api_key=None).execute(db)
        Health.update(status_at=None).execute(db)
        Node.insert(
            id=NODE, name="north", role="node", status="approved", state="alive", contact_at=self.time(), secure=True,
            health="{}", asked_at=self.time(),
        ).execute(db)  # fmt: skip

    async def start(self) -> None:
        """Start hive-controld on the node, as after a power cut."""
        self.running = AsyncExitStack()
        await self.node.write(drop_left, self.time())
        self.controller = await self.running.enter_async_context(
            Controller(
                self.node, self.families(), RULES, confirm_s=None,
                allows=lambda _ip: True, clock=lambda: self.time() + self.set_by, monotonic=self.time,
                sleep=self.time.sleep,
            )
        )  # fmt: skip
        self.taking = OrdersFromMaster(self.node, RULES, status_s=15.0, clock=self.time, monotonic=self.time)

    def families(self) -> Any:
        return {"invented": Invented(self.time, self.devices)}

    async def kill(self) -> None:
        await self.running.aclose()
        await self.start()

    def giver(self) -> giving.Giver:
        return giving.Giver(By(at=self.time(), who="ann", via="session", address=None), "admin", confirmed=True)

    async def give(
        self, verb: str, args: dict[str, Any] | None = None, *, who: giving.Giver | None = None, **body: Any
    ) -> int:
        request = read({"verb": verb, "args": args or {}, "where": {}, **body})
        moment = Moment(self.time(), 15.0)
        number, _ = await self.master.write(giving.give, request, who or self.giver(), RULES, moment)
        return int(number)

    async def contact(self) -> None:
        """The node says what it did, and hears what it is to do."""
        done = await self.orders.done(MASTER)

        def answer(db: Database) -> list[Any]:
            reported_targets.take(db, NODE, done, self.time())
            commands.done(db, NODE, done, self.time())
            return commands.waiting(db, NODE, secure=True, now=self.time())

        wanted = await self.master.write(answer)
        await self.orders.told(MASTER, [number for number, _ in done])
        await self.orders.take(MASTER, wanted, pinned=True)

    async def pass_by(self, seconds: float) -> None:
        for _ in range(int(seconds * 2)):
            await self.taking.tick()
            await self.controller.turn()
            await self.quiet()
            self.time.turn_to(self.time() + 0.5)
            await self.quiet()

    async def quiet(self) -> None:
        while (under_way := self.controller.under_way) and self.time.waiting < len(under_way):
            await asyncio.wait(under_way, timeout=0.002)

    async def told(self, number: int) -> tuple[MinerOrder, list[Target]]:
        return await self.master.read(orders.one, number)
