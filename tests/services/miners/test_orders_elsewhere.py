"""Orders over the master: handed to the node of a miner, judged and done there, told of, asked again, undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hived.errors import BadRequest
from hived.records.access import By
from hived.records.condition import Moment
from hived.records.order_request import read
from hived.records.orders import Order as MinerOrder
from hived.records.orders import Target
from hived.services.miners import orders as giving
from hived.services.miners.control import Controller
from hived.services.miners.orders_from_master import Letter, OrdersFromMaster, drop_left
from hived.services.miners.sweep import Range
from hived.services.nodes.orders import Orders
from hived.store import Database, Store, commands, create
from hived.store.miners import miners, orders, orders_elsewhere
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
        self.is_old = False

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
                allows=lambda _ip: True, clock=self.time, monotonic=self.time, sleep=self.time.sleep,
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

    async def give(self, verb: str, args: dict[str, Any] | None = None, **body: Any) -> int:
        request = read({"verb": verb, "args": args or {}, "where": {}, **body})
        moment = Moment(self.time(), 15.0)
        number, _ = await self.master.write(giving.give, request, self.giver(), RULES, moment)
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


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with AsyncExitStack() as stack:
        made = Line(tmp_path, stack)
        await made.open()
        yield made
        await made.running.aclose()


def _change(change: dict[str, Any], db: Database) -> None:
    Node.update(**change).execute(db)


def heard(line: Line) -> list[list[str]]:
    return [[verb for _, verb, _ in device.heard] for device in line.devices]


async def test_an_order_travels_is_done_by_the_nodes_own_laws_and_told_of(line: Line) -> None:
    await line.node.write(miners.set_managed, MACS[2], False, line.time())
    number = await line.give("pause")
    assert (await line.told(number))[0].counts == {"running": 3}
    assert heard(line) == [[], [], []]
    await line.contact()
    await line.pass_by(20)
    await line.contact()
    order, targets = await line.told(number)
    assert [(one.state, one.reason) for one in targets] == [
        ("confirmed", None), ("confirmed", None), ("skipped", "not_managed"),
    ]  # fmt: skip
    assert order.finished_at is not None
    assert heard(line) == [["pause"], ["pause"], []]
    assert (targets[0].before or {})["power_w"] == 3000.0
    await line.contact()
    await line.pass_by(5)
    assert heard(line) == [["pause"], ["pause"], []], "told again, done once"


async def test_what_the_node_did_is_brought_back_by_what_the_node_kept(line: Line) -> None:
    number = await line.give("preset", {"name": "low"})
    await line.contact()
    await line.pass_by(30)
    await line.contact()
    assert [device.preset for device in line.devices] == ["low"] * 3
    back = await line.master.write(giving.undo, number, line.giver(), RULES, Moment(line.time(), 15.0))
    await line.contact()
    await line.pass_by(30)
    await line.contact()
    order, targets = await line.told(back)
    assert (order.undo_of, [one.state for one in targets]) == (number, ["confirmed"] * 3)
    assert [device.preset for device in line.devices] == ["high"] * 3


async def test_a_node_that_restarts_does_nothing_from_its_rows_and_is_asked_again_while_the_order_stands(
    line: Line,
) -> None:
    number = await line.give("reboot")
    await line.contact()
    await line.pass_by(1)  # two are asked; the third waits for the next packet
    assert heard(line) == [["reboot"], ["reboot"], []]
    await line.kill()
    await line.pass_by(30)
    assert heard(line) == [["reboot"], ["reboot"], []]
    await line.contact()
    await line.contact()
    await line.pass_by(30)
    await line.contact()
    assert heard(line) == [["reboot"], ["reboot"], ["reboot"]]
    order, targets = await line.told(number)
    assert [one.state for one in targets] == ["confirmed"] * 3
    assert order.finished_at is not None


async def test_a_cancelled_order_is_not_begun_and_one_that_expired_on_the_way_neither(line: Line) -> None:
    number = await line.give("pause")
    await line.contact()
    await line.pass_by(1)
    await line.master.write(giving.cancel, number, line.giver(), line.time())
    await line.contact()
    await line.pass_by(20)
    await line.contact()
    assert heard(line) == [["pause"], ["pause"], []]
    assert [one.state for one in (await line.told(number))[1]] == ["confirmed", "confirmed", "cancelled"]
    late = await line.give("resume", expires_seconds=10)
    line.time.turn_to(line.time() + 11)
    await line.contact()
    await line.pass_by(10)
    assert heard(line) == [["pause"], ["pause"], []]
    line.time.turn_to(line.time() + orders_elsewhere.SILENT_S + 11)
    await line.master.write(orders_elsewhere.end_silent, line.time())
    assert {one.reason for one in (await line.told(late))[1]} == {"node_silent"}


async def test_a_node_that_is_away_old_or_not_to_be_told_is_said_so_before(line: Line) -> None:
    for change in ({"secure": False}, {"status": "revoked"}):
        await line.master.write(partial(_change, change))
        _, targets = await line.told(await line.give("locate"))
        assert {one.reason for one in targets} == {"node_refuses"}
    blind = Moment(line.time(), 15.0, blind={NODE: "node_dead"})
    request = read({"verb": "pause", "where": {}})
    _, targets = await line.master.read(giving.preview, request, line.giver(), RULES, blind)
    assert {one.reason for one in targets} == {"node_away"}
    await line.master.write(lambda db: Miner.update(features=None).execute(db))
    _, targets = await line.master.read(giving.preview, request, line.giver(), RULES, Moment(line.time(), 15.0))
    assert {one.reason for one in targets} == {"node_too_old"}


async def test_a_node_that_does_not_know_the_order_ends_it_as_too_old(line: Line) -> None:
    number = await line.give("pause")

    def answer(db: Database) -> None:
        wanted = commands.waiting(db, NODE, secure=True, now=line.time())
        done = [(one.id, {"error": "this node does not know the order 'steer'"}) for one in wanted]
        reported_targets.take(db, "another-node", done, line.time())
        assert orders.one(db, number)[0].counts == {"running": 3}, "another node ends nothing"
        reported_targets.take(db, NODE, done, line.time())

    await line.master.write(answer)
    assert {one.reason for one in (await line.told(number))[1]} == {"node_too_old"}


@pytest.mark.parametrize(
    "result",
    [
        {}, {"targets": 7}, {"targets": [None, [], [1, 2, 3, 4, 5, 6], [MACS[0], "pending", None, None, None, None]]},
        {"targets": [["02:ff:ff:ff:ff:ff", "confirmed", None, None, None, None]]},
        {"targets": [[MACS[0], "confirmed", {"x": 1}, ["y"], "1e9", True]]},
    ],
)  # fmt: skip
async def test_nonsense_of_a_node_ends_its_own_targets_alone(line: Line, result: Any) -> None:
    number = (
        await line.give("pause", miners=MACS[:1], where=None) if result.get("targets") else await line.give("pause")
    )

    def answer(db: Database) -> None:
        (wanted,) = commands.waiting(db, NODE, secure=True, now=line.time())
        reported_targets.take(db, NODE, [(wanted.id, result)], line.time())

    await line.master.write(answer)
    order, targets = await line.told(number)
    assert order.finished_at is not None
    assert all(one.reason is None or isinstance(one.reason, str) for one in targets)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"miners": {}}', '{"miners": {"x": {}}, "verb": "pause", "seconds": 5, "force": false}',
        '{"miners": {"02:00:00:00:00:01": {}}, "verb": "explode", "seconds": 5, "force": false}',
        '{"miners": {"02:00:00:00:00:01": {}}, "verb": "pause", "seconds": -5, "force": false}',
        '{"miners": {"02:00:00:00:00:01": {}}, "verb": "pause", "seconds": 5, "force": "yes"}',
        '{"miners": {"02:00:00:00:00:01": []}, "verb": "pause", "seconds": 5, "force": false}', "[" * 5000,
    ],
)  # fmt: skip
def test_a_letter_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        Letter.read(text)
