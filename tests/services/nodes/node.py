"""A node with something to tell: a real database, and the service that carries, with clocks to turn."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from hived.records.access import By
from hived.records.condition import Moment
from hived.records.enrolling import EnrollCode, master_url
from hived.records.miner import MinerIdentity, ModelInfo, Preset
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.records.peers import ALIVE, MASTER, Peer
from hived.records.streams import MINERS, STREAMS
from hived.records.uplink import JOINED, Identity, Uplink
from hived.services.miners.sweep import Range
from hived.services.nodes import membership
from hived.services.nodes.join import Joiner
from hived.services.nodes.uplink import MasterLink
from hived.store import Database, Store, create, events
from hived.store.engine.epoch import epoch
from hived.store.miners import fleet_history, miners, models, readings
from hived.store.nodes import dead_letters, peers, streams, uplink
from hived.store.schema import Rollup5m
from tests import collected
from tests.clock import FakeClock
from tests.services.nodes.master import SmallMaster

OWN = "node-1"


class Node:
    """One appliance without its other daemons. `tick()` is one tick of hive-syncd; a restart is `node.anew()`."""

    def __init__(self, store: Store, clock: FakeClock, wanted: str, node_id: str = OWN) -> None:
        self.store, self.clock, self.wanted, self.node_id = store, clock, wanted, node_id
        self.elapsed = FakeClock(0.0)
        """The monotonic clock."""
        self.sync = self._made()

    def _made(self) -> MasterLink:
        return MasterLink(
            self.store, Identity(self.node_id, "north-shed", "north", "0.1.0"), wanted=self.wanted, health=_health,
            ranges=lambda: Range([IPv4Network("10.0.0.0/16")]),
            clock=self.clock, monotonic=self.elapsed, uniform=lambda low, high: high,
        )  # fmt: skip

    async def tick(self, seconds: float = 1.0, times: int = 1) -> Any:
        """Let hive-syncd tick, each time after so many seconds; return what went wrong in the last one."""
        err = None
        for _ in range(times):
            self.pass_(seconds)
            err = await self.sync.tick()
        return err

    def pass_(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.elapsed.advance(seconds)

    async def anew(self, wanted: str | None = None) -> None:
        """Stop hive-syncd and start it again."""
        await self.close()
        self.wanted = wanted if wanted is not None else self.wanted
        self.sync = self._made()

    async def close(self) -> None:
        await self.sync.__aexit__(None, None, None)

    async def asks(self, url: str, code: str | None = None, *, plain: bool = False) -> Uplink:
        """`hivectl join URL [CODE]`."""
        own = Identity(self.node_id, "north-shed", "north", "0.1.0")
        joiner = Joiner(self.store, own, wanted="auto", clock=self.clock)
        return await joiner.ask(master_url(url), code=None if code is None else EnrollCode.read(code), plain=plain)

    async def wants(self, url: str) -> Uplink:
        """`hivectl join URL`, and the operator saw the phrase there."""
        link = await self.asks(url)
        by = By(at=self.clock(), who="root", via="command", address=None)
        return await self.store.write(membership.confirm, str(link.url), str(link.phrase), by)

    async def link(self) -> Uplink:
        return await self.store.read(uplink.get)

    async def dead(self) -> list[tuple[str, int, str]]:
        return [(one.stream, one.seq, one.reason) for one in await self.store.read(dead_letters.rows)]

    async def told(self, stream: str) -> list[dict[str, Any]]:
        """Return all rows of a stream as they are to be told."""
        batch = await self.store.read(streams.batch, stream, node_id=OWN, after=0, items=10**6, size=1 << 30)
        return [json.loads(item.text) for item in batch.items]

    async def sees(self, url: str, *, master_id: str = "m-1", state: str = ALIVE, name: str = "site-master") -> None:
        """Let zeroconf show a master there."""
        tls, host, port = url.startswith("https"), url.split("/")[2].split(":")[0], int(url.rpartition(":")[2])
        found = Peer(
            name=name, id=master_id, role=MASTER, version="0.1.0", addresses=(host,), port=port, path="/api/v1",
            tls=tls, fingerprint=None, state=state, since=self.clock(), seen_at=self.clock(),
            verified_at=self.clock(),
        )  # fmt: skip
        await self.store.write(peers.save, [found])


async def _health() -> dict[str, Any]:
    return {"load_1m": 0.5}


@asynccontextmanager
async def a_node(folder: Path, clock: FakeClock, wanted: str = "auto", *, node_id: str = OWN) -> AsyncIterator[Node]:
    url = f"sqlite:///{folder / 'hived.db'}"
    create(url)
    async with Store.open(url) as store:
        node = Node(store, clock, wanted, node_id)
        try:
            yield node
        finally:
            await node.close()


def fill(db: Database, /, at: float, *, rigs: int = 3, slots: int = 4, said: int = 5) -> None:
    """Let a site have miners with statuses and rollups, and a museum with descriptions."""
    models.save(db, ModelInfo("s19", "Antminer S19", 76, 3), [Preset("1200", 1200.0)], "1.2.6", at)
    nums = []
    for n in range(1, rigs + 1):
        identity = MinerIdentity(f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}", model_alias="s19", hostname=f"rig-{n}")
        seen = miners.saw(
            db, miners.Sighting(identity, f"10.0.{n >> 8}.{n & 255}", at, "vnish", "chips password"), node_id=OWN
        )
        nums.append(seen.num)
    poll(db, nums, at)
    first = at // 300 * 300 - slots * 300
    rows = [{"at": first + 300 * i, "num": num, "n": 20, "hashing_n": 20, "hashrate_mean_hs": 1e14}
            for i in range(slots) for num in nums]  # fmt: skip
    for i in range(0, len(rows), 1000):
        Rollup5m.insert_many(rows[i : i + 1000]).execute(db)
    for minutes in (0, 5):  # the first stretch has ended when the next one begins
        fleet_history.look(db, Moment(at + 60 * minutes, 15.0), OWN)
    source = collected.add_source(db, at)
    for n in range(said):
        collected.describe(db, collected.collect(db, source, n, at), at, node_id=OWN)


def poll(db: Database, /, nums: list[int], at: float, **changes: Any) -> None:
    given: dict[str, Any] = {"state": "mining", "hashrate_hs": 1e14, "power_w": 3000.0} | changes
    readings.save(db, [PollOutcome(num, at, status=StoredStatus(num=num, at=at, **given)) for num in nums])


MakeNode = Callable[[str], Awaitable[Node]]


async def joined(make_node: MakeNode, master: SmallMaster) -> Node:
    node = await make_node("auto")
    await node.wants(master.url)
    master.approve()
    await node.tick(5)
    assert (await node.link()).state == JOINED
    return node


async def kinds(node: Node) -> list[str]:
    return [event.kind for event in await node.store.read(events.newest)]


async def everything_arrived(node: Node, master: SmallMaster) -> None:
    incarnation = await node.store.read(epoch)
    for stream in STREAMS:
        rows = await node.told(stream)
        held = {seq: row for (made, seq), row in master.items[stream].items() if made == incarnation}
        wanted = {row["seq"]: row for row in rows}
        if stream == MINERS:  # a row that changed has another number; the one before may be there, too
            held = {seq: row for seq, row in held.items() if seq in wanted}
        assert held == wanted, stream
