"""A master or a node whose database is an older copy: both go on, and nothing is told twice."""

from __future__ import annotations

import pytest
from aiohttp import web

from hived.records.events import Event
from hived.records.streams import CONTRIBUTIONS, EVENTS, MINERS, STATUS, STREAMS
from hived.store import events
from hived.store.engine.epoch import epoch
from tests.services.nodes.master import SmallMaster, on
from tests.services.nodes.node import Node, everything_arrived, fill


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
    assert "sent again" in caplog.text


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
