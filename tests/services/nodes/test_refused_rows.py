"""Rows that the master does not take: found, set aside, sent again or given up by a person."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from hived.errors import Transient
from hived.records.events import Event
from hived.records.streams import CONTRIBUTIONS, EVENTS, MINERS, STATUS, STREAMS
from hived.services.nodes.delivery import MOST_IN_A_ROW
from hived.store import events
from hived.store.miners import miners
from hived.store.nodes import dead_letters, streams, uplink
from tests.services.nodes.master import SmallMaster, on, status
from tests.services.nodes.node import OWN, Node, everything_arrived, fill


async def everything_arrived_but_old_numbers(node: Node, master: SmallMaster) -> None:
    for stream in STREAMS:
        assert {row["seq"] for row in await node.told(stream)} == set(master.seqs(stream)), stream
        assert 2 not in master.seqs(stream) or stream == STATUS


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


async def test_what_waits_is_counted_without_what_was_set_aside(node: Node, master: SmallMaster) -> None:
    await node.tick(5)
    await node.store.write(fill, node.clock())
    master.faults.append(on("ingest", status(503)))
    await node.tick(61)
    lags = await node.store.read(streams.lags, node_id=OWN, held={}, count=True)
    await node.tick(1)
    assert sum(lag.behind for lag in lags.values()) == 25
    assert "24 rows wait" in node.sync.summary()
