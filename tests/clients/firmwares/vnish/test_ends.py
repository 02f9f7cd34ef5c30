"""What is secret is sent to the device that it is for, whoever has its address meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hived import errors
from hived.clients.firmwares import ends
from hived.clients.firmwares.family import ConnectionWatch, Link
from hived.clients.firmwares.http import open_session
from hived.clients.firmwares.vnish.client import VnishClient
from hived.clients.firmwares.vnish.family import Vnish
from hived.records.firmware import Reach
from tests.clients.firmwares.vnish.test_client import INFO, IP, KEY, PASSWORD, S19, TOKEN
from tests.clients.firmwares.vnish.test_parse import capture
from tests.clients.peer import Asked, Peer, cut, reply
from tests.clock import FakeClock

MAC = "02:0e:7e:00:00:21"
REACH = Reach(IP, KEY, mac=MAC)
OTHER = reply(200, capture(S19 + "info.json").replace(b"02:0E:7E:00:00:21", b"02:0E:7E:00:00:99"))
SUMMARY = reply(200, capture(S19 + "summary.json"))


def secrets_in(asked: list[Asked]) -> list[str]:
    """The calls that carried anything secret."""
    return [
        one.call.rpartition("/api/v1")[2]
        for one in asked
        if any(secret in f"{one.headers} {one.body!r}" for secret in (KEY, TOKEN, PASSWORD))
    ]


SECRET: dict[str, Callable[[VnishClient], Awaitable[Any]]] = {
    "settings": lambda client: client.settings(REACH),
    "presets": lambda client: client.presets(REACH),
    "check": lambda client: client.check_key(REACH, KEY),
    "unlock": lambda client: client.unlock(REACH, PASSWORD),
    "lock": lambda client: client.lock(REACH, TOKEN),
    "list": lambda client: client.api_keys(REACH, TOKEN),
    "add": lambda client: client.add_api_key(REACH, TOKEN, KEY, "hived"),
    "delete": lambda client: client.delete_api_key(REACH, TOKEN, KEY),
}


@pytest.mark.parametrize("name", SECRET)
async def test_another_device_at_the_address_gets_nothing_secret(peer: Peer, client: VnishClient, name: str) -> None:
    peer.says("/info", OTHER)
    with pytest.raises(errors.AnotherDevice, match="02:0e:7e:00:00:99"):
        await SECRET[name](client)
    assert peer.calls() == ["GET /api/v1/info"]


async def test_a_closed_summary_gets_no_key_from_another_device(peer: Peer) -> None:
    family = Vnish(Link(open_session(), peer.port, 5.0))
    peer.says("/info", OTHER)
    peer.says("/summary", reply(401))
    with pytest.raises(errors.AnotherDevice):
        await family.read(REACH, ConnectionWatch())
    peer.says("/summary", SUMMARY)
    peer.says("/perf-summary", reply(401))
    with pytest.raises(errors.AnotherDevice):
        await family.read(REACH, ConnectionWatch())
    peer.says("/chains", reply(403))
    with pytest.raises(errors.AnotherDevice):
        await family.chips(REACH, ConnectionWatch())
    await family._client._session.close()
    assert secrets_in(peer.asked) == []


async def test_the_mac_is_asked_once_for_each_connection(peer: Peer, client: VnishClient) -> None:
    peer.says("/info", INFO)
    peer.says("/settings", reply(200, b"{}"))
    for _ in range(3):
        await client.settings(REACH)
    assert peer.calls().count("GET /api/v1/info") == 1
    peer.hang_up()
    for _ in range(3):
        await client.settings(REACH)
    assert peer.calls().count("GET /api/v1/info") == 2
    assert peer.connections == 2


async def test_who_takes_over_the_address_between_two_calls_gets_nothing(peer: Peer, client: VnishClient) -> None:
    peer.says("/info", INFO)
    peer.says("/settings", reply(200, b"{}"))
    await client.settings(REACH)
    asked = len(peer.asked)
    peer.says("/info", OTHER)
    peer.hang_up()
    with pytest.raises(errors.AnotherDevice):
        await client.settings(REACH)
    assert secrets_in(peer.asked[asked:]) == []


async def test_a_connection_that_an_open_call_has_opened_proves_nothing(peer: Peer, client: VnishClient) -> None:
    peer.says("/info", INFO)
    peer.says("/settings", reply(200, b"{}"))
    peer.says("/summary", SUMMARY)
    await client.settings(REACH)
    asked = len(peer.asked)
    peer.says("/info", OTHER)
    peer.hang_up()
    await client.summary(REACH)
    with pytest.raises(errors.AnotherDevice):
        await client.settings(REACH)
    assert secrets_in(peer.asked[asked:]) == []


async def test_a_call_that_waits_for_the_connection_is_not_sent_over_the_next_one(peer: Peer) -> None:
    goes = asyncio.Event()

    async def slow(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await goes.wait()  # and hangs up

    async with open_session() as session:
        client = VnishClient(session, port=peer.port, timeout_s=5.0)
        peer.says("/info", INFO)
        await client.identify(IP)
        peer.says("/summary", slow)
        first = asyncio.create_task(client.summary(REACH))
        while "GET /api/v1/summary" not in peer.calls():
            await asyncio.sleep(0)
        waiting = asyncio.create_task(client.settings(REACH))
        await asyncio.sleep(0)
        peer.says("/info", OTHER)
        peer.says("/summary", SUMMARY)
        goes.set()
        await first
        with pytest.raises(errors.AnotherDevice):
            await waiting
    assert secrets_in(peer.asked) == []


async def test_a_web_server_that_keeps_no_connection_is_asked_right_before(peer: Peer, client: VnishClient) -> None:
    clock = FakeClock()
    client._ends._monotonic = clock
    peer.says("/info", cut(INFO))
    peer.says("/settings", cut(reply(200, b"{}")))
    for _ in range(2):
        for _ in range(3):
            await client.settings(REACH)
        clock.advance(ends.RIGHT_BEFORE_S)
    assert peer.calls() == ["GET /api/v1/info", *["GET /api/v1/settings"] * 3] * 2
    peer.says("/info", cut(OTHER))
    with pytest.raises(errors.AnotherDevice):
        await client.settings(REACH)


async def test_without_a_mac_a_family_sends_nothing_secret(peer: Peer) -> None:
    family = Vnish(Link(open_session(), peer.port, 5.0))
    for path in (
        "/summary",
        "/perf-summary",
        "/chains",
        "/boards",
        "/chips",
        "/model",
        "/autotune/presets",
        "/settings",
    ):
        peer.says(path, reply(401))
    nobody = Reach(IP, KEY)
    for call in (
        family.read(nobody, ConnectionWatch()), family.chips(nobody, ConnectionWatch()), family.model(nobody),
        family.presets(nobody), family.settings(nobody), family.open(nobody, PASSWORD),
    ):  # fmt: skip
        with pytest.raises((errors.BadCredentials, errors.BadRequest)):
            await call
    await family._client._session.close()
    assert secrets_in(peer.asked) == []


async def test_the_memory_of_ends_is_bounded(client: VnishClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "MAX_REMEMBERED", 3)
    for number in range(9):
        client._ends.told(f"127.0.0.{number}", MAC)
    assert len(client._ends._macs) == 3


async def test_a_key_is_made_over_a_connection_whose_end_is_known(peer: Peer) -> None:
    family = Vnish(Link(open_session(), peer.port, 5.0))
    peer.says("/info", INFO)
    peer.says("/unlock", reply(200, json.dumps({"token": TOKEN}).encode()), "POST")
    peer.says("/apikeys", reply(200, json.dumps([{"key": KEY, "description": "hived"}]).encode()))
    peer.says("/lock", reply(200), "POST")
    assert await family.open(Reach(IP, mac=MAC), PASSWORD) == KEY
    await family._client._session.close()
    assert peer.calls()[0] == "GET /api/v1/info"
    assert peer.connections == 1
