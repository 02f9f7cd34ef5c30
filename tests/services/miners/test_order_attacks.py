"""Masters, nodes and miners that say what nobody would: no law is passed by, and nothing ends hive-controld."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hived.errors import Forbidden
from hived.records.access import By
from hived.records.condition import Moment
from hived.records.miner import ModelInfo, Preset
from hived.records.miner_rules import Hold, MinerRules
from hived.records.node import Order
from hived.records.order_request import read
from hived.records.steering import VERBS as VERBS_OF_ALL
from hived.services.miners import orders as giving
from hived.services.miners.orders import Giver
from hived.services.miners.rules import set_limits
from hived.store import Database, commands
from hived.store.miners import miners, models, orders, rules
from hived.store.schema import Miner
from tests.services.miners.line import MACS, MASTER, RULES, Line
from tests.services.miners.steered import LADDER

VERBS = ("pause", "restart", "preset", "power", "dimmer", "pools", "cooling", "restore")


async def _ask(line: Line, number: int, **body: Any) -> dict[str, Any]:
    """Let a master ask for what ours never would; return what the node tells it."""
    letter = {"miners": {MACS[0]: {}}, "seconds": 60, "force": False} | body
    order = Order(number, "hive-controld", "steer", {"order": number, "body": json.dumps(letter)})
    await line.orders.take(MASTER, [order], pinned=True)
    await line.pass_by(5 if "undo" in body else 40)
    told = dict(await line.orders.done(MASTER))
    await line.orders.told(MASTER, list(told))
    return told[number]


async def test_a_master_undoes_an_order_by_the_verb_that_undoes_it_and_by_no_other(line: Line) -> None:
    firsts: dict[str, dict[str, Any]] = {"preset": {"name": "low"}, "dimmer": {"percent": 50}, "pause": {}}
    for number, (first, args) in enumerate(firsts.items(), 1):
        told = await _ask(line, number, verb=first, miners={MACS[0]: args}, force=True)
        assert told["targets"][0][1] == "confirmed"
    before = len(line.devices[0].heard)
    for undone, first in enumerate(firsts, 1):
        for verb in VERBS:
            if verb != VERBS_OF_ALL[first].undo:
                told = await _ask(line, 100 * undone + VERBS.index(verb), verb=verb, undo=undone)
                assert told["targets"][0][1:3] == ["skipped", "nothing_kept"], (first, verb)
    assert len(line.devices[0].heard) == before
    told = await _ask(line, 999, verb="preset", undo=1)
    assert told["targets"][0][1] == "confirmed", "it is at work, and the right way back is open"


@pytest.mark.parametrize("via", ["plan", "mqtt"])
async def test_what_is_automatic_at_the_master_is_so_at_the_node_too(line: Line, via: str) -> None:
    hold = Hold("a client's", "bob", line.time())
    await line.node.write(lambda db: rules.save(db, miners.one(db, MACS[0]).num, MinerRules(protected=hold), 1.0))
    number = await line.give(
        "pause", who=Giver(By(at=line.time(), who="ann", via=via, address=None), "admin", automatic=True)
    )
    await line.contact()
    await line.pass_by(20)
    await line.contact()
    _, targets = await line.told(number)
    assert [(one.state, one.reason) for one in targets] == [
        ("skipped", "protected"), ("confirmed", None), ("confirmed", None)
    ]  # fmt: skip


async def test_a_cancelled_order_is_not_begun_by_what_reaches_its_node_later(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 1)
    monkeypatch.setattr("hived.services.miners.orders_elsewhere.AT_ONCE", 1)
    number = await line.give("pause")
    await line.contact()
    await line.pass_by(0.5)
    await line.master.write(giving.cancel, number, line.giver(), line.time())
    for _ in range(6):
        await line.contact()
        await line.pass_by(20)
    assert [len(device.heard) for device in line.devices] == [1, 0, 0]
    order, targets = await line.told(number)
    assert [one.state for one in targets] == ["confirmed", "cancelled", "cancelled"]
    assert order.finished_at is not None


async def test_stock_clocks_are_under_no_limit_though_they_stand_first_in_the_ladder(line: Line) -> None:
    ladder = [Preset("disabled"), *LADDER]
    by = By(at=1.0, who="bob", via="session", address=None)

    def work(db: Database) -> Any:
        models.save(db, ModelInfo("toy", "Toy"), ladder, "1", line.time())
        set_limits(db, "toy", {"max_preset": "middle"}, by, "operator")
        with pytest.raises(Forbidden):
            set_limits(db, "toy", {"max_preset": "disabled"}, by, "operator")
        told = {}
        for name in ("disabled", "low", "high"):
            request = read({"verb": "preset", "args": {"name": name, "untuned": True}, "miners": MACS[:1]})
            (told[name],) = giving.preview(db, request, line.giver(), RULES, Moment(line.time(), 15.0))[1]
        return {name: one.reason for name, one in told.items()}

    assert await line.node.write(work) == {"disabled": "above_max_preset", "low": None, "high": "above_max_preset"}


async def _here(line: Line, verb: str, args: dict[str, Any] | None = None) -> int:
    """Give an order at the node itself, to its first miner."""
    request = read({"verb": verb, "args": args or {}, "miners": MACS[:1]})
    number, _ = await line.node.write(giving.give, request, line.giver(), RULES, Moment(line.time(), 15.0))
    return int(number)


async def test_a_miner_that_another_node_watches_by_now_is_not_steered_from_here(line: Line) -> None:
    number = await _here(line, "pause")
    await line.node.write(lambda db: Miner.update(remote=True, node_id="other", node_has_key=True).execute(db))
    await line.pass_by(10)
    _, (target,) = await line.node.read(orders.one, number)
    assert (target.state, target.reason, line.devices[0].heard) == ("skipped", "node_away", [])


async def test_lights_are_put_out_also_when_the_order_to_do_so_was_refused(line: Line) -> None:
    await _here(line, "locate", {"seconds": 60})
    await line.pass_by(10)
    line.devices[0].manner = "refuses"
    await _here(line, "locate", {"on": False})
    await line.pass_by(10)
    line.devices[0].manner = "honest"
    assert line.devices[0].finding
    await line.pass_by(60)
    assert not line.devices[0].finding


@pytest.mark.parametrize("verb", ["reboot", "restart"])
async def test_a_clock_that_is_set_makes_no_miner_look_as_if_it_had_begun_anew(line: Line, verb: str) -> None:
    device = line.devices[0]
    device.booted_at = device.started_at = line.time() - 1800.0
    device.manner = "lies"
    number = await _here(line, verb)
    await line.pass_by(0.5)
    line.set_by = 3600.0
    await line.pass_by(90)
    assert [one[1] for one in device.heard] == [verb]
    _, (target,) = await line.node.read(orders.one, number)
    assert (target.state, target.reason) == ("unconfirmed", "no_effect")


async def test_however_many_orders_are_given_one_of_a_kind_waits_for_a_miner(line: Line) -> None:
    for _ in range(3):
        for verb in ("locate", "pause", "reboot", "restart"):
            await _here(line, verb)
    assert await line.node.read(orders.open_by_state) == {"pending": 2, "running": 0}


async def test_pools_do_not_take_the_place_of_a_pause_that_waits(line: Line) -> None:
    await line.node.write(lambda db: Miner.update(features="pause pools").execute(db))
    first = await _here(line, "pause")
    await _here(line, "pools", {"pools": [{"url": "stratum+tcp://pool.example.com:3333", "user": "farm"}]})
    _, (target,) = await line.node.read(orders.one, first)
    assert target.state == "pending"
