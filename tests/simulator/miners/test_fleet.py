"""The fleet: addresses, mixtures, and what happens to a miner's place in the network."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from random import Random

import aiohttp
import pytest

from hived.simulator.miners.fleet import Fleet, addresses, pick_models
from hived.simulator.miners.lifecycle import Timings
from hived.simulator.miners.models import DEFAULT_WEIGHTS
from tests.clock import FakeClock
from tests.simulator.asking import ask, url, with_key
from tests.simulator.conftest import SUBNET
from tests.waiting import until


async def mac_at(http: aiohttp.ClientSession, fleet: Fleet, ip: str) -> str:
    async with http.get(f"http://{ip}:{fleet.port}/api/v1/info") as reply:
        info = await reply.json()
    mac: str = info["system"]["network_status"]["mac"].lower()
    assert info["system"]["network_status"]["ip"] == ip
    return mac


async def test_a_miner_that_moves_answers_at_its_new_address_only(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[1]
    old = miner.ip
    assert await mac_at(http, fleet, old) == miner.mac
    await fleet.move(miner, "127.31.0.77")
    assert await mac_at(http, fleet, "127.31.0.77") == miner.mac
    assert fleet.by_ip("127.31.0.77") is miner
    with pytest.raises(KeyError):
        fleet.by_ip(old)
    with pytest.raises(aiohttp.ClientConnectorError):
        await mac_at(http, fleet, old)


async def test_moving_closes_the_connections_that_were_open(fleet: Fleet) -> None:
    miner, other = fleet.miners[0], fleet.miners[1]
    reader, writer = await asyncio.open_connection(miner.ip, fleet.port)
    kept_reader, kept_writer = await asyncio.open_connection(other.ip, fleet.port)
    for pair in (writer, kept_writer):
        pair.write(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        await reader.readuntil(b"}")
        await kept_reader.readuntil(b"}")
        assert (miner.connections, other.connections) == (1, 1)
        await fleet.move(miner, "127.31.0.78")
        assert await reader.read() == b""
    assert (miner.connections, other.connections) == (0, 1)
    for pair in (writer, kept_writer):
        pair.close()
        await pair.wait_closed()


async def test_a_taken_address_is_refused_and_the_miner_stays(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner, other = fleet.miners[0], fleet.miners[1]
    with pytest.raises(ValueError, match="another miner"):
        await fleet.move(miner, other.ip)
    with socket.create_server(("127.31.0.90", fleet.port)), pytest.raises(OSError, match="in use"):
        await fleet.move(miner, "127.31.0.90")
    assert await mac_at(http, fleet, miner.ip) == miner.mac


async def test_two_miners_swap_addresses(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    one, other = fleet.miners[0], fleet.miners[1]
    first, second = one.ip, other.ip
    await fleet.swap(one, other)
    assert (await mac_at(http, fleet, first), await mac_at(http, fleet, second)) == (other.mac, one.mac)
    assert fleet.by_ip(first) is other
    assert fleet.by_mac(one.mac.upper()) is one


async def test_a_vanished_miner_refuses_until_it_is_back_with_its_keys(
    http: aiohttp.ClientSession, fleet: Fleet
) -> None:
    miner = fleet.miners[0]
    key = with_key(miner)
    await fleet.vanish(miner)
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(http, fleet, miner, "/info")
    await fleet.bring_back(miner)
    await fleet.bring_back(miner)  # twice is once
    assert (await ask(http, fleet, miner, "/settings", headers={"x-api-key": key}))[0] == 200


async def test_a_vanished_miner_may_lose_its_address_to_another(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    gone, other = fleet.miners[0], fleet.miners[1]
    await fleet.vanish(gone)
    await fleet.move(other, gone.ip)
    assert fleet.by_ip(gone.ip) is other
    with pytest.raises(ValueError, match="another miner"):
        await fleet.bring_back(gone)
    await fleet.move(gone, "127.31.0.91")
    await fleet.bring_back(gone)
    assert await mac_at(http, fleet, "127.31.0.91") == gone.mac


async def test_a_new_control_board_has_another_mac_and_knows_nobody(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    old, key = miner.mac, with_key(miner)
    fleet.change_password(miner, "secret")
    fleet.replace_board(miner)
    assert miner.mac != old
    assert len({unit.mac for unit in fleet.miners}) == len(fleet.miners)
    assert await mac_at(http, fleet, miner.ip) == miner.mac
    assert miner.keys == {}
    assert (await ask(http, fleet, miner, "/settings", headers={"x-api-key": key}))[0] == 401
    assert (await ask(http, fleet, miner, "/unlock", {"pw": "admin"}))[0] == 200


async def test_a_changed_password_locks_out_who_has_the_old_one(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    key = with_key(miner)
    fleet.change_password(miner, "changed")
    assert (await ask(http, fleet, miner, "/unlock", {"pw": "admin"}))[0] == 403
    assert (await ask(http, fleet, miner, "/unlock", {"pw": "changed"}))[0] == 200
    assert (await ask(http, fleet, miner, "/settings", headers={"x-api-key": key}))[0] == 200


async def test_a_reboot_takes_the_miner_away_and_keeps_its_keys(http: aiohttp.ClientSession) -> None:
    timings = Timings(reboot_after=0.05, reboot_away=0.2)
    async with Fleet(1, subnet=SUBNET, steady=True, timings=timings) as fleet:
        miner = fleet.miners[0]
        token = json.loads((await ask(http, fleet, miner, "/unlock", {"pw": "admin"}))[1])["token"]
        booted = miner.unit.booted_at
        headers = {"x-api-key": with_key(miner)}
        assert await ask(http, fleet, miner, "/system/reboot", {}, headers=headers) == (200, b'{"after":0}')
        await until(lambda: not miner.online, within_s=5)
        with pytest.raises(aiohttp.ClientConnectorError):
            await ask(http, fleet, miner, "/info")
        await until(lambda: miner.online, within_s=5)
        assert miner.unit.booted_at > booted
        assert miner.state == "starting"
        info = json.loads((await ask(http, fleet, miner, "/info"))[1])
        assert info["system"]["uptime"] == "0:00"
        assert (await ask(http, fleet, miner, "/settings", headers=headers))[0] == 200
        assert (await ask(http, fleet, miner, "/settings", headers={"Authorization": token}))[0] == 401


async def test_stopping_during_a_reboot_leaves_nothing_behind(http: aiohttp.ClientSession) -> None:
    timings = Timings(reboot_after=0.0, reboot_away=0.01)
    async with Fleet(3, subnet=SUBNET, steady=True, timings=timings) as fleet:
        for miner in fleet.miners:
            fleet.reboot(miner, 0.0)
    assert [miner.connections for miner in fleet.miners] == [0, 0, 0]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(fleet.miners[0].ip, fleet.port)


async def test_stopping_closes_every_connection_and_listener() -> None:
    fleet = Fleet(2, subnet=SUBNET, steady=True, rpc_port=0)
    await fleet.start()
    reader, writer = await asyncio.open_connection(fleet.miners[0].ip, fleet.port)
    await fleet.stop()
    await fleet.stop()  # twice is once
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    for port in (fleet.port, fleet.rpc_port):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(fleet.miners[1].ip, port)


async def test_a_taken_port_stops_the_start_and_leaves_nothing_listening(free_port: int) -> None:
    fleet = Fleet(3, subnet=SUBNET, port=free_port, steady=True)
    with socket.create_server((fleet.miners[2].ip, free_port)), pytest.raises(OSError, match="in use"):
        await fleet.start()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(fleet.miners[0].ip, free_port)


def test_addresses_are_consecutive_or_spread() -> None:
    assert addresses("127.20.0.0/24", 3) == ["127.20.0.1", "127.20.0.2", "127.20.0.3"]
    assert addresses("127.20.0.0/24", 254)[-1] == "127.20.0.254"
    spread = addresses("127.20.0.0/20", 1000, spread=True)
    assert len(set(spread)) == 1000
    assert {address.rsplit(".", 1)[0] for address in spread} == {f"127.20.{n}" for n in range(16)}
    assert max(Counter(address.rsplit(".", 1)[0] for address in spread).values()) <= 64


@pytest.mark.parametrize(("subnet", "count"), [("127.20.0.0/24", 255), ("127.20.0.0/24", 0), ("::1/128", 1), ("x", 1)])
def test_a_subnet_without_room_is_refused(subnet: str, count: int) -> None:
    with pytest.raises(ValueError, match=r"room|IPv4|Expected|octets|permitted"):
        Fleet(count, subnet=subnet)


def test_the_default_mix_has_a_few_of_each_trouble() -> None:
    fleet = Fleet(120, clock=FakeClock())
    states = Counter(miner.state for miner in fleet.miners)
    assert states == {"mining": 105, "auto-tuning": 6, "failure": 4, "stopped": 4, "starting": 1}
    assert sum(miner.dead_board for miner in fleet.miners) == 1
    assert sum(miner.lost_fan for miner in fleet.miners) == 1
    models = Counter(miner.model for miner in fleet.miners)
    assert models == {alias: 12 * weight for alias, weight in DEFAULT_WEIGHTS.items()}


def test_a_steady_fleet_mines_and_has_no_defect() -> None:
    fleet = Fleet(120, clock=FakeClock(), steady=True)
    assert {miner.state for miner in fleet.miners} == {"mining"}
    assert not any(miner.dead_board or miner.lost_fan for miner in fleet.miners)
    assert all(miner.snapshot().realtime_ghs > 0.9 * miner.snapshot().nominal_ghs for miner in fleet.miners)


def test_models_and_states_can_be_chosen() -> None:
    fleet = Fleet(9, models={"s19": 2, "s21pro": 1}, setups={"stopped": 2, "dead-board": 1}, clock=FakeClock())
    assert Counter(miner.model for miner in fleet.miners) == {"s19": 6, "s21pro": 3}
    assert Counter(miner.state for miner in fleet.miners) == {"mining": 7, "stopped": 2}
    with pytest.raises(ValueError, match="models"):
        Fleet(2, models={"s99": 1})
    with pytest.raises(ValueError, match="states"):
        Fleet(2, setups={"asleep": 1})
    with pytest.raises(ValueError, match="states"):
        Fleet(2, setups={"stopped": 3})


def test_the_same_seed_makes_the_same_fleet() -> None:
    def told(seed: int) -> list[tuple[str, str, str]]:
        return [(m.model, m.mac, m.state) for m in Fleet(60, seed=seed, clock=FakeClock()).miners]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_weights_are_met_to_the_unit() -> None:
    picked = Counter(pick_models(10, {"s19": 1, "s21": 1, "s21pro": 1}, Random(1)))
    assert sum(picked.values()) == 10
    assert set(picked.values()) == {3, 4}


async def test_a_thousand_miners_start_and_stop() -> None:
    async with Fleet(1000, subnet="127.31.16.0/20", spread=True) as fleet:
        assert len({miner.mac for miner in fleet.miners}) == 1000
        reader, writer = await asyncio.open_connection(fleet.miners[-1].ip, fleet.port)
        writer.close()
        await writer.wait_closed()
        assert not await reader.read()


async def test_many_paths_do_not_fill_the_counter(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    for index in range(1000):
        miner.count_request(f"GET /{index}")
    async with http.get(url(fleet, miner, "/never-seen-before")) as reply:
        assert reply.status == 404
    assert miner.requests["other"] == 1
    assert len(miner.requests) == 1001
