"""Whatever is ordered, cancelled, killed and lied about: no law is broken, and every miner has one end."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from contextlib import AsyncExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hived.clients.firmwares.family import Firmware
from hived.records.access import By
from hived.records.condition import Moment
from hived.records.order_request import read
from hived.records.orders import ENDS, Order, Target
from hived.records.steering import VERBS
from hived.services.miners import orders as giving
from hived.services.miners.control import Controller
from hived.store import Store, create
from hived.store.miners import miners, models, orders
from hived.store.schema import Miner
from tests.services.miners.steered import Device, Invented, Time, settle

RULES = giving.Rules(packet_size=2, packet_interval_s=5.0, power_on_interval_s=10.0, reboots_per_hour=2)
ADMIN = "admin"
SUBSETS = st.sets(st.integers(0, 3), min_size=1)
ASKED = st.sampled_from(
    [
        ("pause", {}), ("resume", {}), ("restart", {}), ("reboot", {}), ("preset", {"name": "low"}),
        ("preset", {"name": "high"}), ("power", {"watts": 2100}), ("dimmer", {"percent": 50}),
        ("locate", {"seconds": 30}),
    ]
)  # fmt: skip


@lru_cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hived-test-"))
    atexit.register(shutil.rmtree, folder)
    create(f"sqlite:///{folder / 'hived.db'}")
    return folder


class Steering(RuleBasedStateMachine):
    """Four miners in two groups, a controller that is killed at any moment, and an operator who changes their mind."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.time = Time()
        self.devices = [Device(f"02:00:00:00:00:0{i}", f"127.9.0.{i}", booted_at=self.time.now - 9e4) for i in range(4)]
        self.stack = AsyncExitStack()
        self.controller: Controller | None = None
        self.managed = dict.fromkeys(range(4), True)
        self.highest: str | None = None
        self.ended: dict[tuple[int, int], str] = {}
        self.closed: dict[int, float] = {}
        """When an order was cancelled."""

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        url = f"sqlite:///{Path(self.folder.name) / 'hived.db'}"
        shutil.copytree(_template(), self.folder.name, dirs_exist_ok=True)
        self.store = await self.stack.enter_async_context(Store.open(url, state_dir=Path(self.folder.name)))
        await self.store.write(settle, self.devices, self.time.now)
        await self._start()

    async def _start(self) -> None:
        self.inner = AsyncExitStack()
        self.controller = await self.inner.enter_async_context(
            Controller(
                self.store, {"invented": cast("Firmware", Invented(self.time, self.devices))}, RULES, confirm_s=None,
                allows=lambda _ip: True, clock=self.time, monotonic=self.time, sleep=self.time.sleep,
            )
        )  # fmt: skip

    async def _pass(self, seconds: float) -> None:
        """Let time pass in steps of half a second, as the daemon's beat does."""
        assert self.controller is not None
        for _ in range(int(seconds * 2)):
            if not self.controller.under_way and not await self.store.read(orders.is_anything_open):
                self.time.turn_to(self.time.now + seconds)
                return
            await self.controller.turn()
            await self._quiet()
            self.time.turn_to(self.time.now + 0.5)
            await self._quiet()

    async def _quiet(self) -> None:
        """Wait until all that is under way waits for the time."""
        assert self.controller is not None
        while True:
            under_way = self.controller.under_way
            if self.time.waiting >= len(under_way) or not under_way:
                return
            done, _ = await asyncio.wait(under_way, timeout=0.001)
            for one in done:
                one.result()

    def giver(self) -> giving.Giver:
        return giving.Giver(By(at=self.time.now, who=ADMIN, via="command", address=None), "admin")

    def moment(self) -> Moment:
        return Moment(self.time.now, 15.0)

    @rule(asked=ASKED, which=SUBSETS, expires=st.sampled_from([8, 600]))
    def order(self, asked: tuple[str, dict[str, Any]], which: set[int], expires: int) -> None:
        verb, args = asked
        macs = [self.devices[i].mac for i in sorted(which)]
        request = read({"verb": verb, "args": args, "miners": macs, "expires_seconds": expires})
        self.run(self.store.write(giving.give, request, self.giver(), RULES, self.moment()))

    @rule(asked=ASKED, which=SUBSETS, halves=st.integers(1, 4), then=st.sampled_from(["kill", "cancel", "unmanage"]))
    def order_and_change_of_mind(
        self, asked: tuple[str, dict[str, Any]], which: set[int], halves: int, then: str
    ) -> None:
        """The moments in which a miner is asked are short: here something happens in them."""
        self.order(asked, which, 600)
        self.wait(halves / 2)
        if then == "unmanage":
            self.manage(max(which), False)
        else:
            {"kill": self.kill, "cancel": self.cancel}[then]()
        self.wait(3)

    @rule()
    def cancel(self) -> None:
        newest = self.run(self.store.read(orders.listing, limit=1))
        if newest:
            self.run(self.store.write(giving.cancel, newest[0].id, self.giver(), self.time.now))
            self.closed.setdefault(newest[0].id, self.time.now)

    @rule()
    def undo(self) -> None:
        newest = self.run(self.store.read(orders.listing, limit=1))
        if newest and newest[0].can_undo:
            self.run(self.store.write(giving.undo, newest[0].id, self.giver(), RULES, self.moment()))
            self.closed.setdefault(newest[0].id, self.time.now)

    @rule(seconds=st.sampled_from([0.5, 3, 20, 90]))
    def wait(self, seconds: float) -> None:
        self.run(self._pass(seconds))

    @rule()
    def kill(self) -> None:
        self.run(self._kill())

    async def _kill(self) -> None:
        assert self.controller is not None
        for task in self.controller.under_way:
            task.cancel()
        await self.inner.aclose()
        await self._start()

    @rule(i=st.integers(0, 3), manner=st.sampled_from(["honest", "honest", "lies", "refuses", "mute", "gone"]))
    def behave(self, i: int, manner: str) -> None:
        self.devices[i].manner = manner

    @rule(i=st.integers(0, 3), managed=st.booleans())
    def manage(self, i: int, managed: bool) -> None:
        self.run(self.store.write(miners.set_managed, self.devices[i].mac, managed, self.time.now))
        self.managed[i] = managed
        self.devices[i].heard.append((self.time.now, f"managed:{managed}", {}))

    @rule(i=st.integers(0, 3), is_there=st.booleans())
    def find_or_lose(self, i: int, is_there: bool) -> None:
        """What a sweep says of a miner: without an address nobody knows where it is."""
        ip = self.devices[i].ip if is_there else None
        change = Miner.update(ip=ip, online=is_there).where(Miner.mac == self.devices[i].mac)
        self.run(self.store.write(lambda db: change.execute(db)))

    @rule(name=st.sampled_from([None, "middle", "low"]))
    def limit(self, name: str | None) -> None:
        self.run(self.store.write(models.set_limits, "toy", {"max_preset": name}))
        for device in self.devices:
            device.heard.append((self.time.now, f"limit:{name}", {}))

    @invariant()
    def no_law_is_broken(self) -> None:
        for device in self.devices:
            assert device.most_at_once <= 1, "two commands at once"
            managed, limit = True, None
            reboots: list[float] = []
            for at, what, args in device.heard:
                if what.startswith("managed:"):
                    managed = what == "managed:True"
                elif what.startswith("limit:"):
                    limit = what.removeprefix("limit:")
                elif what == "preset":
                    assert managed
                    assert (limit, args["name"]) not in [("low", "middle"), ("low", "high"), ("middle", "high")]
                elif not (what == "locate" and not args["on"]):
                    assert managed, f"{what} of a miner that is not managed"
                if what == "reboot":
                    reboots = [*[then for then in reboots if then > at - 3600], at]
                    assert len(reboots) <= RULES.reboots_per_hour

    @invariant()
    def every_target_has_one_end(self) -> None:
        if self.controller is None:
            return
        for order in self.run(self.store.read(orders.listing, limit=1000)):
            _, targets = self.run(self.store.read(orders.one, order.id))
            for one in targets:
                place = (order.id, one.num)
                assert self.ended.get(place, one.state) == one.state
                if one.state in ENDS:
                    self.ended[place] = one.state
                if one.sent_at is not None:
                    assert one.sent_at < order.expires_at
                    assert one.sent_at <= self.closed.get(order.id, one.sent_at)
            assert (order.finished_at is not None) == all(one.state in ENDS for one in targets)

    def teardown(self) -> None:
        try:
            if self.controller is not None:
                self.run(self._finish())
        finally:
            if self.controller is not None:
                self.run(self.inner.aclose())
                self.run(self.stack.aclose())
            self.loop.close()
            self.folder.cleanup()

    async def _finish(self) -> None:
        """In the end nothing is forgotten, and what may not be done twice was not."""
        for _ in range(40):
            await self._pass(60)
            if not await self.store.read(orders.is_anything_open):
                break
        found = await self.store.read(orders.listing, limit=1000)
        assert all(order.finished_at is not None for order in found)
        whole = [await self.store.read(orders.one, order.id) for order in found]
        for device in self.devices:
            for at, what, args in device.heard:
                if what in VERBS and not (what == "locate" and not args["on"]):
                    assert any(_allows(order, targets, device.mac, what, at) for order, targets in whole), (what, at)
        for verb in (verb.name for verb in VERBS.values() if not verb.repeatable):
            asked = sum(what == verb for device in self.devices for _, what, _ in device.heard)
            sent = 0
            for order in found:
                if order.verb == verb:
                    sent += sum(one.sent_at is not None for one in (await self.store.read(orders.one, order.id))[1])
            assert asked <= sent, f"{verb} was sent twice"


def _allows(order: Order, targets: list[Target], mac: str, verb: str, at: float) -> bool:
    """Whether an order asks a miner for a verb at a time: given, and neither expired nor cancelled."""
    mine = any(one.mac == mac and one.sent_at is not None for one in targets)
    ended = order.cancelled_at is not None and order.cancelled_at < at
    same = verb == ("preset" if order.verb == "power" else order.verb)
    return mine and same and order.created_at <= at < order.expires_at and not ended


TestSteering = Steering.TestCase
TestSteering.settings = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # to shrink a failure takes minutes
)
