"""A miner that is carried from one node's site to another's: nothing of it is lost, and nobody tries for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hived.records.access import By
from hived.records.events import Event
from hived.records.miner import MinerIdentity
from hived.records.streams import MINERS, STATUS
from hived.services.miners import steering
from hived.store import Database, events
from hived.store.engine.database import tuples
from hived.store.miners import history, miners, views
from hived.store.nodes import contested, nodes
from hived.store.schema import Event as EventRow
from hived.store.schema import Miner, Rollup5m
from tests.services.nodes.node import Node, a_node, poll
from tests.services.nodes.test_real_master import START, Master, clock, master, node, stack

__all__ = ["clock", "master", "node", "stack"]
MAC = "02:00:00:00:00:07"


@pytest.fixture
async def other(master: Master, node: Node, tmp_path: Path, stack: Any) -> Node:
    """A second node of the same master."""
    (tmp_path / "other").mkdir()
    made: Node = await stack.enter_async_context(a_node(tmp_path / "other", node.clock, node_id="node-2"))
    link = await made.wants(master.url)
    await master.store.write(nodes.approve, "node-2", link.phrase, by="test", now=node.clock())
    await made.tick(5)
    return made


def sees(db: Database, /, at: float, node_id: str) -> int:
    identity = MinerIdentity(MAC, model_alias="s19", hostname="rig-7")
    num = miners.saw(db, miners.Sighting(identity, "10.0.0.7", at), node_id=node_id).num
    poll(db, [num], at)
    return num


def works(db: Database, /, num: int, first: float, until: float) -> None:
    """Let a miner have rollups of the stretches from `first` on that ended, and an event for each."""
    for at in range(int(first // 300 * 300), int(until - 300) + 1, 300):
        Rollup5m.insert(at=float(at), num=num, n=20, hashing_n=20, hashrate_mean_hs=1e14).on_conflict_ignore().execute(
            db
        )
        events.add(db, [Event("reboot", float(at), {"at": at}, num=num)])


def told(db: Database) -> tuple[list[float], list[int]]:
    """What the master knows of the miner: the times of its rollups and of its reboots."""
    num = Miner.select(Miner.num).where(Miner.mac == MAC).bind(db).scalar()
    rows = [row["at"] for row in history.rollups(db, num, since=0.0, width_s=300.0)]
    kinds = EventRow.select(EventRow.at).where(EventRow.num == num, EventRow.kind == "reboot").order_by(EventRow.at)
    return rows, [at for (at,) in tuples(kinds, db)]


@pytest.mark.parametrize(("way_s", "work_s"), [(60, 400), (900, 1200)], ids=["at once", "later"])
async def test_a_move_to_another_site_loses_nothing(
    master: Master, node: Node, other: Node, way_s: float, work_s: float
) -> None:
    """The first node's line is cut: the second one tells of the miner first, within the ten minutes or after them."""
    left = node.clock()
    num = await node.store.write(sees, left, "node-1")
    await node.tick(5)
    await node.store.write(works, num, left - 3600, left)
    node.pass_(way_s)
    arrived = node.clock()
    there = await other.store.write(sees, arrived, "node-2")
    await other.tick(5)
    other.pass_(work_s)
    await other.store.write(works, there, arrived, other.clock())
    await other.tick(5)
    assert await other.dead() == [], "no list that a person has to work through"
    (view,) = await master.store.read(views.miners, mac=MAC)
    assert view.node_id == ("node-1" if way_s < 600 else "node-2")
    if way_s < 600:
        assert await other.store.read(contested.waiting) == [there]
        assert await master.store.read(told) == ([], [])

    # The line works again: the first node says that the miner is gone, and all that it could not tell.
    await node.store.write(miners.missed, [num], node.clock(), offline_after=1)
    await node.tick(5, times=2)
    other.elapsed.advance(300)
    await other.tick(5, times=2)
    (view,) = await master.store.read(views.miners, mac=MAC)
    assert (view.node_id, view.online) == ("node-2", True)
    assert await other.store.read(contested.count) == 0
    wanted = sorted({*_times(left - 3600, left), *_times(arrived, arrived + work_s)})
    rows, reboots = await master.store.read(told)
    assert rows == wanted
    assert sorted(set(reboots)) == wanted


async def test_a_miner_that_two_nodes_see_for_good_costs_one_row_now_and_then(
    master: Master, node: Node, other: Node
) -> None:
    num = await node.store.write(sees, node.clock(), "node-1")
    await node.tick(5)
    there = await other.store.write(sees, node.clock(), "node-2")
    sent = []
    for _ in range(30):
        node.pass_(60)
        await node.store.write(poll, [num], node.clock())
        await node.tick(5)
        await other.store.write(works, there, node.clock() - 600, node.clock())
        await other.tick(5)
        other.elapsed.advance(60)
        sent.append((await other.told(MINERS))[0]["seq"])
    assert await other.dead() == []
    assert len(set(sent)) <= 30 / 5 + 2, "the row alone is told again, every five minutes"
    assert await other.store.read(contested.waiting) == [there]
    assert (await master.store.read(told))[1] == []
    assert "0 behind" in other.sync.summary()
    assert (await other.told(STATUS)) != []


async def test_removing_it_at_the_master_lets_it_go_to_the_node(master: Master, node: Node) -> None:
    """The operator's word: the master's own miner was carried to a node."""
    at = node.clock()

    def was_ours(db: Database) -> int:
        identity = MinerIdentity(MAC, model_alias="s19")
        return miners.saw(db, miners.Sighting(identity, "10.9.0.7", at - 7200), node_id="master-1").num

    own = await master.store.write(was_ours)
    await master.store.write(miners.missed, [own], at - 3600, offline_after=1)
    num = await node.store.write(sees, at, "node-1")
    await node.store.write(works, num, at - 1800, at)
    await node.tick(5, times=2)
    (view,) = await master.store.read(views.miners, mac=MAC)
    assert not view.remote
    by = By(at=node.clock(), who="op", via="command", address=None)
    await master.store.write(steering.remove_miner, MAC, by)
    node.pass_(300)
    await node.tick(5, times=2)
    (view,) = await master.store.read(views.miners, mac=MAC)
    assert (view.remote, view.node_id) == (True, "node-1")
    wanted = _times(at - 1800, at)
    assert await master.store.read(told) == (wanted, wanted)


def _times(first: float, until: float) -> list[float]:
    return [float(at) for at in range(int(first // 300 * 300), int(until - 300) + 1, 300)]


assert START
