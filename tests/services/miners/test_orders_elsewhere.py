"""Orders over the master: handed to the node of a miner, judged and done there, told of, asked again, undone."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from hived.errors import BadRequest
from hived.records.condition import Moment
from hived.records.order_request import read
from hived.services.miners import orders as giving
from hived.services.miners.orders_from_master import Letter
from hived.store import Database, commands
from hived.store.miners import miners, orders, orders_elsewhere
from hived.store.nodes import reported_targets
from hived.store.schema import Miner, Node
from tests.services.miners.line import MACS, NODE, RULES, Line


def _change(change: dict[str, Any], db: Database) -> None:
    Node.update(**change).execute(db)


def heard(line: Line) -> list[list[str]]:
    return [[verb for _, verb, _ in device.heard] for device in line.devices]


async def test_an_order_travels_is_done_by_the_nodes_own_laws_and_told_of(line: Line) -> None:
    await line.node.write(miners.set_managed, MACS[2], False, line.time())
    number = await line.give("pause")
    assert (await line.told(number))[0].counts == {"running": 3}
    assert heard(line) == [[], [], []]
    await line.contact()
    await line.pass_by(20)
    await line.contact()
    order, targets = await line.told(number)
    assert [(one.state, one.reason) for one in targets] == [
        ("confirmed", None), ("confirmed", None), ("skipped", "not_managed"),
    ]  # fmt: skip
    assert order.finished_at is not None
    assert heard(line) == [["pause"], ["pause"], []]
    assert (targets[0].before or {})["power_w"] == 3000.0
    await line.contact()
    await line.pass_by(5)
    assert heard(line) == [["pause"], ["pause"], []], "told again, done once"


async def test_what_the_node_did_is_brought_back_by_what_the_node_kept(line: Line) -> None:
    number = await line.give("preset", {"name": "low"})
    await line.contact()
    await line.pass_by(30)
    await line.contact()
    assert [device.preset for device in line.devices] == ["low"] * 3
    back = await line.master.write(giving.undo, number, line.giver(), RULES, Moment(line.time(), 15.0))
    await line.contact()
    await line.pass_by(30)
    await line.contact()
    order, targets = await line.told(back)
    assert (order.undo_of, [one.state for one in targets]) == (number, ["confirmed"] * 3)
    assert [device.preset for device in line.devices] == ["high"] * 3


async def test_a_node_that_restarts_does_nothing_from_its_rows_and_is_asked_again_while_the_order_stands(
    line: Line,
) -> None:
    number = await line.give("reboot")
    await line.contact()
    await line.pass_by(1)  # two are asked; the third waits for the next packet
    assert heard(line) == [["reboot"], ["reboot"], []]
    await line.kill()
    await line.pass_by(30)
    assert heard(line) == [["reboot"], ["reboot"], []]
    await line.contact()
    await line.contact()
    await line.pass_by(30)
    await line.contact()
    assert heard(line) == [["reboot"], ["reboot"], ["reboot"]]
    order, targets = await line.told(number)
    assert [one.state for one in targets] == ["confirmed"] * 3
    assert order.finished_at is not None


async def test_a_cancelled_order_is_not_begun_and_one_that_expired_on_the_way_neither(line: Line) -> None:
    number = await line.give("pause")
    await line.contact()
    await line.pass_by(1)
    await line.master.write(giving.cancel, number, line.giver(), line.time())
    await line.contact()
    await line.pass_by(20)
    await line.contact()
    assert heard(line) == [["pause"], ["pause"], []]
    assert [one.state for one in (await line.told(number))[1]] == ["confirmed", "confirmed", "cancelled"]
    late = await line.give("resume", expires_seconds=10)
    line.time.turn_to(line.time() + 11)
    await line.contact()
    await line.pass_by(10)
    assert heard(line) == [["pause"], ["pause"], []]
    line.time.turn_to(line.time() + orders_elsewhere.SILENT_S + 11)
    await line.master.write(orders_elsewhere.end_silent, line.time())
    assert {one.reason for one in (await line.told(late))[1]} == {"node_silent"}


async def test_a_node_that_is_away_old_or_not_to_be_told_is_said_so_before(line: Line) -> None:
    for change in ({"secure": False}, {"status": "revoked"}):
        await line.master.write(partial(_change, change))
        _, targets = await line.told(await line.give("locate"))
        assert {one.reason for one in targets} == {"node_refuses"}
    blind = Moment(line.time(), 15.0, blind={NODE: "node_dead"})
    request = read({"verb": "pause", "where": {}})
    _, targets = await line.master.read(giving.preview, request, line.giver(), RULES, blind)
    assert {one.reason for one in targets} == {"node_away"}
    await line.master.write(lambda db: Miner.update(features=None).execute(db))
    _, targets = await line.master.read(giving.preview, request, line.giver(), RULES, Moment(line.time(), 15.0))
    assert {one.reason for one in targets} == {"node_too_old"}


async def test_a_node_that_does_not_know_the_order_ends_it_as_too_old(line: Line) -> None:
    number = await line.give("pause")

    def answer(db: Database) -> None:
        wanted = commands.waiting(db, NODE, secure=True, now=line.time())
        done = [(one.id, {"error": "this node does not know the order 'steer'"}) for one in wanted]
        reported_targets.take(db, "another-node", done, line.time())
        assert orders.one(db, number)[0].counts == {"running": 3}, "another node ends nothing"
        reported_targets.take(db, NODE, done, line.time())

    await line.master.write(answer)
    assert {one.reason for one in (await line.told(number))[1]} == {"node_too_old"}


@pytest.mark.parametrize(
    "result",
    [
        {}, {"targets": 7}, {"targets": [None, [], [1, 2, 3, 4, 5, 6], [MACS[0], "pending", None, None, None, None]]},
        {"targets": [["02:ff:ff:ff:ff:ff", "confirmed", None, None, None, None]]},
        {"targets": [[MACS[0], "confirmed", {"x": 1}, ["y"], "1e9", True]]},
    ],
)  # fmt: skip
async def test_nonsense_of_a_node_ends_its_own_targets_alone(line: Line, result: Any) -> None:
    number = (
        await line.give("pause", miners=MACS[:1], where=None) if result.get("targets") else await line.give("pause")
    )

    def answer(db: Database) -> None:
        (wanted,) = commands.waiting(db, NODE, secure=True, now=line.time())
        reported_targets.take(db, NODE, [(wanted.id, result)], line.time())

    await line.master.write(answer)
    order, targets = await line.told(number)
    assert order.finished_at is not None
    assert all(one.reason is None or isinstance(one.reason, str) for one in targets)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"miners": {}}', '{"miners": {"x": {}}, "verb": "pause", "seconds": 5, "force": false}',
        '{"miners": {"02:00:00:00:00:01": {}}, "verb": "explode", "seconds": 5, "force": false}',
        '{"miners": {"02:00:00:00:00:01": {}}, "verb": "pause", "seconds": -5, "force": false}',
        '{"miners": {"02:00:00:00:00:01": {}}, "verb": "pause", "seconds": 5, "force": "yes"}',
        '{"miners": {"02:00:00:00:00:01": []}, "verb": "pause", "seconds": 5, "force": false}', "[" * 5000,
    ],
)  # fmt: skip
def test_a_letter_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        Letter.read(text)
