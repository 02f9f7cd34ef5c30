"""The HTTP API of a simulated miner, asked over real sockets."""

from __future__ import annotations

import asyncio
import io
import json

import aiohttp
import pytest

from hived.simulator.miners.fleet import Fleet
from tests.clock import FakeClock
from tests.simulator.asking import KEY, ask, document, of_model, url, with_key


async def test_the_root_page_names_the_firmware(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    status, body = await ask(http, fleet, fleet.miners[0], "/")
    assert status == 200
    assert b'name="firmware" content="AnthillOS"' in body


async def test_identity_is_open_and_tells_the_address_it_was_asked_at(
    http: aiohttp.ClientSession, fleet: Fleet
) -> None:
    for miner in fleet.miners:
        status, body = await ask(http, fleet, miner, "/info")
        info = json.loads(body)
        assert status == 200
        assert info["fw_name"] == "Vnish"
        assert info["model"] == miner.model
        assert info["system"]["network_status"]["ip"] == miner.ip
        mac = info["system"]["network_status"]["mac"]
        assert mac == mac.upper()
        assert mac.lower() == miner.mac
    assert json.loads((await ask(http, fleet, of_model(fleet, "s19"), "/info"))[1])["serial"] == "N/A"


async def test_what_is_locked_answers_401_without_a_body(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = of_model(fleet, "s19jpro")
    for path in ("/settings", "/apikeys", "/autotune/presets"):
        assert await ask(http, fleet, miner, path) == (401, b"")
    for path in ("/mining/stop", "/system/reboot", "/apikeys", "/settings"):
        assert await ask(http, fleet, miner, path, {}) == (401, b"")
    assert miner.state == "mining"


async def unlock(http: aiohttp.ClientSession, fleet: Fleet, password: str = "admin") -> str:
    status, body = await ask(http, fleet, fleet.miners[0], "/unlock", {"pw": password})
    assert status == 200
    token: str = json.loads(body)["token"]
    return token


async def test_a_token_opens_with_and_without_the_word_bearer_for_half_an_hour(
    http: aiohttp.ClientSession, fleet: Fleet, clock: FakeClock
) -> None:
    miner = fleet.miners[0]
    token = await unlock(http, fleet)
    assert len(token) == 32
    assert token.isalnum()
    for value in (f"Bearer {token}", token):
        assert (await ask(http, fleet, miner, "/apikeys", headers={"Authorization": value}))[0] == 200
    clock.advance(1799)
    assert (await ask(http, fleet, miner, "/apikeys", headers={"Authorization": token}))[0] == 200
    clock.advance(2)
    assert await ask(http, fleet, miner, "/apikeys", headers={"Authorization": token}) == (401, b"")


async def test_a_wrong_password_is_403_and_too_many_lock_out(
    http: aiohttp.ClientSession, fleet: Fleet, clock: FakeClock
) -> None:
    miner = fleet.miners[0]
    for _ in range(4):
        assert await ask(http, fleet, miner, "/unlock", {"pw": "no"}) == (403, b'{"unlock_timeout":null}')
    status, body = await ask(http, fleet, miner, "/unlock", {"pw": "no"})
    assert (status, json.loads(body)) == (403, {"unlock_timeout": 60})
    status, body = await ask(http, fleet, miner, "/unlock", {"pw": "admin"})  # the right one comes too late
    assert (status, json.loads(body)) == (429, {"unlock_timeout": 60})
    assert json.loads((await ask(http, fleet, miner, "/status"))[1])["unlock_timeout"] == 60
    assert miner.unlock_tries == 5
    clock.advance(61)
    await unlock(http, fleet)
    assert miner.requests["POST /api/v1/unlock"] == 7


async def test_a_right_password_forgives_the_wrong_ones_before(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    for _ in range(3):
        for _ in range(4):
            assert (await ask(http, fleet, fleet.miners[0], "/unlock", {"pw": "no"}))[0] == 403
        await unlock(http, fleet)


async def test_keys_are_listed_changed_and_deleted(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    bearer = {"Authorization": f"Bearer {await unlock(http, fleet)}"}
    told = [
        json.loads((await ask(http, fleet, miner, "/apikeys", {"key": KEY, "description": text}, headers=bearer))[1])
        for text in ("hived", "hived", "hived 2")
    ]
    assert [answer["status"] for answer in told] == ["inserted", "nochanges", "updated"]
    by_key = {"x-api-key": KEY}
    listed = json.loads((await ask(http, fleet, miner, "/apikeys", headers=by_key))[1])
    assert listed == [{"key": KEY, "description": "hived 2"}]
    assert await ask(http, fleet, miner, "/apikeys/delete", {"key": KEY}, headers=by_key) == (200, b"")
    assert await ask(http, fleet, miner, "/apikeys", headers=by_key) == (401, b"")


@pytest.mark.parametrize("key", ["", "short", "x" * 31, "x" * 33])
async def test_a_key_must_have_32_characters(http: aiohttp.ClientSession, fleet: Fleet, key: str) -> None:
    miner = fleet.miners[0]
    headers = {"Authorization": await unlock(http, fleet)}
    status, body = await ask(http, fleet, miner, "/apikeys", {"key": key, "description": "d"}, headers=headers)
    assert status == 500
    assert "err" in json.loads(body)
    assert miner.keys == {}


async def test_an_empty_key_header_opens_nothing(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    headers = {"x-api-key": "", "Authorization": ""}
    assert (await ask(http, fleet, fleet.miners[0], "/settings", headers=headers))[0] == 401
    assert (await ask(http, fleet, fleet.miners[0], "/settings", headers={"Authorization": "Bearer "}))[0] == 401


async def test_locking_takes_a_token_not_a_key(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    token = await unlock(http, fleet)
    assert (await ask(http, fleet, miner, "/lock", {}, headers={"x-api-key": with_key(miner)}))[0] == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert await ask(http, fleet, miner, "/lock", {}, headers=headers) == (200, b"")
    status, body = await ask(http, fleet, miner, "/auth-check", headers=headers)
    assert (status, json.loads(body)) == (401, {"unlock_timeout": None})


async def test_status_says_whether_this_request_was_unlocked(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    assert json.loads((await ask(http, fleet, miner, "/status"))[1])["unlocked"] is False
    assert (await document(http, fleet, miner, "/status"))["unlocked"] is True


async def test_mining_commands_answer_with_no_body_and_take_effect(
    http: aiohttp.ClientSession, fleet: Fleet, clock: FakeClock
) -> None:
    miner = fleet.miners[0]
    headers = {"x-api-key": with_key(miner)}

    async def post(path: str, body: object = None) -> tuple[int, bytes]:
        return await ask(http, fleet, miner, path, body, method="POST", headers=headers)

    assert await post("/mining/stop") == (200, b"")
    assert miner.state == "shutting-down"
    clock.advance(10)
    assert miner.state == "stopped"
    assert (await document(http, fleet, miner, "/summary"))["miner"]["hr_realtime"] == 0
    assert await post("/mining/start") == (200, b"")
    assert miner.state == "starting"
    clock.advance(200)
    assert miner.state == "mining"
    assert await post("/mining/pause") == (200, b"")
    assert miner.state == "stopped"
    status, body = await post("/mining/pause")
    assert (status, "CGMiner err" in json.loads(body)["err"]) == (500, True)
    assert await post("/mining/resume") == (200, b"")
    assert miner.state == "mining"
    assert await post("/mining/switch-pool", {"pool_id": 1}) == (200, b"")
    clock.advance(60)
    pools = (await document(http, fleet, miner, "/summary"))["miner"]["pools"]
    assert [pool["status"] for pool in pools[:2]] == ["working", "active"]
    assert pools[1]["accepted"] > 0
    assert await post("/mining/switch-pool", {"pool_id": 9}) == (500, b'{"err":"Could not find pool"}')
    assert await post("/mining/restart") == (200, b"")
    assert miner.state == "restarting"
    clock.advance(300)
    pools = (await document(http, fleet, miner, "/summary"))["miner"]["pools"]
    assert [pool["status"] for pool in pools[:2]] == ["active", "working"]  # the switch does not last


async def test_settings_take_part_of_a_document(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = of_model(fleet, "s19jpro")
    headers = {"x-api-key": with_key(miner)}
    before = await document(http, fleet, miner, "/settings")
    assert len(before["miner"]["pools"]) == 3
    assert before["miner"]["pools"][2] == {"url": "", "user": "", "pass": ""}
    change = {"miner": {"overclock": {"preset": "1740"}}}
    status, body = await ask(http, fleet, miner, "/settings", change, headers=headers)
    assert (status, json.loads(body)) == (200, {"restart_required": False, "reboot_required": False})
    after = await document(http, fleet, miner, "/settings")
    before["miner"]["overclock"]["preset"] = "1740"
    assert after == before
    assert (await document(http, fleet, miner, "/perf-summary"))["current_preset"]["name"] == "1740"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"miner": {"overclock": {"preset": "2100"}}}, 400),  # a step of the S19, not of the S19j Pro
        ({"miner": {"overclock": {"preset": 1740}}}, 400),
        ({"miner": {"overclock": []}}, 500),
        ({"miner": {"pools": "none"}}, 500),
        ({"miner": {"cooling": {"mode": {"name": "arctic"}}}}, 500),
        ({"miner": {"cooling": {"mode": {"name": "manual"}}}}, 500),
        ({"miner": {"cooling": {"mode": {"name": "auto", "param": "hot"}}}}, 500),
        ({"nonsense": 1}, 500),
        ([], 500),
        ({"password": {"current": "wrong", "pw": "new"}}, 500),
    ],
)
async def test_bad_settings_change_nothing(
    http: aiohttp.ClientSession, fleet: Fleet, change: object, status: int
) -> None:
    miner = of_model(fleet, "s19jpro")
    before = await document(http, fleet, miner, "/settings")
    got, body = await ask(http, fleet, miner, "/settings", change, headers={"x-api-key": with_key(miner)})
    assert got == status
    assert "err" in json.loads(body)
    assert await document(http, fleet, miner, "/settings") == before
    assert miner.password == "admin"


async def test_the_password_can_be_changed_by_who_knows_it(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    change = {"password": {"current": "admin", "pw": "harder"}}
    assert (await ask(http, fleet, miner, "/settings", change, headers={"x-api-key": with_key(miner)}))[0] == 200
    assert (await ask(http, fleet, miner, "/unlock", {"pw": "admin"}))[0] == 403
    await unlock(http, fleet, "harder")
    assert (await document(http, fleet, miner, "/settings"))["password"] is None


async def test_presets_are_a_bare_list(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    for miner in fleet.miners:
        presets = await document(http, fleet, miner, "/autotune/presets")
        assert [preset["name"] for preset in presets] == [preset.name for preset in miner.spec.presets]
        running = next(preset for preset in presets if preset["name"] == miner.preset.name)
        assert running["status"] == "tuned"
        assert len(running["tune_settings"]["chains"][0]["chips"]) == miner.spec.chips


async def test_1_3_answers_boards_instead_of_chains(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    old, new = of_model(fleet, "s19jpro"), of_model(fleet, "s19kpro")
    paths = ("/chains", "/boards", "/locate-miner", "/mining/throttle")
    method = {"/locate-miner": "POST", "/mining/throttle": "POST"}
    told = {
        miner.model: [
            (await ask(http, fleet, miner, path, {"is_enabled": True}, method=method.get(path, "GET")))[0]
            for path in paths
        ]
        for miner in (old, new)
    }
    assert told == {"s19jpro": [200, 404, 404, 404], "s19kpro": [404, 200, 200, 401]}
    boards = await document(http, fleet, new, "/boards")
    assert [len(board["chips"]) for board in boards] == [77, 77, 77]


async def test_throttling_lowers_power_at_once(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = of_model(fleet, "s19kpro")
    before = (await document(http, fleet, miner, "/summary"))["miner"]
    headers = {"x-api-key": with_key(miner)}
    assert (await ask(http, fleet, miner, "/mining/throttle", {"percent": 50}, headers=headers))[0] == 200
    after = (await document(http, fleet, miner, "/summary"))["miner"]
    assert after["miner_status"]["throttled"] == 50
    assert after["power_consumption"] == pytest.approx(before["power_consumption"] / 2, rel=0.05)
    assert (await ask(http, fleet, miner, "/mining/throttle", {"percent": 5}, headers=headers))[0] == 500


async def test_the_lights_toggle_without_a_body_and_obey_with_one(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    told = [await ask(http, fleet, miner, "/find-miner", body, method="POST") for body in (None, None, {"on": True})]
    assert told == [(200, b'{"on":true}'), (200, b'{"on":false}'), (200, b'{"on":true}')]
    assert (await document(http, fleet, miner, "/status"))["find_miner"] is True


async def test_unknown_paths_are_404_and_wrong_methods_405(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    assert (await ask(http, fleet, miner, "/pools"))[0] == 404
    assert (await ask(http, fleet, miner, "/restart", {}))[0] == 404
    assert (await ask(http, fleet, miner, "/summary", {}))[0] == 405
    async with http.get(f"http://{miner.ip}:{fleet.port}/cgi-bin/get_system_info.cgi") as reply:
        assert reply.status == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"pw": 5}', b"\xff\xfe", b"[" * 20_000])
async def test_a_garbled_body_is_an_error_not_a_crash(http: aiohttp.ClientSession, fleet: Fleet, body: bytes) -> None:
    async with http.post(url(fleet, fleet.miners[0], "/unlock"), data=body) as reply:
        assert reply.status == 500
        assert "err" in await reply.json()


async def test_a_huge_request_body_is_refused(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    body = io.BytesIO(b'{"pw": "' + b"x" * 2_000_000)
    async with http.post(url(fleet, fleet.miners[0], "/unlock"), data=body) as reply:
        assert reply.status == 413


async def test_requests_are_counted_by_method_and_path(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[1]
    for _ in range(3):
        await ask(http, fleet, miner, "/info")
    await ask(http, fleet, miner, "/unlock", {"pw": "admin"})
    assert miner.requests == {"GET /api/v1/info": 3, "POST /api/v1/unlock": 1}
    assert fleet.miners[0].requests == {}


async def rpc(fleet: Fleet, index: int, request: bytes) -> bytes:
    """Return what port 4028 of a miner says until it hangs up."""
    assert fleet.rpc_port is not None
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(fleet.miners[index].ip, fleet.rpc_port)
        writer.write(request)
        reply = await reader.read()
        writer.close()
        await writer.wait_closed()
    return reply


async def test_the_cgminer_port_tells_the_same_numbers_and_ends_with_a_nul(
    http: aiohttp.ClientSession, fleet: Fleet
) -> None:
    for index, miner in enumerate(fleet.miners):
        told = (await document(http, fleet, miner, "/summary"))["miner"]
        replies = {}
        for command in ("summary", "stats", "pools", "devdetails"):
            raw = await rpc(fleet, index, json.dumps({"command": command}).encode())
            assert raw.endswith(b"}\0")
            replies[command] = json.loads(raw[:-1])
            assert replies[command]["STATUS"][0]["STATUS"] == "S"
        stats = replies["stats"]["STATS"][1]
        assert replies["stats"]["STATS"][0]["Type"] == told["miner_type"]
        assert float(stats["GHS 5s"]) == told["hr_realtime"] == replies["summary"]["SUMMARY"][0]["GHS 5s"]
        assert [stats[f"chain_rate{n}"] for n in (1, 2, 3)] == [c["hashrate_rt"] for c in told["chains"]]
        assert [stats[f"chain_consumption{n}"] for n in (1, 2, 3)] == [
            chain["power_consumption"] for chain in told["chains"]
        ]
        assert [pool["Accepted"] for pool in replies["pools"]["POOLS"]] == [p["accepted"] for p in told["pools"]]
        assert stats["state"] == told["miner_status"]["miner_state"]


@pytest.mark.parametrize("request_", [b'{"command":"version"}', b"nonsense\n", b'{"command":["stats"]}', b"[1]"])
async def test_the_cgminer_port_refuses_what_it_does_not_know(fleet: Fleet, request_: bytes) -> None:
    reply = json.loads((await rpc(fleet, 0, request_))[:-1])
    assert (reply["STATUS"][0]["STATUS"], reply["STATUS"][0]["Msg"]) == ("E", "Invalid command")


async def test_the_cgminer_port_takes_a_request_in_pieces(fleet: Fleet) -> None:
    assert fleet.rpc_port is not None
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(fleet.miners[0].ip, fleet.rpc_port)
        for piece in (b'{"comm', b'and":"sum', b'mary"}'):
            writer.write(piece)
            await writer.drain()
        assert b"Elapsed" in await reader.read()
        writer.close()
        await writer.wait_closed()
