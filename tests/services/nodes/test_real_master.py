"""The node's side against the real application of hive-apid: what one writes the other reads."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hived.api.app import make_app
from hived.api.http.listener import Listener
from hived.api.miners.live_miners import LiveMiners
from hived.records.access import By
from hived.records.daemon import DaemonRow
from hived.records.events import Event
from hived.records.joining import hash_of
from hived.records.miner import MinerIdentity
from hived.records.streams import EVENTS, STREAMS
from hived.records.uplink import ASKING, JOINED, REFUSED, Identity
from hived.runtime.outlet import Outlet
from hived.services.appliance import backup, restore
from hived.services.appliance.tls import Tls
from hived.services.nodes import membership
from hived.services.nodes.prove import find_over_tls
from hived.services.nodes.upload import begin_anew
from hived.store import Database, Store, daemon_rows, events
from hived.store import commands as orders
from hived.store.collecting import artifacts
from hived.store.engine.epoch import epoch
from hived.store.miners import history, miners, views
from hived.store.nodes import contacts, ingest, nodes, uplink
from hived.store.schema import Miner, Rollup5m
from tests import collected
from tests.clock import FakeClock
from tests.databases import Databases
from tests.services.nodes.node import OWN, Node, a_node, fill, poll

START = time.time() // 300 * 300
"""Certificates are good for a time that begins now."""


@dataclass
class Master:
    store: Store
    url: str
    pin: str


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


@pytest.fixture
async def master(databases: Databases, clock: FakeClock, tmp_path: Path, stack: AsyncExitStack) -> Master:
    """A master over TLS with a certificate of its own making, on either database."""
    store = await stack.enter_async_context(Store.open(databases.make(), tmp_path))
    await store.write(contacts.own, "master-1", name="site-master", site=None, version="0.1.0", now=clock())
    tls = Tls(None, tmp_path, "site-master")
    fleet = LiveMiners(store, status_seconds=15.0)
    await fleet.beat()
    app = make_app(
        store, fleet=fleet, node_name="site-master", node_id="master-1", clock=clock, certificate=tls.current
    )  # fmt: skip
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    listener = Listener(runner, "127.0.0.1", 0, tls=tls.context, plain=True)
    await listener.start()
    return Master(store, f"https://127.0.0.1:{listener.port}", tls.current().pin)


@pytest.fixture
async def node(master: Master, tmp_path: Path, clock: FakeClock, stack: AsyncExitStack) -> Node:
    """A node that has joined."""
    (tmp_path / "node").mkdir()
    made = await stack.enter_async_context(a_node(tmp_path / "node", clock))
    link = await made.wants(master.url)
    assert link.state == ASKING
    await master.store.write(nodes.approve, OWN, link.phrase, by="test", now=clock())
    assert await made.tick(5) is None
    assert (await made.link()).state == JOINED
    return made


async def test_the_phrase_that_the_node_logs_is_the_one_that_the_master_shows(
    master: Master, tmp_path: Path, clock: FakeClock, stack: AsyncExitStack
) -> None:
    (tmp_path / "node").mkdir()
    node = await stack.enter_async_context(a_node(tmp_path / "node", clock))
    await node.wants(master.url)
    await node.tick()
    link = await node.link()
    (waiting,) = [one for one in await master.store.read(contacts.listing) if one.node_id == OWN]
    assert [key.phrase for key in waiting.keys] == [link.phrase]
    assert link.pin == master.pin
    await node.tick(5, times=3)
    assert (await node.link()).state == ASKING, "nothing before a person said yes"


async def test_all_streams_arrive(master: Master, node: Node, caplog: pytest.LogCaptureFixture) -> None:
    await node.store.write(fill, node.clock(), rigs=7, slots=30, said=9)
    for number in range(1, 10):
        await node.store.write(collected.read, number, node.clock(), node_id=OWN)
    assert await node.tick(5) is None
    held = await master.store.read(ingest.held, OWN, await node.store.read(epoch))
    newest = {stream: (await node.told(stream))[-1]["seq"] for stream in STREAMS}
    assert held == newest
    assert await node.dead() == []
    assert "understood" not in caplog.text, "what one writes the other reads"
    seen = await master.store.read(views.miners)
    assert [(m.mac, m.node_id, m.status.power_w if m.status else None) for m in seen] == [
        (f"02:00:00:00:00:{n:02x}", OWN, 3000.0) for n in range(1, 8)
    ]
    for miner in seen:
        rows = await master.store.read(history.rollups, miner.num, since=0.0, width_s=300.0)
        assert len(rows) == 30
    kept = await master.store.read(artifacts.newest, limit=100)
    assert sorted(one.url for one in kept) == [f"https://museum.example/objects/{n}" for n in range(9)]
    assert {bubble["node_id"] for one in kept for bubble in one.bubbles} == {OWN}
    own = await node.store.read(artifacts.newest, limit=100)
    here, there = ({one.url: {b["kind"]: b["id"] for b in one.bubbles} for one in found} for found in (own, kept))
    assert here == there
    assert {kind for kinds in there.values() for kind in kinds} == {"description", "facts"}
    told = await master.store.read(events.newest, limit=100)
    assert sum(event.kind == "miner_found" for event in told) == 7


async def test_a_node_that_is_stopped_left_and_is_not_missed(master: Master, node: Node) -> None:
    async def state() -> str | None:
        (one,) = [one for one in await master.store.read(contacts.listing) if one.node_id == OWN]
        return one.state

    assert await state() == "alive"
    await node.sync.goodbye()
    assert await state() == "left"
    assert await master.store.write(contacts.watch, node.clock() + 86_400, since=0.0) == []
    assert await state() == "left"
    await node.anew()
    await node.tick(5)
    assert await state() == "alive"


async def test_a_box_that_was_a_master_once_can_become_a_node(
    master: Master, tmp_path: Path, clock: FakeClock, stack: AsyncExitStack
) -> None:
    (tmp_path / "node").mkdir()
    node = await stack.enter_async_context(a_node(tmp_path / "node", clock, "auto"))
    await node.store.write(contacts.own, OWN, name="old", site=None, version="0.1.0", now=clock())
    apid = DaemonRow("hive-apid", pid=1, version="0.1.0", started_at=clock(), beat_at=clock(), status="")
    await node.store.write(daemon_rows.save_daemon, apid)
    await node.tick(uplink.RETIRED_S + 60)
    assert "is the master" in node.sync.summary(), "nobody named another one"
    await node.anew(master.url)
    await node.tick()
    assert f"{master.url} (syncd.master) offers itself" in node.sync.summary()
    await node.wants(master.url)
    await node.tick()
    assert (await node.link()).state == ASKING
    await node.store.write(daemon_rows.save_daemon, replace(apid, beat_at=clock()))
    await node.tick()
    assert "is the master" in node.sync.summary(), "its hive-apid serves again"


async def test_all_again_under_another_epoch_changes_nothing(master: Master, node: Node) -> None:
    await node.store.write(fill, node.clock(), rigs=3, slots=6, said=4)
    await node.store.write(collected.read, 1, node.clock(), node_id=OWN)
    await node.tick(5)
    before = await counts(master)
    await node.store.write(begin_anew, "master-1", node.clock())
    await node.anew()
    await node.tick(5, times=3)
    assert await counts(master) == before
    held = await master.store.read(ingest.held, OWN, await node.store.read(epoch))
    assert held == {stream: (await node.told(stream))[-1]["seq"] for stream in STREAMS}
    await node.store.write(events.add, [Event("reboot", node.clock(), {}, num=1)])
    await node.tick(5)
    assert (await counts(master))["events"] == before["events"] + 1


async def test_a_node_that_was_restored_from_a_backup_goes_on_without_loss_or_repeats(
    master: Master, node: Node, tmp_path: Path, clock: FakeClock, stack: AsyncExitStack
) -> None:
    await node.store.write(fill, node.clock(), rigs=3, slots=6, said=4)
    await node.tick(5, times=2)
    made, archive = tmp_path / "node", tmp_path / "backup.tar"
    with Outlet(archive) as out:
        backup.make(made / "hived.db", made, out, version="0.1.0", at=clock(), node_id=OWN, name="north-shed")

    def more(db: Database, number: int) -> None:
        """A miner, five minutes of it and an event."""
        identity = MinerIdentity(f"02:00:00:00:01:{number:02x}", model_alias="s19", hostname=f"late-{number}")
        seen = miners.saw(db, miners.Sighting(identity, f"10.0.1.{number}", clock()), node_id=OWN)
        Rollup5m.insert(at=clock() // 300 * 300, num=seen.num, n=20, hashing_n=20).execute(db)
        events.add(db, [Event("reboot", clock(), {"n": number}, num=seen.num)])

    node.pass_(600)
    await node.store.write(more, 1)  # told after the backup was made, under numbers that are given again
    await node.store.write(more, 2)
    await node.tick(5, times=2)
    before = await counts(master)
    await node.close()

    again = tmp_path / "again"
    again.mkdir()
    by = By(at=clock(), who="root", via="command", address=None)
    with archive.open("rb") as source:
        restore.restore(source, again / "hived.db", again, by=by)
    restored = await stack.enter_async_context(a_node(again, clock))
    await restored.tick(5, times=3)
    assert (await restored.link()).state == JOINED
    assert await counts(master) == before | {"events": before["events"] + 1}, "only that it was restored is new"
    clock.advance(300)
    await restored.store.write(more, 3)
    await restored.store.write(more, 1)  # found again, with new times
    await restored.tick(5, times=2)
    after = await counts(master)
    assert after["miners"] == before["miners"] + 1
    assert after["rollups"] == before["rollups"] + 2
    told = [event.detail for event in await master.store.read(events.newest, limit=1000) if event.kind == "reboot"]
    assert sorted(one["n"] for one in told) == [1, 1, 2, 3]
    assert await restored.dead() == []


async def counts(master: Master) -> dict[str, int]:
    stats = await master.store.read(artifacts.stats)
    found = await master.store.read(views.miners)
    rows = 0
    for miner in found:
        rows += len(await master.store.read(history.rollups, miner.num, since=0.0, width_s=300.0))
    return {
        "artifacts": stats["artifact_count"], "bubbles": stats["bubble_count"], "miners": len(found), "rollups": rows,
        "events": len(await master.store.read(events.newest, limit=1000)),
    }  # fmt: skip


async def test_a_revoked_node_is_refused_and_tells_nothing_more(master: Master, node: Node) -> None:
    await node.store.write(fill, node.clock())
    await node.tick(5)
    await master.store.write(nodes.revoke, OWN, by="test", now=node.clock())
    await node.store.write(poll, [1, 2, 3], node.clock() + 10, power_w=1234.0)
    await node.tick(15)
    assert (await node.link()).state == REFUSED
    seen = await master.store.read(views.miners)
    assert {m.status.power_w for m in seen if m.status} == {3000.0}


async def test_an_order_is_done_once_and_its_end_is_told(master: Master, node: Node) -> None:
    await node.store.write(fill, node.clock())
    await node.tick(5)
    mac = "02:00:00:00:00:01"
    given = {
        "managed": await master.store.write(
            orders.give, OWN, "hive-syncd", "set_managed", {"mac": mac, "managed": True}, node.clock()
        ),
        "password": await master.store.write(
            orders.give, OWN, "hive-syncd", "set_unlock_pass", {"mac": mac, "password": "geheim"}, node.clock()
        ),
        "bad": await master.store.write(orders.give, OWN, "hive-syncd", "explode", {}, node.clock()),
    }
    await node.tick(15)
    await node.tick(1)
    await node.tick(15)
    row = await node.store.read(miners.by_mac, mac)
    assert row is not None
    assert row.managed
    assert row.unlock_password == "geheim"
    results = {name: await master.store.read(_result, number) for name, number in given.items()}
    assert results["managed"] == results["password"] == '{"ok": true}'
    assert "does not know the order" in results["bad"]
    await node.tick(5)
    (seen,) = await master.store.read(views.miners, mac=mac)
    assert seen.managed, "and the master sees what came of it"


def _result(db: Database, number: int) -> Any:
    from hived.store.schema import Command

    return Command.select(Command.result).where(Command.id == number).bind(db).scalar()


async def test_the_key_is_changed_at_the_real_master(master: Master, node: Node) -> None:
    old = (await node.link()).key
    await node.store.write(uplink.rotate_soon)
    await node.tick(15)
    await node.tick(5)
    new = (await node.link()).key
    assert old is not None
    assert new is not None
    assert new != old
    (seen,) = [one for one in await master.store.read(contacts.listing) if one.node_id == OWN]
    assert {key.key_id: key.status for key in seen.keys} == {old.id: "revoked", new.id: "active"}
    assert hash_of(new.secret) == new.secret_hash


async def test_two_days_of_backlog_are_worked_off(master: Master, node: Node) -> None:
    await node.store.write(fill, node.clock(), rigs=10, slots=576, said=0)
    began = time.monotonic()
    await node.tick(5)
    seen = await master.store.read(views.miners)
    rows = await master.store.read(history.rollups, seen[0].num, since=0.0, width_s=300.0)
    assert len(rows) == 576
    assert node.sync.summary() == "joined site-master, 0 behind"
    print(f"5,760 rollups in {time.monotonic() - began:.1f} s")


async def test_a_miner_that_the_master_has_lost_is_told_of_again(master: Master, node: Node) -> None:
    await node.store.write(fill, node.clock(), rigs=2, slots=2, said=1)
    await node.tick(5)
    await master.store.write(lambda db: Miner.delete().where(Miner.mac == "02:00:00:00:00:02").execute(db))

    def later(db: Database) -> Any:
        return Rollup5m.insert(at=START + 300, num=2, n=1, hashing_n=1).execute(db)

    node.pass_(600)
    await node.store.write(later)
    await node.tick(5)
    assert await node.dead() == [], "nobody could send it again"
    assert {view.mac for view in await master.store.read(views.miners)} == {"02:00:00:00:00:01"}
    await node.tick(5)
    assert len(await master.store.read(views.miners)) == 2


async def _secure(master: Master) -> bool:
    (seen,) = [one for one in await master.store.read(contacts.listing) if one.node_id == OWN]
    return seen.secure


async def test_a_join_that_begins_with_http_goes_over_to_tls_before_anything_is_said(
    master: Master, tmp_path: Path, clock: FakeClock, stack: AsyncExitStack
) -> None:
    (tmp_path / "node").mkdir()
    named = master.url.replace("https:", "http:")
    node = await stack.enter_async_context(a_node(tmp_path / "node", clock, named))
    link = await node.wants(named)
    assert (link.url, link.pin) == (master.url, master.pin)
    await master.store.write(nodes.approve, OWN, link.phrase, by="test", now=clock())
    await node.tick(5, times=5)
    assert (await node.link()).state == JOINED, "the configuration names the same place"
    assert await _secure(master)


async def test_a_node_that_joined_without_tls_goes_on_until_it_is_secured(
    master: Master, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    await node.store.write(fill, node.clock())
    await node.tick(5)
    joined = await node.link()
    await node.store.write(
        uplink.note, joined.key, url=master.url.replace("https:", "http:"), pin=None, fingerprint=None
    )
    await node.anew("auto")
    caplog.clear()
    await node.tick(15, times=2)
    link = await node.link()
    assert (link.state, await _secure(master)) == (JOINED, False)
    assert link.proven_at is not None
    assert caplog.text.count("hivectl secure") == 1
    assert (await node.told(EVENTS))[-1]["seq"] == (
        await master.store.read(ingest.held, OWN, await node.store.read(epoch))
    )[EVENTS]
    mac = "02:00:00:00:00:01"
    args = {"mac": mac, "password": "geheim"}
    given = await master.store.write(orders.give, OWN, "hive-syncd", "set_unlock_pass", args, node.clock())
    await node.tick(15, times=2)
    assert await master.store.read(_result, given) is None, "it waits for TLS"
    found = await find_over_tls(Identity(OWN, "north-shed"), await node.link())
    by = By(at=node.clock(), who="root", via="command", address=None)
    await node.store.write(membership.secured, await node.link(), found, by)
    await node.tick(15)
    link = await node.link()
    assert (link.url, link.pin, link.state) == (master.url, master.pin, JOINED)
    assert await _secure(master)
    assert link.key != joined.key, "the old one could be read"
    await node.tick(15, times=2)
    assert await master.store.read(_result, given) == '{"ok": true}'
