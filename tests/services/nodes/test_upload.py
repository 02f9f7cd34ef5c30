"""What a node learns reaches its master once, whatever happens in between."""

from __future__ import annotations

import itertools
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hived.records.events import Event
from hived.records.miner import HashboardReading
from hived.records.streams import CONTRIBUTIONS, EVENTS, FLEET, MINERS, STATUS, STREAMS, WIRE
from hived.store import events
from hived.store.miners import miners
from hived.store.schema import Miner, Rollup5m
from tests import collected
from tests.clock import FakeClock
from tests.services.nodes.master import SmallMaster, on, serving, status
from tests.services.nodes.node import OWN, Node, a_node, everything_arrived, fill, poll


async def test_everything_reaches_the_master_as_it_is(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    for number in (1, 2):
        await node.store.write(collected.read, number, node.clock(), node_id=OWN)
    assert await node.tick(5) is None
    await everything_arrived(node, master)
    assert {len(master.items[stream]) for stream in STREAMS} == {1, 2, 3, 4, 5, 12}, "and the event of having joined"
    assert master.latest["02:00:00:00:00:02"]["status"]["power_w"] == 3000.0
    assert master.models["s19"]["presets"][0]["name"] == "1200"
    assert master.contacts[-1]["health"] == {"load_1m": 0.5}
    assert node.sync.summary() == "joined site-master, 0 behind"


async def test_what_happens_later_follows_and_nothing_is_told_twice(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    await node.tick(5, times=3)
    before = len(master.log)
    await node.tick(1, times=3)
    assert len(master.log) == before, "nothing is due"
    await node.store.write(events.add, [Event("reboot", node.clock(), {}, num=1)])
    await node.store.write(miners.set_managed, "02:00:00:00:00:01", True, node.clock())
    await node.tick(5)
    await everything_arrived(node, master)
    assert [path for path, _ in master.log[before:] if path == "ingest"] == ["ingest"] * 3, "miner, its rev, event"


async def test_a_restarted_daemon_goes_on_where_the_master_is(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    await node.tick(5)
    await node.anew()
    sent = master.calls("ingest")
    await node.tick(5)
    await everything_arrived(node, master)
    assert master.calls("ingest") - sent == 2, "the models and the latest alone: they are state"


async def test_the_newest_state_goes_first_and_no_stream_waits_for_another(node: Node, master: SmallMaster) -> None:
    master.limits |= {"items": 5, "contribution_items": 2}
    await node.store.write(fill, node.clock(), rigs=6, slots=5, said=9)
    await node.tick(5)
    order = [stream for path, stream in master.log if path == "ingest"]
    assert order[: order.index(CONTRIBUTIONS)] == [MINERS, MINERS, MINERS, STATUS, STATUS], "rows, models, latest"
    history = order[order.index(CONTRIBUTIONS) :]
    assert history[:7] == [CONTRIBUTIONS, STATUS, EVENTS, FLEET, CONTRIBUTIONS, STATUS, EVENTS]
    await everything_arrived(node, master)


async def test_a_long_backlog_holds_back_no_news(node: Node, master: SmallMaster) -> None:
    """Each batch takes a second; the state is told again within five seconds all the same, and with the news in it."""
    master.limits |= {"items": 10}
    await node.tick(5)
    await node.store.write(fill, node.clock(), slots=200)
    when: list[float] = []

    def takes_a_second(doc: dict[str, Any]) -> None:
        node.pass_(1.0)
        if doc.get("latest"):
            when.append(node.elapsed())

    master.faults.append(on("ingest", takes_a_second))
    for round_ in range(12):
        node.pass_(0.5)
        await node.store.write(poll, [1, 2, 3], node.clock(), power_w=2000.0 + round_)
        await node.tick(0.5 if when else 5.0)
        assert master.latest["02:00:00:00:00:01"]["status"]["power_w"] == 2000.0 + round_
    assert max(b - a for a, b in itertools.pairwise(when)) <= 8.0
    assert len(master.items[STATUS]) < 600, "the backlog is still there"
    master.faults.clear()
    await node.tick(5, times=3)
    await everything_arrived(node, master)


async def test_a_broken_link_lets_the_whole_queue_wait_longer_each_time(
    node: Node, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    await node.tick(5)
    caplog.set_level(logging.DEBUG)
    master.faults.append(on("ingest", status(500)))
    master.faults.append(on("nodes/me/contact", status(503)))
    await node.store.write(fill, node.clock())
    tried = []
    for _ in range(2200):
        before = len(master.log)
        await node.tick(1)
        if len(master.log) > before:
            tried.append(node.elapsed())
    pauses = [round(b - a) for a, b in itertools.pairwise(tried)]
    assert pauses[:7] == [10, 20, 40, 80, 160, 320, 640]
    assert pauses[7:] == [900] or len(pauses) == 7, "never longer than a quarter of an hour"
    said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert [text.split()[0] for text in said] == ["joined", "the"], "said once"
    assert "unreachable for" in node.sync.summary()
    assert "rows wait" in node.sync.summary()
    master.faults.clear()
    await node.tick(900)
    await everything_arrived(node, master)
    assert "works again after" in caplog.text


async def test_retry_after_wins(node: Node, master: SmallMaster) -> None:
    await node.tick(5)
    master.faults.append(on("nodes/me/contact", status(429, **{"Retry-After": "300"}), times=1))
    await node.tick(15)
    before = len(master.log)
    await node.tick(1, times=299)
    assert len(master.log) == before
    await node.tick(2)
    assert len(master.log) > before


async def test_a_master_that_comes_alive_is_asked_at_once(node: Node, master: SmallMaster) -> None:
    await node.sees(master.url, state="dead")
    await node.tick(5)
    master.faults.append(on("nodes/me/contact", status(503)))
    await node.tick(15, times=9)
    master.faults.clear()
    before = len(master.log)
    await node.tick(1)
    assert len(master.log) == before, "it waits"
    await node.sees(master.url)
    await node.tick(1)
    assert len(master.log) > before


async def test_a_master_that_does_not_unpack_gets_it_plain(node: Node, master: SmallMaster) -> None:
    master.limits["encodings"] = ["gzip"]
    packed = {"seen": 0}

    async def refuse(_: SmallMaster, path: str, doc: dict[str, Any]) -> web.Response | None:
        if path == "ingest" and packed["seen"] == 0:
            packed["seen"] += 1
            return status(415)(doc)
        return None

    master.faults.append(refuse)
    await node.store.write(fill, node.clock())
    assert await node.tick(5) is None
    await everything_arrived(node, master)


async def test_packed_batches_that_arrive_spoilt_are_no_rows_fault(node: Node, master: SmallMaster) -> None:
    plain = master.handle

    async def spoilt(request: web.Request) -> web.Response:
        if "Content-Encoding" in request.headers and request.path.endswith("ingest"):
            return web.json_response({"error": "the body is not zstd"}, status=400)
        return await plain(request)

    master.handle = spoilt  # type: ignore[method-assign]
    await node.store.write(fill, node.clock(), rigs=20, said=9)
    await node.store.write(events.add, [Event("settings_changed", node.clock(), {"x": "y" * 3000}, num=1)])
    assert await node.tick(5) is None
    await everything_arrived(node, master)
    assert await node.dead() == []


async def test_a_wall_clock_that_jumps_stalls_nothing(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    await node.tick(5)
    for jump in (-90 * 86_400.0, 400 * 86_400.0, -310 * 86_400.0):
        node.clock.advance(jump)
        await node.store.write(events.add, [Event("reboot", node.clock(), {}, num=1)])
        await node.tick(5, times=4)
        assert len(master.seqs(EVENTS)) == len(await node.told(EVENTS))


async def test_clocks_that_differ_are_told_once(
    node: Node, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    master.skew_s = 301.0
    await node.tick(15, times=4)
    assert caplog.text.count("301 s ahead") == 1
    assert round((await node.link()).skew_s or 0) == 301
    master.skew_s = 0.0
    await node.tick(15, times=2)
    assert caplog.text.count("agree again") == 1


async def test_rollups_that_wait_for_the_master_outlive_their_age(node: Node, master: SmallMaster) -> None:
    from hived.services.appliance.retain import prune
    from hived.store.miners import history

    await node.store.write(fill, node.clock(), slots=12)
    await node.store.write(history.roll_up, 3600.0, node.clock() + 7200.0)
    cut = node.clock() + 7200.0
    master.faults.append(on("ingest", lambda doc: status(503)(doc) if doc["stream"] == STATUS else None))
    await node.tick(5)
    await node.store.write(prune, Rollup5m, cut)
    assert len(await node.told(STATUS)) == 36
    master.faults.clear()
    await node.tick(900)
    assert len(master.items[STATUS]) == 36
    while await node.store.write(prune, Rollup5m, cut):
        pass
    assert len(await node.told(STATUS)) < 36


async def test_rows_of_other_nodes_stay_here(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    await node.store.write(lambda db: Miner.update(remote=True, node_id="x").where(Miner.num == 2).execute(db))
    await node.tick(5)
    assert {row["mac"] for row in master.items[MINERS].values()} == {"02:00:00:00:00:01", "02:00:00:00:00:03"}
    assert "02:00:00:00:00:02" not in master.latest


async def test_a_slow_master_is_not_asked_twice_at_a_time(tmp_path: Path, clock: FakeClock) -> None:
    flying = {"now": 0, "most": 0}

    async with AsyncExitStack() as stack:
        master = await stack.enter_async_context(serving(SmallMaster(clock)))
        node = await stack.enter_async_context(a_node(tmp_path, clock))
        await node.wants(master.url)
        master.approve()
        plain = master.handle

        async def counted(request: web.Request) -> web.Response:
            flying["now"] += 1
            flying["most"] = max(flying["most"], flying["now"])
            try:
                return await plain(request)
            finally:
                flying["now"] -= 1

        master.handle = counted  # type: ignore[method-assign]
        await node.store.write(fill, node.clock())
        await node.tick(5, times=3)
    assert flying["most"] <= 1


async def test_a_node_writes_what_its_master_understands_and_goes_on_when_that_is_updated(
    node: Node, master: SmallMaster
) -> None:
    del master.limits["wire"]  # as 0.1.0
    await node.store.write(fill, node.clock())
    await node.store.write(poll, [1], node.clock() + 1, hashboards=(HashboardReading(1, "mining", hashrate_hs=3e13),))
    await node.tick(5)
    status = master.latest["02:00:00:00:00:01"]["status"]
    assert (status["detail"], "hashboards" in status) == ({"boards": [[1, "mining", 3e4]]}, False)
    master.limits["wire"] = WIRE
    await node.tick(15)
    await node.store.write(poll, [1], node.clock() + 1, hashboards=(HashboardReading(1, "mining", hashrate_hs=4e13),))
    await node.tick(5)
    status = master.latest["02:00:00:00:00:01"]["status"]
    assert status["hashboards"] == [{"index": 1, "state": "mining", "hashrate_hs": 4e13}]
    assert "detail" not in status
    assert master.contacts[-1]["wire"] == WIRE


async def test_what_the_master_does_not_understand_is_said_once(
    node: Node, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    def unread(doc: dict[str, Any]) -> web.Response | None:
        if not doc.get("latest"):
            return None
        return web.json_response({"stream": STATUS, "seq": 0, "rejected": [], "unread": {"latest.mood": 3}})

    master.faults.append(on("ingest", unread))
    await node.store.write(fill, node.clock())
    for _ in range(3):
        await node.store.write(poll, [1, 2, 3], node.clock())
        await node.tick(5)
    said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert said[1:] == ["the master does not understand these fields of status: latest.mood"], "after that it joined"


async def test_what_a_node_sees_of_its_neighbours_stays_with_it(node: Node, master: SmallMaster) -> None:
    """Each box of a site sees each other one: told to the master, every arrival would be there many times."""
    seen = {"id": "n-7", "name": "rig", "role": "node", "address": "192.0.2.7"}
    told = [Event(kind, node.clock(), seen) for kind in ("peer_found", "peer_moved", "peer_dead", "peer_left")]
    copy = Event("peer_twice", node.clock(), {"id": "n-7", "name": "rig", "other": "rig 2"})
    await node.store.write(events.add, [*told, copy, Event("database_restored", node.clock())])
    await node.tick(5)
    kinds = {row["kind"] for row in master.items[EVENTS].values()}
    assert kinds == {"master_joined", "peer_twice", "database_restored"}, "a copied id is a fault wherever it is seen"
    await node.tick(60)
    assert node.sync.summary() == "joined site-master, 0 behind"
    assert len(await node.store.read(events.newest)) == 7, "here all are shown"
