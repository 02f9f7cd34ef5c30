"""A small site: a simulated fleet on loopback, a real store, and the services between them, with a clock to turn."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from hived.clients.firmwares import Firmware, Link, families
from hived.clients.firmwares.http import open_session
from hived.records.miner_view import KnownMiner, MinerView
from hived.services.miners.catalogue import Catalogue
from hived.services.miners.complete import Completer
from hived.services.miners.discover import Discoverer
from hived.services.miners.keys import KeyKeeper
from hived.services.miners.poll import Poller
from hived.services.miners.sweep import LightScan, Range
from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.miner import SimulatedMiner
from hived.store import Store, events
from hived.store.miners import miners, views
from tests.clock import FakeClock
from tests.databases import Databases

SUBNET = "127.33.0.0/26"


class Site:
    """What the tests turn: `clock`, `fleet`, `store`; services are made anew as a restarted daemon would."""

    def __init__(self, fleet: Fleet, store: Store, clock: FakeClock, session: Any) -> None:
        self.fleet, self.store, self.clock = fleet, store, clock
        self.session = session
        self.subnets = [ipaddress.IPv4Network(fleet.subnet)]
        self.exclude: list[ipaddress.IPv4Network] = []
        self.passwords: tuple[str, ...] = ("admin",)

    def families(self, timeout_s: float = 20.0) -> dict[str, Firmware]:
        return families(Link(self.session, self.fleet.port, timeout_s))

    def keeper(self) -> KeyKeeper:
        return KeyKeeper(
            self.store, self.passwords, inside=lambda ip: ip in Range(self.subnets, self.exclude), clock=self.clock,
            monotonic=self.clock,
        )  # fmt: skip

    def discoverer(self, **changes: Any) -> Discoverer:
        """A discoverer that knows nothing but what is in the database: that of a daemon that has just started."""
        given: dict[str, Any] = {
            "ranges": lambda: Range(self.subnets, self.exclude),
            "scan": LightScan(
                [self.fleet.port], timeout_s=10.0, retry_timeout_s=10.0, concurrency=64, progress=lambda: None
            ),
            "node_id": "node-1",
            "probe_timeout_s": 20.0,
            "probe_concurrency": 16,
            "offline_after_scans": 2,
            "clock": self.clock,
            "monotonic": self.clock,
        }
        firmwares = changes.pop("firmwares", None) or self.families()
        completer = Completer(
            self.store, firmwares, self.keeper(), Catalogue(self.store, clock=self.clock), places=16, clock=self.clock,
            monotonic=self.clock,
        )  # fmt: skip
        return Discoverer(self.store, firmwares, **({"completer": completer} | given | changes))

    def poller(self, *, timeout_s: float = 20.0, **changes: Any) -> Poller:
        given: dict[str, Any] = {
            "status_every_s": 15.0, "chips_every_s": 60.0, "concurrency": 64, "unmanaged": True,
            "allows": lambda _ip: True, "clock": self.clock, "most_kept": 1000,
            "keeping": self.families(timeout_s), "closing": self.families(timeout_s),
        }  # fmt: skip
        return Poller(self.store, **(given | changes))

    async def row(self, miner: SimulatedMiner) -> KnownMiner:
        found = await self.store.read(miners.by_mac, miner.mac)
        assert found is not None, f"{miner.mac} is not in the database"
        return found

    async def view(self, miner: SimulatedMiner) -> MinerView:
        found = await self.store.read(views.miners, mac=miner.mac)
        assert found, f"{miner.mac} is not in the database"
        return found[0]


MakeSite = Callable[..., Any]


@pytest.fixture
async def make_site(databases: Databases, clock: FakeClock) -> AsyncIterator[MakeSite]:
    """`await make_site(count, **fleet_options)`: a site that is closed after the test."""
    async with AsyncExitStack() as stack:

        async def make(count: int, **options: Any) -> Site:
            given: dict[str, Any] = {"subnet": SUBNET, "clock": clock, "steady": True}
            fleet = await stack.enter_async_context(Fleet(count, **(given | options)))
            store = await stack.enter_async_context(Store.open(databases.url or databases.make()))
            session = await stack.enter_async_context(_closing(open_session(keepalive_s=60.0)))
            return Site(fleet, store, clock, session)

        yield make


@asynccontextmanager
async def _closing(session: Any) -> AsyncIterator[Any]:
    async with session:
        yield session


def macs(fleet_miners: Sequence[SimulatedMiner]) -> set[str]:
    return {miner.mac for miner in fleet_miners}


async def kinds(here: Site, num: int | None = None) -> list[str]:
    found = await here.store.read(events.newest, num=num, limit=1000)
    return [event.kind for event in found]
