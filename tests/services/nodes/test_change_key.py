"""A node changes its key without a moment in which none is accepted."""

from __future__ import annotations

import pytest

from hived.records.joining import new_key
from hived.records.streams import MINERS
from hived.records.uplink import JOINED
from hived.store.nodes import uplink
from tests.services.nodes.master import SmallMaster, on, status
from tests.services.nodes.node import MakeNode, fill, joined


async def test_the_key_is_changed_after_a_quarter_of_a_year_without_a_gap(
    make_node: MakeNode, master: SmallMaster
) -> None:
    node = await joined(make_node, master)
    old = (await node.link()).key
    await node.tick(15, times=2)
    assert (await node.link()).key == old
    node.clock.advance(91 * 86_400.0)
    await node.tick(15)
    link = await node.link()
    assert old is not None
    assert link.key is not None
    assert link.key != old
    assert link.next_key is None
    assert master.keys[old.id][1] == "revoked"
    await node.store.write(fill, node.clock())
    assert await node.tick(5) is None
    assert len(master.seqs(MINERS)) == 3


async def test_a_person_may_have_the_key_changed_at_once(make_node: MakeNode, master: SmallMaster) -> None:
    node = await joined(make_node, master)
    old = (await node.link()).key
    assert await node.store.write(uplink.rotate_soon)
    await node.tick(15)
    link = await node.link()
    assert link.key != old
    assert link.keyed_at == node.clock()


@pytest.mark.parametrize("step", ["kept", "registered", "used", "answer lost"])
async def test_a_crash_between_any_two_steps_of_changing_the_key_loses_nothing(
    make_node: MakeNode, master: SmallMaster, step: str
) -> None:
    """The rows are what a killed process leaves: each step has its own."""
    node = await joined(make_node, master)
    link = await node.link()
    new = new_key()
    assert link.key is not None
    await node.store.write(uplink.prepare_key, link.key, new)
    if step != "kept":
        master.keys[new.id] = (new.secret_hash, "active")
    if step == "used":
        master.keys[link.key.id] = (link.key.secret_hash, "revoked")
    if step == "answer lost":
        master.faults.append(on("nodes/me/keys", status(502), times=1))
    await node.anew()
    await node.store.write(fill, node.clock())
    await node.tick(15, times=6)
    found = await node.link()
    assert (found.state, found.key, found.next_key) == (JOINED, new, None)
    assert len(master.seqs(MINERS)) == 3
    assert master.keys[new.id][1] == "active"


async def test_a_new_key_that_was_never_taken_does_not_cost_the_old_one(
    make_node: MakeNode, master: SmallMaster
) -> None:
    node = await joined(make_node, master)
    old = (await node.link()).key
    master.faults.append(on("nodes/me/keys", status(503), times=3))
    await node.store.write(uplink.rotate_soon)
    for _ in range(3):
        await node.tick(60)
        assert (await node.link()).key == old
    await node.tick(60)
    assert (await node.link()).key != old
