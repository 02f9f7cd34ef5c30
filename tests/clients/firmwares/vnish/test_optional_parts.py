"""What a miner may do without costs itself alone, in whatever way it fails; only calls that need the key carry it."""

from __future__ import annotations

import asyncio

import pytest

from hived import errors
from hived.clients.firmwares.family import ConnectionWatch, Link
from hived.clients.firmwares.http import open_session
from hived.clients.firmwares.optional import FIRST_PAUSE_S, LONGEST_PAUSE_S, OptionalParts
from hived.clients.firmwares.vnish.client import VnishClient
from hived.clients.firmwares.vnish.family import Vnish
from hived.records.firmware import Reach
from tests.clients.firmwares.vnish.test_client import DIGEST, INFO, IP, KEY, OPEN, S19
from tests.clients.firmwares.vnish.test_parse import OLD_CHIPS, capture
from tests.clients.peer import Act, Peer, cut, hang, reply, reset
from tests.clock import FakeClock

MAC = "02:0e:7e:00:00:21"
"""As the capture has it."""
REACH = Reach(IP, KEY)
CHIPS = capture(S19 + "chains.json")

FAILURES: dict[str, bytes | Act] = {
    **{str(status): reply(status, b'{"err": "no"}') for status in (400, 401, 402, 403, 404, 405, 409, 418, 422, 429)},
    **{str(status): reply(status) for status in (500, 501, 502, 503, 504, 507)},
    "redirect": reply(302, b"", Location="/login"),
    "digest": reply(401, b"", WWW_Authenticate=DIGEST),
    "basic": reply(401, b"", WWW_Authenticate='Basic realm="miner"'),
    "page": reply(200, b"<!doctype html><html></html>"),
    "nothing": reply(200),
    "null": reply(200, b"null"),
    "text": reply(200, b'"busy"'),
    "number": reply(200, b"7"),
    "cut-json": reply(200, b'{"current_preset": {"na'),
    "bad-json": reply(200, b"{'a': 1}"),
    "cut": cut(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
    "huge": reply(200, b"[" + b" " * (1 << 20) + b"]"),
    "reset": reset(),
    "not-http": cut(b"SSH-2.0-dropbear\r\n\r\n"),
    "hang": hang,
}


async def family_of(peer: Peer, *, timeout_s: float = 5.0, clock: FakeClock | None = None) -> Vnish:
    peer.says("/summary", reply(200, capture(S19 + "summary.json")))
    monotonic = clock or FakeClock()
    return Vnish(Link(open_session(), peer.port, timeout_s, monotonic))


async def closed(family: Vnish) -> None:
    await family._client._session.close()


@pytest.mark.parametrize("how", FAILURES)
async def test_a_preset_that_is_not_told_costs_no_reading(peer: Peer, how: str) -> None:
    family = await family_of(peer, timeout_s=0.4 if how == "hang" else 5.0)
    peer.says("/perf-summary", FAILURES[how])
    reading = await family.read(REACH, ConnectionWatch())
    await closed(family)
    assert (reading.state, reading.hashrate_hs) == ("mining", 50.802227e12)
    assert reading.trouble is not None
    assert reading.trouble.code == "no_preset"


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_a_reading_that_is_refused_is_none(peer: Peer, status: int) -> None:
    family = await family_of(peer)
    peer.says("/summary", reply(status))
    with pytest.raises((errors.Refused, errors.Transient)) as refused:
        await family.read(REACH, ConnectionWatch())
    await closed(family)
    assert isinstance(refused.value, errors.BadCredentials) is (status == 401)


async def test_what_fails_is_asked_for_ever_more_rarely_and_says_the_same_meanwhile(peer: Peer) -> None:
    clock = FakeClock()
    family = await family_of(peer, clock=clock)
    peer.says("/perf-summary", reply(403, b'{"err": "no"}'))
    told = set()
    for _ in range(4 * 60 * 4):  # four hours by polls of 15 s
        reading = await family.read(REACH, ConnectionWatch())
        told.add(str(reading.trouble))
        clock.advance(15)
    asked = peer.calls().count("GET /api/v1/perf-summary")
    assert 4 * 3600 / (1.1 * LONGEST_PAUSE_S) < asked < 30
    assert told == {"does not report its preset: HTTP 403: no"}
    peer.says("/perf-summary", reply(200, capture(S19 + "perf-summary.json")))
    clock.advance(1.1 * LONGEST_PAUSE_S)
    for _ in range(2):
        assert (await family.read(REACH, ConnectionWatch())).tuning.preset == "disabled"
    assert peer.calls().count("GET /api/v1/perf-summary") == asked + 2
    await closed(family)


async def test_another_key_is_tried_at_once(peer: Peer) -> None:
    family = await family_of(peer)
    peer.says("/perf-summary", reply(401))
    peer.says("/info", INFO)
    for access in (KEY, KEY, KEY[::-1]):
        assert (await family.read(Reach(IP, access, mac=MAC), ConnectionWatch())).trouble is not None
    await closed(family)
    sent = [asked.headers.get("x-api-key") for asked in peer.asked if asked.call.endswith("/perf-summary")]
    assert sent == [None, KEY, KEY[::-1]]


async def test_a_part_is_due_again_before_the_next_usual_poll_and_the_memory_is_bounded() -> None:
    clock = FakeClock()
    parts = OptionalParts(clock)

    async def fails() -> None:
        raise errors.Refused("no")

    for who in range(9000):
        with pytest.raises(errors.Refused):
            await parts.get(who, fails)
    assert len(parts._failing) == 8192
    clock.advance(1.1 * FIRST_PAUSE_S)
    assert 1.1 * FIRST_PAUSE_S < 15  # the usual time between two polls

    async def works() -> str:
        return "told"

    assert await parts.get(8999, works) == "told"


async def test_only_calls_that_need_the_key_carry_it(peer: Peer) -> None:
    family = await family_of(peer)
    for path, name in (("/perf-summary", "perf-summary"), ("/chains", "chains"), ("/model", "model")):
        peer.says(path, reply(200, capture(f"{S19}{name}.json")))
    peer.says("/autotune/presets", reply(200, capture(S19 + "autotune_presets.json")))
    peer.says("/settings", reply(200, capture("s21pro-1.2.7-autotuning/settings.json")))
    peer.says("/info", INFO)
    watch, reach = ConnectionWatch(), Reach(IP, KEY, mac=MAC)
    await family.read(reach, watch)
    await family.chips(reach, watch)
    await family.model(reach)
    await family.presets(reach)
    await family.settings(reach)
    await closed(family)
    told = {asked.call.rpartition("/api/v1")[2]: asked.headers.get("x-api-key") for asked in peer.asked}
    assert {path for path, key in told.items() if key == KEY} == {"/autotune/presets", "/settings"}
    assert peer.calls().count("GET /api/v1/info") == 1, "asked once for the connection"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_firmware_that_wants_the_key_everywhere_gets_it_and_is_not_asked_twice_again(
    peer: Peer, status: int
) -> None:
    family = await family_of(peer)
    told = capture(S19 + "summary.json")

    async def wants_a_key(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200 if peer.asked[-1].headers.get("x-api-key") == KEY else status, told))
        await writer.drain()

    peer.says("/info", INFO)
    peer.says("/summary", wants_a_key)
    peer.says("/perf-summary", wants_a_key)
    for _ in range(3):
        assert (await family.read(Reach(IP, KEY, mac=MAC), ConnectionWatch())).state == "mining"
    await closed(family)
    assert peer.calls().count("GET /api/v1/summary") == 4


# chips


@pytest.mark.parametrize("how", sorted(FAILURES.keys() - {"reset", "hang"}))
@pytest.mark.parametrize("path", ["/boards", "/chips"])
async def test_the_next_call_is_asked_when_one_answers_with_no_list_of_boards(
    peer: Peer, client: VnishClient, path: str, how: str
) -> None:
    peer.says("/chains", FAILURES[how])
    peer.says(path, reply(200, CHIPS if path == "/boards" else OLD_CHIPS))
    assert len((await client.boards(REACH))[0].chips) > 0
    peer.says("/chains", reply(200, CHIPS))  # it was only ill: the fuller list is used again
    lasting = how in ("404", "405", "501")
    assert len(await client.boards(REACH)) == (1 if lasting and path == "/chips" else 3)


@pytest.mark.parametrize("how", ["reset", "hang"])
async def test_a_miner_that_says_nothing_is_not_asked_three_times(peer: Peer, hasty: VnishClient, how: str) -> None:
    for path in ("/chains", "/boards", "/chips"):
        peer.says(path, FAILURES[how])
    with pytest.raises(errors.Transient):
        await hasty.boards(REACH)
    assert {asked.call for asked in peer.asked} <= {"GET /api/v1/chains"}


async def test_what_all_calls_say_is_told_by_the_one_that_is_there(peer: Peer, client: VnishClient) -> None:
    peer.says("/boards", reply(401))
    with pytest.raises(errors.BadCredentials):
        await client.boards(OPEN)
    assert peer.calls() == ["GET /api/v1/chains", "GET /api/v1/boards", "GET /api/v1/chips"]
