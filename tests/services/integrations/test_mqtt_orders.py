"""Commands from a real broker become orders by the same laws as the API's; what is kept, late or too much does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hived.records.mqtt import OLD_S, scope
from hived.records.orders import Order, Target
from hived.records.steering import VERBS
from hived.services.integrations import mqtt_orders
from hived.services.integrations.mqtt import Bridge
from hived.services.integrations.mqtt_orders import Commands, Steering
from hived.services.miners.orders import Rules
from hived.store import Store, audit
from hived.store.miners import miners, orders
from hived.store.schema import MinerRules
from tests.clock import FakeClock
from tests.mosquitto import House, Mosquitto
from tests.services.integrations.conftest import ALL, MAC, TOPICS, MakeBridge

FEW = scope(steer=True, reboot=False)


def said(do: str, at: float) -> bytes:
    return json.dumps({"at": at, "do": do}).encode()


@pytest.fixture
async def commands(store: Store, clock: FakeClock) -> Commands:
    return Commands(store, Steering(FEW, Rules(), 15.0), TOPICS, address="broker:8883", clock=clock)


def _heard(bridge: Bridge, part: str) -> list[str]:
    assert bridge._link is not None
    return [one.topic for one in bridge._link._heard if part in one.topic]


async def given(store: Store) -> list[tuple[Order, list[Target]]]:
    return [await store.read(orders.one, one.id) for one in await store.read(orders.listing, limit=100)]


def press(commands: Commands, what: str, do: str, at: float, mac: str = MAC[0], **more: Any) -> None:
    commands.hear(TOPICS.command(mac, what), said(do, at), **({"kept": False} | more))


async def test_a_command_is_an_order_of_mqtt(commands: Commands, store: Store, clock: FakeClock) -> None:
    press(commands, "mining", "OFF", clock())
    (number,) = await commands.give()
    ((order, targets),) = await given(store)
    assert (order.id, order.verb, order.by, order.via, order.force) == (number, "pause", "mqtt", "mqtt", False)
    assert [(one.mac, one.state) for one in targets] == [(MAC[0], "pending")]
    assert order.expires_at - order.created_at == mqtt_orders.EXPIRES_S
    (row,) = [one for one in await store.read(audit.listing, limit=10) if one["action"] == "order.pause"]
    assert (row["who"], row["via"], row["address"]) == ("mqtt", "mqtt", "broker:8883")
    assert await commands.give() == []


async def test_what_is_the_same_for_many_is_one_order_in_packets(
    commands: Commands, store: Store, clock: FakeClock
) -> None:
    for mac in MAC:
        press(commands, "mining", "ON", clock(), mac)
        press(commands, "mining", "OFF", clock() + 0.1, mac)
    press(commands, "preset", "low", clock(), MAC[1])
    await commands.give()
    by_verb = {order.verb: (order, targets) for order, targets in await given(store)}
    assert sorted(by_verb) == ["pause", "preset"], "the last word counts"
    assert [one.mac for one in by_verb["pause"][1]] == MAC
    assert by_verb["preset"][0].packet == Rules().packet(VERBS["preset"])
    assert by_verb["preset"][0].args == {"name": "low", "untuned": False}


async def test_the_laws_are_those_of_every_order(commands: Commands, store: Store, clock: FakeClock) -> None:
    hold = json.dumps({"why": "x", "by": "ann", "at": clock(), "until": None})

    def lay_down(db: Any) -> None:
        for mac, fields in ((MAC[0], {"locked": hold}), (MAC[1], {"protected": hold})):
            MinerRules.insert(num=miners.one(db, mac).num, tags="[]", **fields).execute(db)

    await store.write(lay_down)
    for mac in MAC:
        press(commands, "mining", "OFF", clock(), mac)
    press(commands, "preset", "no such", clock(), MAC[2])
    await commands.give()
    found = {order.verb: targets for order, targets in await given(store)}
    assert [one.reason for one in found["pause"]] == ["locked", "protected", None]
    assert [one.reason for one in found["preset"]] == ["unknown_preset"]


@pytest.mark.parametrize(
    ("why", "late_s", "kept"), [("old", OLD_S + 1, False), ("old", -OLD_S - 1, False), ("kept", 0, True)]
)
async def test_what_is_late_or_kept_is_dropped(
    why: str, late_s: float, kept: bool, commands: Commands, store: Store, clock: FakeClock
) -> None:
    press(commands, "mining", "OFF", clock() - late_s, kept=kept)
    assert await commands.give() == []
    assert commands.dropped == {why: 1}
    assert await given(store) == []


async def test_what_waited_for_too_long_is_dropped(commands: Commands, clock: FakeClock) -> None:
    press(commands, "mining", "OFF", clock())
    clock.advance(OLD_S + 1)
    assert await commands.give() == []
    assert commands.dropped == {"old": 1}


async def test_what_is_said_again_is_done_once(commands: Commands, store: Store, clock: FakeClock) -> None:
    for _ in range(3):
        press(commands, "locate", "PRESS", clock())
        await commands.give()
    assert (len(await given(store)), commands.dropped) == (1, {"again": 2})
    started_since = Commands(store, Steering(FEW, Rules(), 15.0), TOPICS, address="broker:8883", clock=clock)
    press(started_since, "locate", "PRESS", clock())
    await started_since.give()
    assert len(await given(store)) == 1, "the order that it is already"


@pytest.mark.parametrize(
    ("what", "do"), [("reboot", "PRESS"), ("pools", "x"), ("mining", "TOGGLE"), ("preset", "x" * 600), ("", "")]
)
async def test_what_is_no_command_here_is_dropped(what: str, do: str, commands: Commands, clock: FakeClock) -> None:
    press(commands, what, do, clock())
    assert await commands.give() == []
    assert commands.dropped == {"unreadable": 1}


async def test_of_a_miner_that_nobody_knows_nothing_is_ordered(
    commands: Commands, store: Store, clock: FakeClock
) -> None:
    press(commands, "mining", "OFF", clock(), "02:00:00:00:00:99")
    assert await commands.give() == []
    assert (commands.dropped, await given(store)) == ({"refused": 1}, [])


async def test_more_than_enough_is_too_much(
    commands: Commands, store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(mqtt_orders.ORDERS_A_MINUTE + 5):
        press(commands, "preset", f"preset {number}", clock(), MAC[number % 3])
        await commands.give()
    assert len(await given(store)) == mqtt_orders.ORDERS_A_MINUTE
    assert commands.dropped == {"rate": 5}
    for number in range(mqtt_orders.COMMANDS_A_MINUTE):
        press(commands, "preset", f"other {number}", clock())
    assert commands.dropped["rate"] > 5
    clock.advance(61)
    press(commands, "locate", "PRESS", clock())
    assert len(await commands.give()) == 1


async def test_a_warning_is_written_once(
    commands: Commands, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(50):
        press(commands, "mining", "OFF", clock() - 100 - number)
    assert len([one for one in caplog.records if "not carried out" in one.message]) == 1


@pytest.mark.sqlite_only("is about the broker")
async def test_a_command_goes_from_the_broker_to_the_order(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, store: Store, clock: FakeClock
) -> None:
    await home.say(TOPICS.command(MAC[0], "mining"), said("OFF", clock()), retain=True)
    bridge: Bridge = await make_bridge(mosquitto, ALL)
    await bridge.tick()
    await home.say(TOPICS.command(MAC[1], "mining"), said("OFF", clock()), retain=True)
    await home.say(TOPICS.command(MAC[0], "mining"), said("OFF", clock() - 11))
    await home.say(TOPICS.command(MAC[0], "mining"), "OFF")
    await home.say(TOPICS.command(MAC[0], "mining"), b"\xff" * 700)
    await home.say(TOPICS.command(MAC[2], "mining"), said("OFF", clock()))
    await home.say(TOPICS.command(MAC[2], "mining"), said("OFF", clock()))
    await home.say(TOPICS.command(MAC[2], "reboot"), said("PRESS", clock()))
    await home.sees(lambda: len(_heard(bridge, "/do/")) == 7)
    await bridge.tick()
    found = {order.verb: targets for order, targets in await given(store)}
    assert {verb: [one.mac for one in targets] for verb, targets in found.items()} == {
        "pause": [MAC[2]], "reboot": [MAC[2]],
    }  # fmt: skip
    assert bridge._commands is not None
    assert bridge._commands.dropped == {"kept": 1, "old": 1, "unreadable": 2, "again": 1}
    assert "5 commands not carried out" in bridge.summary()


@pytest.mark.sqlite_only("is about the broker")
async def test_what_is_larger_than_any_packet_of_ours_is_not_passed_on(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, store: Store, clock: FakeClock
) -> None:
    bridge = await make_bridge(mosquitto, ALL)
    await bridge.tick()
    await home.say(TOPICS.command(MAC[0], "mining"), b"x" * 100_000)
    await home.say(TOPICS.command(MAC[0], "mining"), said("OFF", clock()))
    await home.sees(lambda: _heard(bridge, "/do/"))
    await bridge.tick()
    assert [order.verb for order, _ in await given(store)] == ["pause"]


@pytest.mark.sqlite_only("is about the broker")
async def test_without_steering_no_command_is_even_heard(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, store: Store, clock: FakeClock
) -> None:
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    await home.say(TOPICS.command(MAC[0], "mining"), said("OFF", clock()))
    await home.say(TOPICS.home, "online")
    await home.sees(lambda: _heard(bridge, TOPICS.home))
    assert _heard(bridge, "/do/") == []
    await bridge.tick()
    assert await given(store) == []


def test_what_may_be_ordered_is_what_there_is() -> None:
    assert set(VERBS) >= ALL
