"""What a node says counts for its own miners, in the time in which it had them; on both kinds of database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hived.api.nodes import ingest_parse
from hived.records.miner import MinerIdentity
from hived.records.streams import MAX_SAMPLES, NOT_ITS_TIME, OTHER_OWNER, UNKNOWN_MINER
from hived.store import Database, Store, commands
from hived.store.engine.database import dicts, tuples
from hived.store.miners import history, miners, ownership, views
from hived.store.nodes import ingest, nodes
from hived.store.schema import Event, Miner, Ownership, Rollup1h, Rollup5m
from tests import nodes as fleet
from tests.api import farm
from tests.nodes import NOW

SLOT = NOW // 300 * 300
RIG = 7


class Site:
    """A master with the nodes n1, n2 and n3; each call is one delivery."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW
        self._batches = 0

    async def send(self, node_id: str, stream: str, items: list[Any], **more: Any) -> list[str]:
        """Send items and return why some were not taken."""
        self._batches += 1
        last = max((item["seq"] for item in items), default=0)
        told = fleet.batch(node_id, stream, min(1, last), last, items, epoch=f"e{self._batches}", **more)
        taken = await self.store.merge(ingest.take, node_id, ingest_parse.batch(told, node_id, self.now), self.now)
        assert not taken.gap
        return [one.reason for one in taken.rejected]

    async def has(self, node_id: str, n: int = RIG, **changes: Any) -> list[str]:
        return await self.send(node_id, "miners", [fleet.miner(1, n, self.now, **changes)])

    async def was_seen_by(self, node_id: str, at: float) -> None:
        """Let a node tell of the miner, and fall silent."""
        now, self.now = self.now, at
        await self.has(node_id)
        await self.send(node_id, "status", [], latest=[fleet.latest(RIG, at)])
        self.now = now

    async def rolled(self, node_id: str, at: float, n: int = 20, rig: int = RIG, **changes: Any) -> list[str]:
        return await self.send(node_id, "status", [fleet.rollup(rig, at, n=n, **changes)])

    async def rows(self, table: Any = Rollup5m) -> dict[float, int]:
        return dict(await self.store.read(lambda db: tuples(table.select(table.at, table.n), db)))

    async def owner(self) -> tuple[str | None, bool]:
        (view,) = await self.store.read(views.miners, mac=fleet.mac_of(RIG))
        return view.node_id, view.remote


@pytest.fixture
async def site(store: Store) -> Site:
    for node in ("n1", "n2", "n3"):
        await store.write(fleet.let_in, node, NOW)
    return Site(store)


async def own_miner(store: Store, at: float, *, online: bool = True) -> int:
    """A miner that the master found itself."""

    def find(db: Database) -> int:
        identity = MinerIdentity(fleet.mac_of(RIG), model_alias="s19")
        num = miners.saw(db, miners.Sighting(identity, "127.20.0.7", at), node_id="id-1").num
        if not online:
            miners.missed(db, [num], at, offline_after=1)
        return num

    return await store.write(find)


async def test_nobody_fills_the_history_of_a_miner_that_it_never_had(site: Site) -> None:
    await site.has("n1")
    for at in (SLOT - 300, SLOT - 3600, SLOT - 86_400 * 40):
        assert await site.rolled("n2", at, n=MAX_SAMPLES) == [OTHER_OWNER]
    assert await site.rows() == {}
    assert await site.rolled("n1", SLOT - 300) == []
    assert await site.rows() == {SLOT - 300: 20}
    assert await site.rolled("n3", SLOT - 300, rig=8) == [UNKNOWN_MINER]


async def test_the_masters_own_miners_have_the_masters_own_history(site: Site) -> None:
    for online in (True, False):
        num = await own_miner(site.store, NOW - 3600, online=online)
        assert await site.has("n1") == [OTHER_OWNER]
        for at in (SLOT - 300, SLOT - 7200):
            assert await site.rolled("n1", at, n=MAX_SAMPLES, hashrate_mean_hs=666e12) == [OTHER_OWNER]
        await site.store.write(farm.poll, num, SLOT - 290)
    await site.store.write(history.roll_up, 300.0, NOW + 600)
    assert await site.rows() == {SLOT - 300: 1}
    assert await site.rows(Rollup1h) == {}


@pytest.mark.parametrize("online", [True, False])
async def test_what_the_master_watches_nobody_takes_over(site: Site, online: bool) -> None:
    await own_miner(site.store, NOW - 86_400, online=online)
    for _ in range(3):
        assert await site.has("n1", hostname="mine") == [OTHER_OWNER]
    assert await site.owner() == ("id-1", False)
    told = await site.store.read(lambda db: tuples(Event.select(Event.kind, Event.detail), db))
    claims = [json.loads(detail) for kind, detail in told if kind == "miner_elsewhere"]
    assert claims == ([] if online else [{"node_id": "n1", "node": "n1", "mac": fleet.mac_of(RIG)}]), "said once"


async def test_a_node_that_leaves_takes_along_what_it_brought_and_nothing_else(site: Site) -> None:
    await own_miner(site.store, NOW - 86_400, online=False)
    await site.has("n1", 20)
    await site.has("n1", 21)
    await site.rolled("n1", SLOT - 600, rig=20)
    await site.rolled("n1", SLOT - 600, rig=21)
    await site.has("n1", 20, online=False)
    for n in (RIG, 20, 30):
        await site.has("n2", n)
    await site.rolled("n2", SLOT - 600, rig=30)
    await site.store.write(nodes.remove, "n2")
    left = {view.mac: (view.node_id, view.remote) for view in await site.store.read(views.miners)}
    assert left == {
        fleet.mac_of(RIG): ("id-1", False), fleet.mac_of(20): ("n1", True), fleet.mac_of(21): ("n1", True),
    }  # fmt: skip
    assert await site.has("n1", 20) == []
    assert await site.rolled("n1", SLOT - 300, rig=20) == [], "it is that node's again, as if nothing had been"
    await site.store.write(nodes.remove, "n1")
    assert [view.mac for view in await site.store.read(views.miners)] == [fleet.mac_of(RIG)]
    assert await site.rows() == {}, "the next miner may get the number"


async def test_what_a_node_of_0_1_0_had_taken_from_the_master_goes_back_to_it(site: Site) -> None:
    num = await own_miner(site.store, NOW - 3600)

    def as_0_1_0_left_it(db: Database) -> None:
        Miner.update(remote=True, node_id="n1").where(Miner.num == num).execute(db)
        Ownership.insert(num=num, node_id=None, since=0.0, sure_from=0.0, sure_until=1.0, until=1.0).execute(db)
        ownership.first_told(db, [num], "n1")

    await site.store.write(as_0_1_0_left_it)
    await site.store.write(nodes.remove, "n1")
    (_, remote) = await site.owner()
    assert not remote


async def test_events_of_others_miners_are_not_taken(site: Site) -> None:
    await site.has("n1")
    own = await own_miner(site.store, NOW)
    await site.has("n1", 20)
    told = [fleet.event(1, 20), fleet.event(2, RIG), fleet.event(3, 99), fleet.event(4)]
    assert await site.send("n2", "events", told) == [OTHER_OWNER, OTHER_OWNER]
    rows = await site.store.read(lambda db: dicts(Event.select().where(Event.node_id == "n2"), db))
    assert [(row["num"], json.loads(row["detail"])) for row in rows] == [
        (None, {"n": 3, "mac": fleet.mac_of(99)}), (None, {"n": 4}),
    ]  # fmt: skip
    assert await site.send("n1", "events", [fleet.event(1, 20), fleet.event(2, RIG)]) == [OTHER_OWNER]
    assert not await site.store.read(
        lambda db: tuples(Event.select().where(Event.num == own, Event.node_id == "n1"), db)
    )


async def test_a_move_loses_nothing_and_each_has_its_own_time(site: Site) -> None:
    """n1 sees it until an hour ago, n2 from forty minutes ago on; what both know arrives late, and n2's first."""
    await site.was_seen_by("n1", NOW - 3600)
    assert await site.has("n2") == [], "n1 has not seen it for longer than ten minutes"
    assert await site.owner() == ("n2", True)
    moved = SLOT - 3600
    for at in (SLOT - 2400, SLOT - 2100, SLOT - 300):
        assert await site.rolled("n2", at, n=30) == []
    assert await site.rolled("n2", moved - 300) == [NOT_ITS_TIME]
    assert await site.send("n2", "events", [fleet.event(1, RIG, NOW - 2390)]) == []
    assert await site.send("n2", "events", [fleet.event(1, RIG, NOW - 86_400)]) == [NOT_ITS_TIME]
    for at in (moved - 3600, moved - 300, moved):
        assert await site.rolled("n1", at) == []
    assert await site.send("n1", "events", [fleet.event(1, RIG, NOW - 3610)]) == []
    site.now = NOW + 900
    assert await site.rolled("n1", SLOT + 300) == [OTHER_OWNER], "it is not there any more"
    assert await site.rows() == {
        moved - 3600: 20, moved - 300: 20, moved: 20, SLOT - 2400: 30, SLOT - 2100: 30, SLOT - 300: 30,
    }  # fmt: skip


async def test_who_had_it_first_is_right_about_the_time_before_it_was_known_to_have_left(site: Site) -> None:
    """A node that lies in wait for the silence of another one does not write what that one saw meanwhile."""
    await site.was_seen_by("n1", NOW - 3600)
    await site.has("n2")
    lies = [SLOT - 3300 + 300 * i for i in range(11)]
    for at in lies:
        await site.rolled("n2", at, n=MAX_SAMPLES, hashrate_mean_hs=0.0)
    for at in lies:  # its line was cut, no more: it tells now what it saw
        assert await site.rolled("n1", at, n=20) == []
        await site.rolled("n2", at, n=MAX_SAMPLES)
    assert await site.rows() == dict.fromkeys(lies, 20)
    hours = await site.rows(Rollup1h)
    assert sum(hours.values()) == 20 * len(lies), "and the hours are made of it"


async def test_a_miner_that_comes_home_to_the_master_brings_what_its_node_knew(site: Site) -> None:
    await site.has("n1")
    await own_miner(site.store, NOW - 1000)
    assert await site.owner() == ("id-1", False)
    found = SLOT - 1200  # it was found in this stretch
    assert await site.rolled("n1", found - 300) == []
    for at in (found, found + 300, SLOT - 300):
        assert await site.rolled("n1", at) == [OTHER_OWNER]
    assert await site.rows() == {found - 300: 20}


async def test_only_so_many_stretches_of_a_miner_are_remembered(site: Site) -> None:
    for turn in range(ownership.MOST + 5):
        here, there = ("n1", "n2") if turn % 2 else ("n2", "n1")
        await site.has(here)
        await site.has(here, online=False)
        assert await site.has(there) == []
        await site.has(there, online=False)
    assert len(await site.store.read(lambda db: dicts(Ownership.select(), db))) <= ownership.MOST + 1


@pytest.mark.parametrize(
    ("at", "n", "taken"),
    [
        (SLOT - 300, MAX_SAMPLES, True), (SLOT - 300, MAX_SAMPLES + 1, False), (SLOT, 20, True),
        (SLOT + 300, 20, False), (SLOT + 3000, 20, False), (SLOT + 86_400 * 365, 20, False),
    ],
)  # fmt: skip
async def test_a_rollup_has_room_in_its_stretch_and_the_stretch_has_begun(
    site: Site, at: float, n: int, taken: bool
) -> None:
    await site.has("n1")
    assert (await site.rolled("n1", at, n=n) == []) is taken
    assert await site.rows() == ({at: n} if taken else {})


async def test_two_nodes_that_see_one_miner_do_not_pull_at_it(site: Site) -> None:
    await site.has("n1")
    for _ in range(3):
        assert await site.has("n2") == [OTHER_OWNER], "also before anybody has polled it"
    assert await site.owner() == ("n1", True)


async def test_a_node_of_0_1_0_is_not_told_of_miners_that_it_would_set_aside(site: Site) -> None:
    await site.has("n1")
    assert await site.send("n2", "miners", [fleet.miner(1, RIG)], wire=1) == []
    assert await site.send("n2", "events", [fleet.event(1, RIG)], wire=1) == []
    assert await site.owner() == ("n1", True)


async def test_a_password_goes_to_the_node_that_had_the_miner_when_it_was_given(site: Site) -> None:
    await site.has("n1")
    told = {"mac": fleet.mac_of(RIG), "password": "s3cret"}
    await site.store.write(commands.give, "n1", "hive-syncd", "set_unlock_pass", told, NOW)
    await site.has("n1", online=False)
    site.now = NOW + 5
    await site.has("n2")
    for node_id in ("n1", "n2"):
        assert await site.store.write(commands.waiting, node_id, secure=True, now=NOW + 10) == []
    await site.has("n2", online=False)
    await site.has("n1")
    assert await site.store.write(commands.waiting, "n1", secure=True, now=NOW + 10) == [], "it was given up"
    await site.store.write(commands.give, "n1", "hive-syncd", "set_unlock_pass", told, NOW + 20)
    (order,) = await site.store.write(commands.waiting, "n1", secure=True, now=NOW + 30)
    assert order.args["password"] == "s3cret"
