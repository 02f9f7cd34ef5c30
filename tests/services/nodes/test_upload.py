"""What a node learns reaches its master once, whatever happens in between."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hived.errors import Transient
from hived.records.events import Event
from hived.records.miner import HashboardReading
from hived.records.streams import CONTRIBUTIONS, EVENTS, MINERS, STATUS, STREAMS, WIRE
from hived.services.nodes.delivery import MOST_IN_A_ROW
from hived.store import events
from hived.store.engine.epoch import epoch
from hived.store.miners import miners
from hived.store.nodes import dead_letters, streams, uplink
from hived.store.schema import Miner, Rollup5m
from tests.clock import FakeClock
from tests.services.nodes.master import SmallMaster, on, serving, status
from tests.services.nodes.node import OWN, Node, a_node, fill, poll


@pytest.fixture
async def master(clock: FakeClock) -> AsyncIterator[SmallMaster]:
    async with serving(SmallMaster(clock)) as made:
        yield made


@pytest.fixture
async def node(tmp_path: Path, clock: FakeClock, master: SmallMaster) -> AsyncIterator[Node]:
    """A node that has joined and has told nothing yet."""
    async with a_node(tmp_path, clock, master.url) as made:
        await made.tick()
        master.approve()
        yield made


async def everything_arrived(node: Node, master: SmallMaster) -> None:
    incarnation = await node.store.read(epoch)
    for stream in STREAMS:
        rows = await node.told(stream)
        held = {seq: row for (made, seq), row in master.items[stream].items() if made == incarnation}
        wanted = {row["seq"]: row for row in rows}
        if stream == MINERS:  # a row that changed has another number; the one before may be there, too
            held = {seq: row for seq, row in held.items() if seq in wanted}
        assert held == wanted, stream


async def test_everything_reaches_the_master_as_it_is(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    assert await node.tick(5) is None
    await everything_arrived(node, master)
    assert {len(master.items[stream]) for stream in STREAMS} == {3, 4, 5, 12}, "and the event of having joined"
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
    assert history[:6] == [CONTRIBUTIONS, STATUS, EVENTS] * 2
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
    said = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(said) == 1, "said once"
    assert "unreachable for" in node.sync.summary()
    assert "rows wait" in node.sync.summary()
    master.faults.clear()
    await node.tick(900)
    await everything_arrived(node, master)
    assert "goes on after" in caplog.text


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


@pytest.mark.parametrize("stream", [CONTRIBUTIONS, MINERS, STATUS, EVENTS])
async def test_one_bad_row_is_found_and_set_aside_and_all_others_arrive(
    node: Node, master: SmallMaster, stream: str
) -> None:
    await node.store.write(fill, node.clock(), rigs=9, slots=9, said=9)
    bad = (await node.told(stream))[4]["seq"]

    def refuse(doc: dict[str, Any]) -> web.Response | None:
        found = doc["stream"] == stream and any(item["seq"] == bad for item in doc["items"])
        return web.json_response({"error": "not like this"}, status=422) if found else None

    master.faults.append(on("ingest", refuse))
    assert await node.tick(5) is None
    wanted = [row["seq"] for row in await node.told(stream) if row["seq"] != bad]
    assert master.seqs(stream) == wanted
    assert await node.dead() == [(stream, bad, "the master answers 422: not like this")]
    tries = sum(1 for path, name in master.log if (path, name) == ("ingest", stream))
    assert tries < 25, "halved, not counted through"
    before = len(master.log)
    await node.tick(5)
    assert len(master.log) == before, "what is set aside is not tried again"


async def test_a_batch_that_is_too_large_is_halved(node: Node, master: SmallMaster) -> None:
    def too_large(doc: dict[str, Any]) -> web.Response | None:
        return status(413)(doc) if len(doc["items"]) > 3 else None

    master.faults.append(on("ingest", too_large))
    await node.store.write(fill, node.clock(), rigs=9, slots=9, said=9)
    assert await node.tick(5) is None
    await everything_arrived(node, master)
    assert await node.dead() == []


async def test_a_413_that_names_its_limit_is_obeyed(node: Node, master: SmallMaster) -> None:
    sizes: list[int] = []

    def too_large(doc: dict[str, Any]) -> web.Response | None:
        sizes.append(len(doc["items"]))
        if len(doc["items"]) <= 4:
            return None
        return web.json_response({"error": "too large", "limits": {"items": 4, "contribution_items": 4}}, status=413)

    master.faults.append(on("ingest", too_large))
    await node.store.write(fill, node.clock(), rigs=9, slots=3)
    await node.tick(5)
    await everything_arrived(node, master)
    assert sum(1 for size in sizes if size > 4) == 1, "told once"


async def test_a_single_row_that_is_too_large_is_set_aside(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    await node.store.write(events.add, [Event("settings_changed", node.clock(), {"x": "y" * 5000}, num=1)])
    await node.store.write(events.add, [Event("reboot", node.clock(), {}, num=1)])
    master.faults.append(on("ingest", lambda doc: status(413)(doc) if "y" * 5000 in str(doc) else None))
    assert await node.tick(5) is None
    assert [(stream, seq) for stream, seq, _ in await node.dead()] == [(EVENTS, 4)]
    assert master.seqs(EVENTS) == [1, 2, 3, 5, 6]


async def test_a_master_that_refuses_everything_does_not_empty_the_outbox(node: Node, master: SmallMaster) -> None:
    master.faults.append(on("ingest", lambda doc: status(400)(doc) if doc["stream"] == EVENTS else None))
    await node.store.write(fill, node.clock(), rigs=60, slots=1)
    err = await node.tick(5)
    assert isinstance(err, Transient)
    assert len(await node.dead()) == MOST_IN_A_ROW
    before = len(master.log)
    await node.tick(1, times=8)
    assert len(master.log) == before, "it is given a rest"


async def test_a_verdict_on_one_row_of_a_good_batch_is_kept(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    said = (await node.told(CONTRIBUTIONS))[2]

    def verdicts(doc: dict[str, Any]) -> web.Response | None:
        if doc["stream"] == CONTRIBUTIONS:
            results = [{"id": said["id"], "outcome": "rejected", "reason": "bad_url"}]
            return web.json_response({"stream": CONTRIBUTIONS, "seq": doc["last_seq"], "results": results})
        if doc["stream"] == EVENTS:
            told = [{"seq": 2, "reason": "unknown kind"}, {"seq": 999, "reason": "never sent"}]
            return web.json_response({"stream": EVENTS, "seq": doc["last_seq"], "rejected": told})
        return None

    master.faults.append(on("ingest", verdicts))
    await node.tick(5)
    assert sorted(await node.dead()) == [(CONTRIBUTIONS, 3, "bad_url"), (EVENTS, 2, "unknown kind")]


async def test_what_was_set_aside_is_sent_again_when_a_person_says_so(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    fault = on("ingest", lambda doc: status(422)(doc) if any(i["seq"] == 2 for i in doc["items"]) else None)
    master.faults.append(fault)
    await node.tick(5, times=2)
    assert {stream for stream, _, _ in await node.dead()} == {CONTRIBUTIONS, MINERS, EVENTS}
    master.faults.clear()
    held = await node.store.read(uplink.points, "m-1")
    assert await node.store.write(dead_letters.retry, node_id=OWN, held=held) == (3, 0)
    await node.tick(5)
    await everything_arrived_but_old_numbers(node, master)
    assert await node.dead() == []


async def everything_arrived_but_old_numbers(node: Node, master: SmallMaster) -> None:
    for stream in STREAMS:
        assert {row["seq"] for row in await node.told(stream)} == set(master.seqs(stream)), stream
        assert 2 not in master.seqs(stream) or stream == STATUS


async def test_what_was_given_up_is_not_sent_and_not_shown(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    master.faults.append(
        on("ingest", lambda doc: status(422)(doc) if any(i["seq"] == 3 for i in doc["items"]) else None)
    )
    await node.tick(5)
    assert len(await node.dead()) == 3
    assert await node.store.write(dead_letters.drop, node.clock()) == 3
    master.faults.clear()
    await node.anew()
    await node.tick(5)
    assert await node.dead() == []
    assert 3 not in master.seqs(MINERS), "the last one of its stream: nothing behind it moved the master on"
    await node.store.write(miners.set_managed, "02:00:00:00:00:01", True, node.clock())
    await node.tick(5)
    assert await node.store.read(dead_letters.numbers, MINERS) == set(), "forgotten once the master is beyond it"


async def test_a_master_restored_from_a_backup_gets_what_it_lost(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock(), rigs=9, slots=9, said=9)
    await node.tick(5)
    for stream in STREAMS:
        lost = master.seqs(stream)[3:]
        for place in [place for place in master.items[stream] if place[1] in lost]:
            del master.items[stream][place]
        for held in [held for held in master.held if held[1] == stream]:
            master.held[held] = master.seqs(stream)[-1]
    await node.tick(5, times=4)
    await everything_arrived(node, master)


async def test_a_gap_in_the_middle_of_a_round_is_filled(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    await node.tick(5)
    for place in master.held:
        master.held[place] = 0
    for rows in master.items.values():
        rows.clear()
    await node.store.write(events.add, [Event("reboot", node.clock(), {}, num=1)])
    await node.tick(5)
    assert master.seqs(EVENTS) == [1, 2, 3, 4, 5], "before the next contact"


async def test_a_master_that_keeps_nothing_is_given_a_rest(node: Node, master: SmallMaster) -> None:
    await node.store.write(fill, node.clock())
    nothing = on("ingest", lambda doc: web.json_response({"stream": doc["stream"], "seq": 0, "rejected": []}))
    master.faults.append(nothing)
    err = await node.tick(5)
    assert "does not keep" in str(err)
    assert len(master.log) < 20


async def test_a_database_that_is_an_older_copy_begins_anew(
    node: Node, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    await node.store.write(fill, node.clock())
    await node.tick(5)
    old = await node.store.read(epoch)
    for place in master.held:
        master.held[place] += 10**9
    await node.tick(15)
    await node.tick(5, times=2)
    incarnation = await node.store.read(epoch)
    assert incarnation != old
    for stream in (CONTRIBUTIONS, MINERS, STATUS):
        again = {seq for made, seq in master.items[stream] if made == incarnation}
        assert again == {row["seq"] for row in await node.told(stream)}, stream
    assert {made for made, _ in master.items[EVENTS]} == {old}, "an event that is told again is another event"
    assert master.held[incarnation, EVENTS] == len(await node.told(EVENTS))
    assert "sent anew" in caplog.text


async def test_numbers_that_never_make_sense_do_not_have_everything_sent_again_and_again(
    node: Node, master: SmallMaster
) -> None:
    await node.store.write(fill, node.clock())
    beyond = on("ingest", lambda doc: web.json_response({"stream": doc["stream"], "seq": 10**15, "rejected": []}))
    master.faults.append(beyond)
    epochs = set()
    for _ in range(60):
        await node.tick(15)
        epochs.add(await node.store.read(epoch))
    assert len(epochs) <= 3


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
        node = await stack.enter_async_context(a_node(tmp_path, clock, master.url))
        await node.tick()
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


async def test_what_waits_is_counted_without_what_was_set_aside(node: Node, master: SmallMaster) -> None:
    await node.tick(5)
    await node.store.write(fill, node.clock())
    master.faults.append(on("ingest", status(503)))
    await node.tick(61)
    lags = await node.store.read(streams.lags, node_id=OWN, held={}, count=True)
    await node.tick(1)
    assert sum(lag.behind for lag in lags.values()) == 24
    assert "23 rows wait" in node.sync.summary()


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
    assert said == ["the master does not understand all that it is told of status: latest.mood"]
