"""Each fault does on the wire what its name says, and only where it was told to."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
import zlib

import aiohttp
import pytest

from hived.simulator.faults import bomb
from hived.simulator.miners.faults import Fault, distort
from hived.simulator.miners.fleet import Fleet
from tests.simulator.asking import ask, of_model, url
from tests.waiting import until


async def test_slow_answers_late_but_whole(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner, loop = fleet.miners[0], asyncio.get_running_loop()
    fleet.set_fault(miner, Fault.SLOW, delay=0.3)
    began = loop.time()
    status, body = await ask(http, fleet, miner, "/summary")
    assert loop.time() - began >= 0.3
    assert (status, "miner" in json.loads(body)) == (200, True)


async def test_hung_accepts_and_never_answers_until_the_client_gives_up(
    http: aiohttp.ClientSession, fleet: Fleet
) -> None:
    miner = fleet.miners[0]
    fleet.set_fault(miner, Fault.HUNG)
    with pytest.raises(TimeoutError):
        await http.get(url(fleet, miner, "/summary"), timeout=aiohttp.ClientTimeout(total=0.3, connect=5))
    assert miner.requests["GET /api/v1/summary"] == 1
    await until(lambda: not miner.connections, within_s=5)  # the server has noticed that nobody waits any more
    assert (await ask(http, fleet, fleet.miners[1], "/summary"))[0] == 200


async def test_reset_tears_the_connection_down(fleet: Fleet) -> None:
    miner = fleet.miners[0]
    fleet.set_fault(miner, Fault.RESET)
    reader, writer = await asyncio.open_connection(miner.ip, fleet.port)
    writer.write(b"GET /api/v1/summary HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(5):
            await reader.read()
    writer.close()
    with pytest.raises(ConnectionResetError):
        await writer.wait_closed()


async def test_error_500_explains_itself(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    fleet.set_fault(fleet.miners[0], Fault.ERROR_500)
    status, body = await ask(http, fleet, fleet.miners[0], "/summary")
    assert (status, list(json.loads(body))) == (500, ["err"])


async def test_cut_json_ends_in_the_middle(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    whole = (await ask(http, fleet, miner, "/summary"))[1]
    fleet.set_fault(miner, Fault.CUT_JSON)
    assert (await ask(http, fleet, miner, "/summary"))[1] == whole[: len(whole) // 2]
    fleet.set_fault(miner, Fault.CUT_JSON, drop=True)
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(http, fleet, miner, "/summary")


async def test_invalid_json_does_not_parse(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    fleet.set_fault(fleet.miners[0], Fault.INVALID_JSON)
    for path in ("/summary", "/chains", "/info", "/perf-summary"):
        status, body = await ask(http, fleet, fleet.miners[0], path)
        assert status == 200
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)


async def test_a_huge_body_is_sent_whole_without_being_held(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    fleet.set_fault(miner, Fault.HUGE_BODY, size=30_000_000)
    tracemalloc.start()
    try:
        async with http.get(url(fleet, miner, "/summary")) as reply:
            assert reply.content_length == 30_000_000
            received = 0
            async for block in reply.content.iter_any():
                received += len(block)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert received == 30_000_000
    assert peak < 5_000_000


async def test_a_huge_body_is_100_mb_by_default_and_may_be_left_early(
    http: aiohttp.ClientSession, fleet: Fleet
) -> None:
    miner = fleet.miners[0]
    fleet.set_fault(miner, Fault.HUGE_BODY)
    async with http.get(url(fleet, miner, "/summary")) as reply:
        assert reply.content_length == 100_000_000
        assert (await reply.content.readexactly(10)).startswith(b'{"miner":')
    assert (await ask(http, fleet, fleet.miners[1], "/summary"))[0] == 200


async def test_a_gzip_bomb_is_small_on_the_wire_and_large_inside(fleet: Fleet) -> None:
    miner = fleet.miners[0]
    fleet.set_fault(miner, Fault.GZIP_BOMB, size=5_000_000)
    async with aiohttp.ClientSession(auto_decompress=False) as http, http.get(url(fleet, miner, "/summary")) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        packed = await reply.read()
    assert len(packed) < 20_000
    document = zlib.decompress(packed, zlib.MAX_WBITS | 16)
    assert len(document) == 5_000_000
    assert "miner" in json.loads(document)


def test_a_bomb_is_one_gzip_stream_of_the_size_asked_for() -> None:
    unpacked = zlib.decompress(b"".join(bomb(3_000_123, b'{"miner":"', b'"}')), zlib.MAX_WBITS | 16)
    assert len(unpacked) == 3_000_123


async def test_wrong_types_keeps_the_outline_and_spoils_the_values(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    fleet.set_fault(fleet.miners[0], Fault.WRONG_TYPES)
    status, body = await ask(http, fleet, fleet.miners[0], "/summary")
    assert status == 200
    assert b"NaN" in body
    assert b"null" in body
    assert set(json.loads(body)) == {"miner"}


def test_distorting_leaves_no_value_of_the_right_type() -> None:
    document = {f"field{index}": index for index in range(12)}
    spoilt = distort(document)
    assert spoilt.keys() == document.keys()
    assert not any(type(spoilt[key]) is int for key in document)


async def test_other_devices_do_not_look_like_miners(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    told = {}
    for kind in ("printer", "json", "router"):
        fleet.set_fault(miner, Fault.NOT_A_MINER, kind=kind)
        async with http.get(url(fleet, miner, "/info")) as reply:
            told[kind] = (reply.status, reply.content_type, reply.headers.get("WWW-Authenticate"))
            assert b"fw_name" not in await reply.read()
    assert told == {
        "printer": (200, "text/html", None),
        "json": (200, "application/json", None),
        "router": (401, "text/html", 'Basic realm="Router"'),
    }
    with pytest.raises(ValueError, match="kind"):
        fleet.set_fault(miner, Fault.NOT_A_MINER, kind="toaster")


async def test_stock_firmware_asks_for_digest(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    fleet.set_fault(fleet.miners[0], Fault.STOCK_FIRMWARE)
    async with http.get(url(fleet, fleet.miners[0], "/info")) as reply:
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"].startswith('Digest realm="antMiner Configuration"')
        assert reply.headers["Server"] == "lighttpd/1.4.32"


async def test_null_miner_is_a_summary_without_a_miner(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    fleet.set_fault(fleet.miners[0], Fault.NULL_MINER)
    assert json.loads((await ask(http, fleet, fleet.miners[0], "/summary"))[1]) == {"miner": None}
    assert json.loads((await ask(http, fleet, fleet.miners[0], "/info"))[1])["fw_name"] == "Vnish"


async def test_drip_sends_byte_by_byte(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner, loop = fleet.miners[0], asyncio.get_running_loop()
    fleet.set_fault(miner, Fault.DRIP, interval=0.02)
    async with http.get(url(fleet, miner, "/auth-check")) as reply:
        assert await reply.read() == b'{"unlock_timeout":null}'
    fleet.set_fault(miner, Fault.DRIP, interval=0.1)
    async with http.get(url(fleet, miner, "/summary")) as reply:
        began = loop.time()
        await reply.content.readexactly(4)
        assert loop.time() - began >= 0.2


async def test_a_fault_may_be_limited_to_paths_and_times(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = of_model(fleet, "s19jpro")
    fleet.set_fault(miner, Fault.ERROR_500, paths=["/api/v1/chains"], times=2)
    assert (await ask(http, fleet, miner, "/summary"))[0] == 200
    assert [(await ask(http, fleet, miner, "/chains"))[0] for _ in range(3)] == [500, 500, 200]
    fleet.set_fault(miner, Fault.ERROR_500, paths=["/api/v1/chains*"])
    assert (await ask(http, fleet, miner, "/chains/any"))[0] == 500
    fleet.clear_fault(miner)
    assert (await ask(http, fleet, miner, "/chains"))[0] == 200


@pytest.mark.parametrize(
    ("fault", "reply"), [(Fault.RESET, None), (Fault.STOCK_FIRMWARE, b""), (Fault.CUT_JSON, b"half")]
)
async def test_faults_reach_the_cgminer_port_too(fleet: Fleet, fault: Fault, reply: bytes | None) -> None:
    assert fleet.rpc_port is not None
    fleet.set_fault(fleet.miners[0], fault)
    reader, writer = await asyncio.open_connection(fleet.miners[0].ip, fleet.rpc_port)
    writer.write(b'{"command":"stats"}')
    async with asyncio.timeout(5):
        try:
            got: bytes | None = await reader.read()
        except ConnectionResetError:
            got = None
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    if reply == b"half":
        assert got is not None
        assert got.startswith(b'{"STATUS"')
        assert not got.endswith(b"\0")
    else:
        assert got == reply or (fault is Fault.STOCK_FIRMWARE and got is None)


async def test_a_hung_miner_does_not_keep_the_fleet_from_stopping(clock: object) -> None:
    async with Fleet(1, subnet="127.31.0.0/24", steady=True) as fleet:
        fleet.set_fault(fleet.miners[0], Fault.HUNG)
        reader, writer = await asyncio.open_connection(fleet.miners[0].ip, fleet.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: fleet.miners[0].requests, within_s=5)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_an_answer_of_ones_own_is_given_where_it_is_asked_for(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    fleet.set_fault(miner, Fault.ANSWER, paths=["*/unlock", "*/model"], status=404, text='{"err": "no"}')
    assert await ask(http, fleet, miner, "/model") == (404, b'{"err": "no"}')
    assert (await ask(http, fleet, miner, "/info"))[0] == 200


async def test_values_are_put_into_the_right_answer_as_often_as_told(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    right = json.loads((await ask(http, fleet, miner, "/info"))[1])
    put = {"hr_measure": "N/A", "system.network_status.mac": "02:00:00:00:00:01", "no.such.place": 1, "none": 1}
    fleet.set_fault(miner, Fault.ALTERED, times=1, put=put)
    told = json.loads((await ask(http, fleet, miner, "/info"))[1])
    assert (told["hr_measure"], told["system"]["network_status"]["mac"]) == ("N/A", "02:00:00:00:00:01")
    assert told.keys() == right.keys()
    assert json.loads((await ask(http, fleet, miner, "/info"))[1])["hr_measure"] == right["hr_measure"]
