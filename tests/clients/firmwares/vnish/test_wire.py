"""The VNish client against addresses that are no miner, lie, hang or break: bounded, and told apart."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc

import pytest

from hived import errors
from hived.clients.firmwares.family import ConnectionWatch
from hived.clients.firmwares.http import open_session
from hived.clients.firmwares.vnish.client import VnishClient
from hived.records.miner import MinerReading
from tests.clients.firmwares.vnish.test_client import DIGEST, INFO, IP, OPEN, PASSWORD, S19
from tests.clients.firmwares.vnish.test_parse import capture
from tests.clients.peer import Act, Peer, cut, drip, flood, hang, reply, reset, running_peer

# identification


NOT_VNISH: list[tuple[str, bytes | Act, str]] = [
    ("page", reply(200, b"<html>printer</html>"), "html"),
    ("long-page", reply(200, b"<html>" + b" " * 200_000), "html"),
    ("json", reply(200, b'{"device": "thermostat"}'), "generic-json"),
    ("text", reply(200, b"hello"), "unknown"),
    ("nothing", reply(200), "unknown"),
    ("compressed", reply(200, gzip.compress(b"<html>"), Content_Encoding="gzip"), "unknown"),
    ("page-404", reply(404, b"<html>no such page</html>"), "html"),
    ("json-404", reply(404, b'{"detail": "Not Found"}'), "generic-json"),
    ("forbidden", reply(403), "login"),
    ("basic", reply(401, b"", WWW_Authenticate='Basic realm="camera"'), "login"),
    ("login", reply(401), "login"),
    ("stock", reply(401, b"", WWW_Authenticate=DIGEST), "antminer-stock"),
    ("redirect", reply(307, b"", Location="https://127.0.0.1/cgi-bin/luci"), "redirect"),
    ("ssh", cut(b"SSH-2.0-dropbear_2022.83\r\n"), "unknown"),
]


@pytest.mark.parametrize(("answer", "kind"), [case[1:] for case in NOT_VNISH], ids=[case[0] for case in NOT_VNISH])
async def test_what_is_not_vnish_is_named(peer: Peer, client: VnishClient, answer: bytes | Act, kind: str) -> None:
    peer.says("/info", answer)
    with pytest.raises(errors.NotThisFirmware) as refused:
        await client.identify(IP)
    assert refused.value.kind == kind


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, capture(S19 + "info.json")[:300]),
        cut(reply(200, capture(S19 + "info.json")[:300], Content_Length="775")),
        reply(200, capture(S19 + "info.json")[:-3] + b" " * 70_000 + b"}"),
        cut(reply(200, capture(S19 + "info.json"), Content_Length="5000")),
    ],
    ids=["cut-json", "cut-body", "padded", "too-short"],
)
async def test_a_vnish_that_cannot_be_read_is_shown_as_such(
    peer: Peer, client: VnishClient, answer: bytes | Act
) -> None:
    peer.says("/info", answer)
    with pytest.raises(errors.Unreadable):
        await client.identify(IP)


async def test_a_server_that_is_cut_off_or_ill_may_still_be_a_miner(peer: Peer, client: VnishClient) -> None:
    for answer in (cut(reply(200, b"{", Content_Length="9")), reply(500, b'{"err": "starting"}'), reset()):
        peer.says("/info", answer)
        with pytest.raises(errors.Transient) as raised:
            await client.identify(IP)
        assert type(raised.value) is errors.Transient


async def test_a_redirect_is_not_followed_and_a_cookie_not_kept(peer: Peer, client: VnishClient) -> None:
    target = f"http://127.0.0.1:{peer.port}/api/v1/model"
    peer.says("/info", reply(302, b"", Location=target, Set_Cookie="id=1; Path=/"))
    with pytest.raises(errors.NotThisFirmware):
        await client.identify(IP)
    with pytest.raises(errors.NotSupported):
        await client.model(OPEN)
    assert peer.calls() == ["GET /api/v1/info", "GET /api/v1/model"]
    assert "cookie" not in peer.asked[1].headers


# hostile bodies and connections


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


CHUNKED = reply(200, b"", Transfer_Encoding="chunked")


async def test_a_hundred_megabytes_are_refused_unread(peer: Peer, client: VnishClient) -> None:
    announced = reply(200, b"", Content_Length="104857600")
    for head, block in (
        (announced, b" " * 65536),
        (CHUNKED, chunked(b" " * 65536)),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536),
    ):
        peer.sent = 0
        peer.says("/summary", flood(peer, head, block, 100 << 20))
        with pytest.raises(errors.Unreadable, match="too long"):
            await client.summary(OPEN)
        assert peer.sent < 12 << 20  # what the kernel's buffers took on top of one MiB


async def test_a_body_announced_too_long_is_not_waited_for(peer: Peer, hasty: VnishClient) -> None:
    async def announce(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", Content_Length="1048577"))
        await reader.read()

    peer.says("/summary", announce)
    with pytest.raises(errors.Unreadable, match="too long"):
        await hasty.summary(OPEN)


async def test_a_bomb_and_a_flood_cost_less_than_two_mebibytes(peer: Peer, client: VnishClient) -> None:
    bomb = gzip.compress(b" " * (100 << 20), 1)
    peer.says("/summary", reply(200, bomb, Content_Encoding="gzip"))
    peer.says("/model", flood(peer, CHUNKED, chunked(b" " * 1000), 4 << 20))
    tracemalloc.start()
    try:
        for call in (client.summary(OPEN), client.model(OPEN)):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            with pytest.raises(errors.Unreadable):
                await call
            assert tracemalloc.get_traced_memory()[1] - before < 2 << 20
    finally:
        tracemalloc.stop()


async def test_identifying_reads_no_more_than_64_kib(peer: Peer, client: VnishClient) -> None:
    for head in (reply(200, b"", Content_Length="104857600"), CHUNKED):
        peer.sent = 0
        peer.says("/info", flood(peer, head, chunked(b"<" * 65536), 100 << 20))
        with pytest.raises(errors.NotThisFirmware):
            await client.identify(IP)
        assert peer.sent < 12 << 20


@pytest.mark.parametrize("act", [hang, drip], ids=["hung", "drip"])
async def test_a_slow_miner_costs_no_more_than_the_time_out(peer: Peer, hasty: VnishClient, act: Act) -> None:
    peer.says("/summary", act)
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(errors.Transient, match=r"^no answer within 0\.15 s$"):
        await hasty.summary(OPEN)
    assert 0.14 < loop.time() - started < 1.0


async def test_an_endless_row_of_interim_answers_times_out(peer: Peer, hasty: VnishClient) -> None:
    async def interim(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0)

    peer.says("/summary", interim)
    with pytest.raises(errors.Transient):
        await hasty.summary(OPEN)


BROKEN: list[tuple[str, bytes | Act, type[errors.Transient], str]] = [
    ("no-answer", cut(b""), errors.Transient, "closed without an answer"),
    ("half-a-head", cut(b"HTTP/1.1 200 OK\r\nContent-Le"), errors.Transient, "closed without"),
    ("reset", reset(), errors.Transient, "connection reset"),
    ("reset-in-body", reset(reply(200, b"{", Content_Length="100")), errors.Transient, "cut short|reset"),
    ("cut-body", cut(reply(200, b"{}", Content_Length="100")), errors.Unreadable, "cut short"),
    ("cut-chunk", cut(CHUNKED + b"64\r\n{}"), errors.Unreadable, "cut short"),
    ("bad-chunk", cut(CHUNKED + b"ZZ\r\n{}\r\n0\r\n\r\n"), errors.Unreadable, "not proper HTTP|cut short"),
    ("no-http", cut(b"hello\r\n\r\n"), errors.Unreadable, "not proper HTTP"),
    ("bad-status", cut(b"HTTP/1.1 abc\r\n\r\n"), errors.Unreadable, "not proper HTTP"),
    ("bad-length", cut(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), errors.Unreadable, "not proper HTTP"),
    (
        "huge-length",
        cut(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n"),
        errors.Unreadable,
        "not proper HTTP",
    ),
    ("long-header", reply(200, b"{}", X_Long="a" * 5000), errors.Unreadable, "not proper HTTP"),
    ("headers", reply(200, b"{}", **{f"X_{n}": "a" for n in range(80)}), errors.Unreadable, "not proper HTTP"),
    ("bad-cookie", cut(reply(200, b"[]", Set_Cookie="\x7f=;;=\xff")), errors.Unreadable, "not a JSON object"),
    (
        "switch",
        cut(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        errors.Transient,
        "HTTP 101",
    ),
]


@pytest.mark.parametrize(("answer", "error", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
async def test_a_broken_answer_is_a_reason_to_wait(
    peer: Peer, client: VnishClient, answer: bytes | Act, error: type[errors.Transient], words: str
) -> None:
    peer.says("/summary", answer)
    with pytest.raises(error, match=words):
        await client.summary(OPEN)


async def test_an_address_where_nothing_listens_says_so() -> None:
    async with running_peer() as gone:
        port = gone.port
    async with open_session() as session:
        with pytest.raises(errors.Transient, match=r"^connection refused$"):
            await VnishClient(session, port=port, timeout_s=5.0).identify(IP)


async def test_a_cancelled_call_is_cancelled_and_lets_go_of_the_connection(peer: Peer, client: VnishClient) -> None:
    asked = asyncio.Event()
    gone = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        gone.set()

    peer.says("/summary", wait)
    call = asyncio.create_task(client.summary(OPEN))
    async with asyncio.timeout(5):
        await asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await gone.wait()


# connections


async def test_a_watch_tells_a_kept_connection_from_a_new_one(peer: Peer, client: VnishClient) -> None:
    peer.says("/info", INFO)
    peer.says("/summary", reply(200, b'{"miner": null}'))
    watch = ConnectionWatch()
    await client.identify(IP, watch=watch)
    assert watch.opened
    watch = ConnectionWatch()
    await client.summary(OPEN, watch=watch)
    await client.identify(IP, watch=watch)
    assert not watch.opened
    watch = ConnectionWatch()
    await asyncio.gather(client.summary(OPEN, watch=watch), client.summary(OPEN, watch=watch))
    assert not watch.opened
    assert peer.connections == 1


async def test_a_read_on_a_connection_that_was_closed_meanwhile_is_repeated_and_noticed(
    peer: Peer, client: VnishClient
) -> None:
    async def last(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    peer.says("/info", INFO)
    await client.identify(IP)
    peer.says("/perf-summary", last)  # takes the request on the kept connection and hangs up on it
    peer.says("/summary", reply(200, b'{"miner": null}'))
    watch = ConnectionWatch()
    with pytest.raises(errors.Transient, match="closed without an answer"):
        await client.perf_summary(OPEN, watch=watch)
    assert watch.opened
    assert peer.calls().count("GET /api/v1/perf-summary") == 2
    peer.hang_up()
    watch = ConnectionWatch()
    assert await client.summary(OPEN, watch=watch) == MinerReading()
    assert watch.opened


async def test_a_write_is_never_sent_twice(peer: Peer, client: VnishClient) -> None:
    peer.says("/info", INFO)
    await client.identify(IP)
    peer.says("/unlock", cut(b""), "POST")
    with pytest.raises(errors.Transient):
        await client.unlock(OPEN, PASSWORD)
    assert peer.calls().count("POST /api/v1/unlock") == 1


async def test_what_is_left_of_a_refused_body_is_not_the_next_answer(peer: Peer, client: VnishClient) -> None:
    peer.says("/summary", reply(200, b" " * (2 << 20)))
    peer.says("/info", INFO)
    with pytest.raises(errors.Unreadable):
        await client.summary(OPEN)
    watch = ConnectionWatch()
    assert (await client.identify(IP, watch=watch)).model_alias == "s19"
    assert watch.opened
