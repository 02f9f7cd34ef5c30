"""A host can send what it likes: bytes, time and count are bounded, and only our own errors come out."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.fetch import Fetcher
from hived.clients.fetch.fetch import Limits
from hived.clients.fetch.inflate import MAX_MEMBERS, Body
from hived.clients.fetch.reply import retry_after
from hived.errors import Transient, Unreadable
from tests.clients.fetch.outside import Outside
from tests.clients.peer import Act, flood, hang, reply, reset

MAX = 5 * 1024 * 1024
TEXT = b"all work and no play " * 1000


def packed(kind: str, body: bytes) -> bytes:
    wbits = {"gzip": 31, "zlib": 15, "raw": -15}[kind]
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", packed("gzip", TEXT)),
        ("x-GZIP", packed("gzip", TEXT)),
        ("deflate", packed("zlib", TEXT)),
        ("deflate", packed("raw", TEXT)),
        ("identity", TEXT),
        ("gzip", packed("gzip", TEXT[:7000]) + packed("gzip", TEXT[7000:])),
        ("gzip", packed("gzip", TEXT) + b"\0" * 512),
    ],
)
async def test_a_packed_page_comes_unpacked(encoding: str, body: bytes, outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/", 200, body, Content_Encoding=encoding)
    assert (await fetcher.get(outside.url("/"))).body == TEXT


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"x"),
        ("zstd", b"x"),
        ("gzip, gzip", packed("gzip", packed("gzip", TEXT))),
        ("gzip", b"not gzip at all"),
        ("gzip", packed("gzip", TEXT)[:-9]),
        ("deflate", packed("zlib", TEXT)[:-9]),
        ("deflate", b"x"),
        ("gzip", packed("gzip", b"") * (MAX_MEMBERS + 1)),
    ],
)
async def test_a_page_that_is_packed_wrongly_is_unreadable(
    encoding: str, body: bytes, outside: Outside, fetcher: Fetcher
) -> None:
    outside.says("/", 200, body, Content_Encoding=encoding)
    with pytest.raises(Unreadable):
        await fetcher.get(outside.url("/"))


async def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(
    outside: Outside, fetcher: Fetcher
) -> None:
    for body, headers in ((b"a" * 1000, {}), (packed("gzip", b"a" * 1000), {"Content_Encoding": "gzip"})):
        outside.says("/", 200, body, **headers)
        assert len((await fetcher.get(outside.url("/"), max_bytes=1000)).body) == 1000
        with pytest.raises(Unreadable, match="larger than 999 bytes"):
            await fetcher.get(outside.url("/"), max_bytes=999)


async def test_40_kb_that_hold_40_mb_are_given_up_at_5_mib(outside: Outside, fetcher: Fetcher) -> None:
    bomb = gzip.compress(b"\0" * 40_000_000)
    assert len(bomb) < 45_000
    outside.says("/", 200, bomb, Content_Encoding="gzip")
    with pytest.raises(Unreadable, match="larger than 5,242,880 bytes"):
        await fetcher.get(outside.url("/"))
    assert outside.gate.noted == [("/", 200, None)]


async def test_a_body_that_never_ends_is_given_up_while_it_streams(outside: Outside, fetcher: Fetcher) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    outside.acts("/", flood(outside.site, head, b"x" * 65536, 100 * 1024 * 1024))
    with pytest.raises(Unreadable, match="larger than"):
        await fetcher.get(outside.url("/"))
    assert outside.site.sent < 20 * 1024 * 1024


async def test_padding_behind_a_packed_page_does_not_go_on_for_ever(outside: Outside, fetcher: Fetcher) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + packed("gzip", TEXT)
    outside.acts("/", flood(outside.site, head, b"\0" * 65536, 100 * 1024 * 1024))
    with pytest.raises(Unreadable, match="larger than"):
        await fetcher.get(outside.url("/"))
    assert outside.site.sent < 20 * 1024 * 1024


def test_a_bomb_takes_no_more_memory_than_a_page_may() -> None:
    bomb = gzip.compress(b"\0" * 40_000_000)
    body = Body("gzip", 1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            body.feed(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


async def test_a_body_that_is_too_long_by_its_own_words_is_not_read(outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/", 200, b"x", Content_Length=str(MAX + 1))
    with pytest.raises(Unreadable, match="larger than"):
        await fetcher.get(outside.url("/"))


@pytest.mark.parametrize(
    "headers",
    [
        b"".join(b"X-%d: %s\r\n" % (i, b"a" * 8000) for i in range(5)),
        b"X: " + b"a" * 20_000 + b"\r\n",
        b"".join(b"X-%d: a\r\n" % i for i in range(200)),
    ],
)
async def test_headers_beyond_32_kib_are_unreadable(headers: bytes, outside: Outside, fetcher: Fetcher) -> None:
    outside.site.answers["GET /"] = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n" + headers + b"\r\n"
    )
    with pytest.raises(Unreadable):
        await fetcher.get(outside.url("/"))


async def test_a_content_policy_of_10_kib_is_no_reason_to_refuse(outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/", 200, b"x", Content_Security_Policy="a" * 10_000)
    assert (await fetcher.get(outside.url("/"))).body == b"x"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 10\r\n\r\ncut",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ],
)
async def test_what_is_not_http_ends_in_one_of_our_errors(said: bytes, outside: Outside, fetcher: Fetcher) -> None:
    async def say(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    outside.acts("/", say)
    with pytest.raises(Exception) as raised:  # of whatever kind: that is the test
        await fetcher.get(outside.url("/"))
    assert type(raised.value).__module__ == "hived.errors"
    assert len(outside.gate.noted) == 1


LONG_S = 4.0
HASTY = Limits(connect_s=0.1, first_byte_s=0.15, whole_s=LONG_S)
HASTY_IN_ALL = Limits(connect_s=LONG_S, first_byte_s=LONG_S, whole_s=0.3)
HASTY_TO_CONNECT = Limits(connect_s=0.15, first_byte_s=LONG_S, whole_s=LONG_S)


def after_head(act: Act) -> Act:
    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\nx")
        await act(reader, writer)

    return run


async def drip_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    await drip_bytes(reader, writer)


async def drip_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte every 10 ms until the client goes."""
    while not reader.at_eof():
        writer.write(b"a")
        try:
            await asyncio.wait_for(reader.read(1), 0.01)
        except TimeoutError:
            continue


@pytest.mark.parametrize(
    ("act", "limits"),
    [
        (hang, HASTY),
        (drip_headers, HASTY),
        (after_head(hang), HASTY),
        (after_head(drip_bytes), HASTY_IN_ALL),  # each byte is in time, the whole never is
        (reset(), HASTY),
        (after_head(reset()), HASTY),
    ],
    ids=["silent", "drips headers", "stops", "drips its body", "resets", "resets in the body"],
)
async def test_a_host_that_takes_too_long_or_goes_away_is_waited_for_no_longer(
    act: Act, limits: Limits, outside: Outside
) -> None:
    outside.acts("/", act)
    started = asyncio.get_running_loop().time()
    async with outside.fetcher(limits=limits) as fetcher:
        with pytest.raises(Transient):
            await fetcher.get(outside.url("/"))
    assert asyncio.get_running_loop().time() - started < LONG_S / 2
    assert outside.gate.noted == [("/", None, None)]


async def test_the_whole_time_is_for_all_hops_together(outside: Outside) -> None:
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.5)
        writer.write(reply(302, b"", Location="/"))
        await writer.drain()

    outside.acts("/", slowly)
    async with outside.fetcher(limits=Limits(connect_s=9.0, first_byte_s=9.0, whole_s=2.0)) as fetcher:
        with pytest.raises(Transient, match="in time"):
            await fetcher.get(outside.url("/"))
    assert 2 <= len(outside.site.asked) <= 4


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port of 127.0.0.1 that lets nobody in any more."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


async def test_a_host_that_does_not_let_us_in_is_given_up(full_port: int, outside: Outside) -> None:
    started = asyncio.get_running_loop().time()
    async with outside.fetcher(limits=HASTY_TO_CONNECT, allow_hosts=["127.0.0.1"]) as fetcher:
        with pytest.raises(Transient, match="in time"):
            await fetcher.get(f"http://127.0.0.1:{full_port}/")
    assert asyncio.get_running_loop().time() - started < LONG_S / 2


@given(
    st.sampled_from(["gzip", "deflate", "identity", ""]), st.lists(st.binary(max_size=80), max_size=6), st.booleans()
)
def test_any_bytes_are_unpacked_within_the_limit_or_unreadable(kind: str, chunks: list[bytes], cut: bool) -> None:
    body = Body(kind, 100, cut=cut)
    with contextlib.suppress(Unreadable):
        for chunk in chunks:
            body.feed(chunk)
        assert len(body.finish()) <= 100


@given(st.binary(max_size=3000), st.integers(1, 50), st.sampled_from(["gzip", "zlib", "raw"]))
def test_however_a_packed_body_is_sliced_it_comes_out_whole(content: bytes, size: int, kind: str) -> None:
    stream = packed(kind, content)
    body = Body("gzip" if kind == "gzip" else "deflate", 3000)
    for at in range(0, len(stream), size):
        body.feed(stream[at : at + size])
    assert body.finish() == content


@given(st.text(max_size=70) | st.from_regex(r"\A\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ .{0,6}\Z"))
def test_any_retry_after_is_a_bounded_wait_or_none(value: str) -> None:
    wait_s = retry_after(value, 1_800_000_000.0)
    assert wait_s is None or 0.0 <= wait_s <= 86_400.0
