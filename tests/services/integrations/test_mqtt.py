"""The broker is told how the miners are, and nothing but what is new; it is killed, slow, and comes back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hived.errors import Transient
from hived.records.condition import condition
from hived.runtime.runner import Beat
from hived.services.integrations.mqtt_look import REFRESH_S
from hived.services.miners.moments import moment
from hived.store import Store
from hived.store.miners import miners, replaced, views
from tests.clock import FakeClock
from tests.mosquitto import House, Mosquitto, house
from tests.services.integrations.conftest import ALL, MAC, TOPICS, MakeBridge, told
from tests.waiting import until

pytestmark = pytest.mark.sqlite_only("is about the broker; test_mqtt_look.py is about what it is told")
DEVICES = "homeassistant/device/"


def device(mac: str) -> str:
    return TOPICS.device(TOPICS.miner_id(mac))


async def forget(store: Store, mac: str) -> None:
    await store.write(lambda db: replaced.remove(db, [miners.one(db, mac).num]))


def state(home: House, mac: str) -> dict[str, Any]:
    return dict(json.loads(home.kept[TOPICS.miner(mac)]))


async def test_each_miner_and_the_site_are_told(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, store: Store, clock: FakeClock
) -> None:
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    await home.sees(lambda: TOPICS.site in home.kept)
    assert home.under(DEVICES) == sorted([*map(device, MAC), TOPICS.device("hived_site_node_1")])
    assert home.kept[TOPICS.status] == b"online"
    now = state(home, MAC[0])
    (view,) = await store.read(views.miners, mac=MAC[0])
    how = condition(view, await store.read(moment, clock(), 15.0))
    assert (now["state"], now["problem"], now["why"]) == (how.word, "OFF", how.why)
    assert (now["hashrate_ths"], now["power_w"], now["chip_temp_max_c"], now["boards"]) == (100.5, 2900.0, 71.0, 3)
    assert now["efficiency_j_per_th"] == pytest.approx(28.856, abs=0.001)
    site = json.loads(home.kept[TOPICS.site])
    assert (site["miners"], site["hashing"], site["hashrate_ths"], site["power_w"]) == (3, 3, 301.5, 8700.0)
    assert "3 miners told" in bridge.summary()


async def test_devices_are_kept_by_the_broker_and_states_are_not(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House
) -> None:
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    await home.sees(lambda: TOPICS.site in home.kept)
    async with house(mosquitto) as late:
        await late.sees(lambda: len(late.under(DEVICES)) == 4)
        assert late.kept[TOPICS.status] == b"online"
        assert late.under(TOPICS.site) + late.under(f"{TOPICS.base}/miners/") == []


async def test_only_what_changed_is_sent_and_all_before_it_expires(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, store: Store, clock: FakeClock
) -> None:
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    await home.sees(lambda: TOPICS.site in home.kept)
    home.heard.clear()
    clock.advance(6)
    await told(store, MAC[1], clock(), hashrate_hs=90e12)
    await bridge.tick()
    await home.sees(lambda: len(home.heard) == 2)
    assert {str(one.topic) for one in home.heard} == {TOPICS.miner(MAC[1]), TOPICS.site}
    home.heard.clear()
    clock.advance(REFRESH_S)
    for mac in MAC:
        await told(store, mac, clock())
    await bridge.tick()
    await home.sees(lambda: len(home.heard) == 4)
    assert not [one for one in home.heard if str(one.topic).startswith(DEVICES)]


async def test_old_figures_are_called_old_and_the_state_says_why(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, clock: FakeClock
) -> None:
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    await home.sees(lambda: TOPICS.site in home.kept)
    clock.advance(61)
    await bridge.tick()
    await home.sees(lambda: not state(home, MAC[0])["fresh"])
    assert state(home, MAC[0])["state"] == "unseen"  # no hive-polld runs in this test


async def test_the_end_and_the_will_say_offline(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, clock: FakeClock
) -> None:
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    await home.sees(lambda: home.kept.get(TOPICS.status) == b"online")
    bridge._link._sock.shutdown(2)  # as when the power goes: nobody says goodbye
    await home.sees(lambda: home.kept[TOPICS.status] == b"offline")
    with pytest.raises(Transient, match="is gone"):
        await bridge.tick()
    await bridge.tick()
    assert "is away" in bridge.summary(), "it stood for no time: it is not made again at once"
    clock.advance(16 * 60)
    await bridge.tick()
    await home.sees(lambda: home.kept[TOPICS.status] == b"online")
    await bridge.__aexit__(None, None, None)
    await home.sees(lambda: home.kept[TOPICS.status] == b"offline")


async def test_home_assistant_that_starts_is_told_everything(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, clock: FakeClock
) -> None:
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    await home.sees(lambda: TOPICS.site in home.kept)
    for after_s, devices in ((31, 4), (6, 0), (31, 4)):
        home.heard.clear()
        await home.say(TOPICS.home, "online")
        await home.sees(lambda: [one for one in bridge._link._heard if one.topic == TOPICS.home])
        clock.advance(after_s)
        await bridge.tick()
        await home.say("end", "of it")
        await home.sees(lambda: "end" in home.kept)
        assert len([one for one in home.heard if str(one.topic).startswith(DEVICES)]) == devices
        home.kept.clear()


async def test_a_miner_that_is_removed_is_taken_away(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, store: Store, clock: FakeClock
) -> None:
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    await home.sees(lambda: TOPICS.site in home.kept)
    await forget(store, MAC[2])
    clock.advance(6)
    await bridge.tick()
    await home.sees(lambda: device(MAC[2]) not in home.kept)
    assert TOPICS.told(MAC[2]) not in home.kept
    assert device(MAC[1]) in home.kept


async def test_one_that_was_removed_while_nobody_was_there_is_taken_away_later(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, store: Store, clock: FakeClock
) -> None:
    first = await make_bridge(mosquitto)
    await first.tick()
    await home.sees(lambda: TOPICS.site in home.kept)
    await first.__aexit__(None, None, None)
    await forget(store, MAC[2])
    second = await make_bridge(mosquitto)

    async def ticks() -> bool:
        clock.advance(6)
        await second.tick()
        return device(MAC[2]) not in home.kept

    async with asyncio.timeout(10):
        while not await ticks():
            await asyncio.sleep(0.01)


async def test_a_broker_that_is_killed_is_told_all_again_when_it_is_back(
    make_bridge: MakeBridge, mosquitto: Mosquitto, clock: FakeClock
) -> None:
    bridge = await make_bridge(mosquitto)
    beat = Beat("mqtt", bridge.tick, every=1.0, limit=60.0, clock=clock)
    assert await beat.attempt()
    mosquitto.kill()
    await until(lambda: bridge._link.lost)
    clock.advance(120)
    pauses = []
    for _ in range(12):
        assert not await beat.attempt()
        pauses.append(beat.pause())
    assert "is away" in bridge.summary()
    assert pauses[0] < pauses[3] < pauses[6], "the one formula"
    assert max(pauses) <= 330
    await mosquitto.start()
    async with house(mosquitto) as home:
        assert await beat.attempt()
        await home.sees(lambda: TOPICS.site in home.kept and len(home.under(DEVICES)) == 4)


async def test_a_broker_that_takes_nothing_costs_the_time_of_one_step(
    make_bridge: MakeBridge, mosquitto: Mosquitto, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hived.clients.mqtt.client.WAIT_S", 0.2)
    monkeypatch.setattr("hived.clients.mqtt.client.CLOSE_S", 0.1)
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    mosquitto.freeze()
    clock.advance(120)
    bridge._sent.clear()
    with pytest.raises(Transient, match="takes nothing: Operation timed out"):
        await bridge.tick()
    with pytest.raises(Transient, match="does not let us in"):
        await bridge.tick()
    assert bridge._link is None


async def test_a_broker_that_is_slow_is_told_less_at_once_and_all_in_the_end(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, clock: FakeClock
) -> None:
    class Slow:
        """Each look at it takes four seconds: as long as a message to this broker."""

        def __call__(self) -> float:
            clock.advance(4)
            return clock()

    bridge = await make_bridge(mosquitto, monotonic=Slow(), clock=lambda: 1_800_000_000.0)
    told: list[int] = []
    while not told or TOPICS.site not in home.kept:
        assert len(told) < 20
        await bridge.tick()
        await home.say("end", str(len(told)))
        await home.sees(lambda: home.kept.get("end") == str(len(told)).encode())
        told.append(len(home.under(DEVICES)))
    assert told[0] < 4 == told[-1], "not all in the first tick"


async def test_marks_that_somebody_makes_up_are_taken_away_and_bounded(
    make_bridge: MakeBridge, mosquitto: Mosquitto, home: House, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hived.services.integrations.mqtt.MOST_TOLD", 5)
    bridge = await make_bridge(mosquitto)
    await bridge.tick()
    for number in range(20):
        await home.say(TOPICS.told(f"02:ff:00:00:00:{number:02x}"), "1", retain=True)
    await home.say(TOPICS.told("no-miner"), "1", retain=True)
    await home.sees(lambda: len([one for one in bridge._link._heard if "/told/02ff" in one.topic]) == 20)
    clock.advance(6)
    await bridge.tick()
    await home.sees(lambda: len(home.under(f"{TOPICS.base}/told/02ff")) == 18)
    assert len(bridge._told) == 3
    assert sorted(home.under(DEVICES)) == sorted([*map(device, MAC), TOPICS.device("hived_site_node_1")])


@pytest.mark.parametrize("steers", [True, False])
async def test_what_can_be_ordered_is_offered_where_it_may_be(
    steers: bool, make_bridge: MakeBridge, mosquitto: Mosquitto, home: House
) -> None:
    bridge = await make_bridge(mosquitto, ALL if steers else frozenset())
    await bridge.tick()
    await home.sees(lambda: TOPICS.site in home.kept)
    entities = json.loads(home.kept[device(MAC[0])])["components"]
    offered = {key for key in ("mining", "preset", "locate", "reboot") if len(entities[key]) > 1}
    assert offered == ({"mining", "preset", "locate", "reboot"} if steers else set())
    assert entities["preset"].get("options") == (["low", "middle", "high"] if steers else None)
    assert state(home, MAC[0])["preset"] == ("high" if steers else None)
