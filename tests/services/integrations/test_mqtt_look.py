"""What the broker is told: devices as Home Assistant documents them, and states that are those of the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hived.documents import fleet
from hived.documents import miners as documents
from hived.records.condition import condition
from hived.records.miner import HashboardReading
from hived.records.totals import totals
from hived.services.integrations.mqtt_look import Item, Look, Sent, look
from hived.services.miners.moments import moment
from hived.store import Database, Store
from hived.store.miners import miners, views
from hived.store.schema import Miner, Model
from tests.clock import FakeClock
from tests.services.integrations.conftest import ALL, MAC, TOPICS, telling, told
from tests.services.integrations.discovery import complaints


async def seen(store: Store, clock: FakeClock, allowed: frozenset[str] = ALL, **sent: Any) -> Look:
    found: Look = await store.read(look, telling(allowed), sent.get("sent", {}), clock())
    return found


def by_topic(found: Look) -> dict[str, Item]:
    return {item.topic: item for item in found.items}


def device(found: Look, mac: str) -> dict[str, Any]:
    return dict(json.loads(by_topic(found)[TOPICS.device(TOPICS.miner_id(mac))].payload))


def state(found: Look, mac: str) -> dict[str, Any]:
    return dict(json.loads(by_topic(found)[TOPICS.miner(mac)].payload))


def offered(told: Mapping[str, Any]) -> set[str]:
    return {key for key in ("mining", "preset", "locate", "reboot") if len(told["components"][key]) > 1}


async def change(store: Store, mac: str, **fields: Any) -> None:
    await store.write(lambda db: Miner.update(**fields).where(Miner.mac == mac).execute(db))


@pytest.mark.parametrize("allowed", [ALL, frozenset()], ids=["steered", "told"])
async def test_every_device_is_one_that_home_assistant_takes(
    allowed: frozenset[str], store: Store, clock: FakeClock
) -> None:
    await change(store, MAC[1], hostname="säge-7 \U0001f525", model_name=None, serial="N 1")
    await change(store, MAC[2], features="", firmware_version=None)
    found = await seen(store, clock, allowed)
    devices = [item for item in found.items if item.kept]
    assert len(devices) == 4
    assert [complaint for item in devices for complaint in complaints(item.topic, item.payload)] == []


async def test_the_schema_finds_what_is_wrong(store: Store, clock: FakeClock) -> None:
    topic = TOPICS.device(TOPICS.miner_id(MAC[0]))
    good = device(await seen(store, clock), MAC[0])
    parts = good["components"]
    bad = {
        "origin is missing": {name: value for name, value in good.items() if name != "origin"},
        "no topic of a device": good,
        "availability is said in two ways": {**good, "availability_topic": "x"},
        "W is no unit of temperature": {
            **good, "components": {"a": {**parts["chip_temp_max_c"], "unit_of_measurement": "W"}},
        },
        "unique_id is missing": {
            **good, "components": {"a": {k: v for k, v in parts["mining"].items() if k != "unique_id"}},
        },
        "expire_after is no option": {**good, "components": {"a": {**parts["mining"], "expire_after": 5}}},
        "options is missing": {
            **good, "components": {"a": {k: v for k, v in parts["preset"].items() if k != "options"}},
        },
    }  # fmt: skip
    for words, message in bad.items():
        place = topic if message is not good else "homeassistant/device/a b/config"
        assert any(words in one for one in complaints(place, json.dumps(message).encode())), words


async def test_a_state_is_what_the_api_shows(store: Store, clock: FakeClock) -> None:
    clock.advance(1)
    dead = tuple(HashboardReading(i, "mining" if i < 3 else "failure") for i in (1, 2, 3))
    await told(store, MAC[1], clock(), hashboards=dead)
    await told(store, MAC[2], clock(), state="stopped", hashrate_hs=0.0, power_w=15.0)
    found = await seen(store, clock)
    at = await store.read(moment, clock(), 15.0)
    judged = [(view, condition(view, at)) for view in await store.read(views.miners)]
    for view, how in judged:
        row, now = documents.row(view), state(found, view.mac)
        assert (now["state"], now["why"], now["next_step"]) == (how.word, how.why, how.next_step)
        for name in ("hashrate_ths", "power_w", "chip_temp_max_c", "pcb_temp_max_c", "psu_temp_max_c", "boards",
                     "boards_failed", "efficiency_j_per_th", "preset"):  # fmt: skip
            assert now[name] == row[name], name
        assert now["hashrate_expected_ths"] == fleet.judged(how)["hashrate_expected_ths"]
        assert now["problem"] == ("ON" if how.why else "OFF")
    assert [state(found, mac)["problem"] for mac in MAC] == ["OFF", "ON", "OFF"]
    assert [state(found, mac)["mining"] for mac in MAC] == ["ON", "ON", "OFF"]
    sums = fleet.sums(totals(judged)[0])
    site = json.loads(by_topic(found)[TOPICS.site].payload)
    assert site == {name: sums[name] for name in site}  # type: ignore[literal-required]


async def test_every_value_of_a_device_is_in_its_state(store: Store, clock: FakeClock) -> None:
    found = await seen(store, clock)
    now = state(found, MAC[0])
    for key, part in device(found, MAC[0])["components"].items():
        template = part.get("value_template", "")
        assert template.removeprefix("{{ value_json.").removesuffix(" }}") in ("", *now), key


async def test_what_cannot_be_done_is_not_offered(store: Store, clock: FakeClock) -> None:
    await change(store, MAC[0], features="pause locate")
    await change(store, MAC[1], managed=False)
    await change(store, MAC[2], features=None)
    found = await seen(store, clock)
    assert [offered(device(found, mac)) for mac in MAC] == [{"mining", "locate"}, set(), set()]
    without = await seen(store, clock, ALL - {"reboot"})
    assert offered(device(without, MAC[0])) == {"mining", "locate"}


async def test_presets_beyond_a_limit_are_not_offered(store: Store, clock: FakeClock) -> None:
    def limit(db: Database) -> None:
        Model.update(max_preset="middle").execute(db)

    await store.write(limit)
    found = await seen(store, clock)
    assert device(found, MAC[0])["components"]["preset"]["options"] == ["low", "middle"]
    assert state(found, MAC[0])["preset"] is None, "it runs at one that cannot be chosen"


async def test_a_host_name_is_the_name_of_a_device_only_where_no_other_has_it(store: Store, clock: FakeClock) -> None:
    for mac in MAC:
        await change(store, mac, hostname="Antminer")
    found = await seen(store, clock)
    assert [device(found, mac)["device"]["name"] for mac in MAC] == ["127.9.0.0", "127.9.0.1", "127.9.0.2"]
    sent = {item.topic: Sent(item.digest, clock()) for item in found.items}
    await change(store, MAC[1], hostname="rack-2")
    again = await seen(store, clock, sent=sent)
    assert [device(again, item.mac)["device"]["name"] for item in again.items if item.mac] == ["rack-2"]
    await change(store, MAC[0], hostname=None, ip=None, last_ip=None)
    await change(store, MAC[2], hostname="rack-2")
    found = await seen(store, clock)
    assert [device(found, mac)["device"]["name"] for mac in MAC] == [MAC[0], "127.9.0.1", "127.9.0.2"]


async def test_a_device_is_told_again_when_it_is_another_one(store: Store, clock: FakeClock) -> None:
    sent = {item.topic: Sent(item.digest, clock()) for item in (await seen(store, clock)).items}
    assert (await seen(store, clock, sent=sent)).items == ()
    await change(store, MAC[1], hostname="barn-2")
    again = await seen(store, clock, sent=sent)
    assert [item.mac for item in again.items] == [MAC[1]]
    assert device(again, MAC[1])["device"]["name"] == "barn-2"


async def test_many_new_devices_are_told_in_parts(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hived.services.integrations.mqtt_look.DEVICES_AT_ONCE", 2)
    first = await seen(store, clock)
    assert ([item.mac for item in first.items if item.mac], first.rest) == (MAC[:2], True)
    assert TOPICS.miner(MAC[2]) not in by_topic(first), "no state before its device"
    sent = {item.topic: Sent(item.digest, clock()) for item in first.items}
    second = await seen(store, clock, sent=sent)
    assert ([item.mac for item in second.items if item.mac], second.rest) == ([MAC[2]], False)
    assert second.macs == frozenset(MAC)


async def test_who_is_offline_or_new_is_told_without_figures(store: Store, clock: FakeClock) -> None:
    known = await store.read(miners.one, MAC[0])
    await change(store, MAC[0], online=False, ip=None)
    found = await seen(store, clock)
    now = state(found, known.mac)
    assert (now["state"], now["problem"], now["fresh"], now["mining"]) == ("offline", "ON", False, None)


async def test_names_of_other_places_are_topics_all_the_same(store: Store, clock: FakeClock) -> None:
    odd = replace(telling(ALL), topics=type(TOPICS).of("a/b", "ha", "x:+/#ü"))
    found = await store.read(look, odd, {}, clock())
    assert {item.topic.split("/")[0] for item in found.items} == {"a", "ha"}
    assert not [item.topic for item in found.items if set(item.topic) & set("+#:")]
