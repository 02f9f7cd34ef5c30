"""Whatever a stranger writes into a request is refused with a word, never with a traceback in the log."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from typing import Any

import pytest

from tests import access
from tests.api.access.test_attacks import make_node
from tests.api.farm import MAC, Api
from tests.api.http.test_origin_guard import raw
from tests.api.http.test_shares import open_at
from tests.mutated import LONG
from tests.waiting import until

HEADERS = (
    "Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Encoding", "Content-Length", "Content-Type",
    "Cookie", "Date", "Expect", "Forwarded", "From", "Host", "If-Match", "If-Modified-Since", "If-None-Match",
    "Keep-Alive", "Last-Event-ID", "Origin", "Pragma", "Range", "Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode",
    "Sec-Fetch-Site", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Via", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Real-IP",
)  # fmt: skip
VALUES = (
    b"", b"x", b"\xff", b"\xed\xa0\x80", b"\xc3\xa9", b"100-continue", b"100-Continue, x", b"\xff-continue",
    b"http://[", b"http://[::1", b"http://]", b"//", b"http://\xff", b"http://a@b#c", b"null", b"*", b"-1", b"9" * 30,
    b"gzip;q=\xff", b"=;=;=", b"hived=\xff", b"hived=\"", b"Bearer \xff", b"Bearer", b"text/html; charset=\xff",
    b"a" * 4000, b"\x7f", b"\x00", b"\x0bchunked", b"a\rb",
    b"\t", b"[::1]:99999", b"localhost:x", b"%", b"%ff", b"\xe2\x80\xae", b"W/\"", b"close, upgrade",
    b"chunked, chunked", b"websocket", b"bytes=0-", b"document",
)  # fmt: skip
CALLS = (
    ("GET", "/", b""), ("GET", "/api/v1/session", b""), ("GET", "/nothing", b""), ("PUT", "/api/miners", b""),
    ("POST", "/api/v1/session", b'{"user": "anna", "password": "correct horse battery"}'),
)  # fmt: skip


def mutated() -> list[tuple[str, str, bytes, str, bytes]]:
    """All in a long run, else some of them, others each time for a header, and all those that once went wrong."""
    everything = [(*call, name, value) for call, name, value in itertools.product(CALLS, HEADERS, VALUES)]
    if LONG:
        return everything
    once = [one for one in everything if one[3] in ("Expect", "Origin", "User-Agent", "Cookie") and one[4][:1] >= b"h"]
    return random.Random(12).sample(everything, 400) + once


async def first(port: int, request: bytes) -> bytes:
    """Return how the reply begins, of a connection that may stay open; nothing when it is closed without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(20):
            return await reader.read(65536)
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()


async def test_no_header_makes_a_mistake_of_ours(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for method, path, body, name, value in mutated():
        usual = {"Host": b"localhost", "Connection": b"close", "Content-Type": b"application/json"}
        usual |= {"Content-Length": str(len(body)).encode()} if body else {}
        head = {**usual, name: value}
        lines = b"".join(b"%b: %b\r\n" % (key.encode(), head[key]) for key in head)
        answer = await first(api.port, f"{method} {path} HTTP/1.1\r\n".encode() + lines + b"\r\n" + body)
        assert answer[:12] in (b"", *STATUSES), (method, path, name, value, answer[:300])
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


STATUSES = {b"HTTP/1.1 %d" % status for status in (100, *range(200, 500))} | {b"HTTP/1.0 400"}


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/api/v1/session", "/api/nothing"])
@pytest.mark.parametrize("value", [b"\xff", b"200-ok", b"\xed\xa0\x80", b"100-continue, 200-ok"])
async def test_an_expectation_that_nobody_knows_is_refused_in_our_words(
    api: Api, path: str, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await raw(api.port, b"GET %b HTTP/1.1\r\nHost: localhost\r\nExpect: %b\r\n\r\n" % (path.encode(), value))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] in (b"400", b"417")
    assert body.startswith(b'{"error":"')
    assert b"Content-Security-Policy" in head
    assert not caplog.records


async def test_who_expects_to_be_told_to_go_on_is_told(api: Api) -> None:
    body = b'{"managed": true}'
    head = f"PATCH /api/miners/{MAC} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{access.HEADER}\r\n"
    answer = await raw(api.port, head.encode() + body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


@pytest.mark.parametrize(
    "frame",
    [
        b"Content-Length: 20\r\n\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/join", "/api/v1/setup", "/api/v1/scan", "/api/v1/ingest"])
async def test_who_leaves_within_a_body_leaves_no_traceback(
    api: Api, path: str, frame: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    proof = access.HEADER.encode()
    if path.endswith("ingest"):
        proof = f"Authorization: Bearer {(await api.store.write(make_node, 'n1')).text}\r\n".encode()
    head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%b" % (path.encode(), proof)
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head + frame)
    await until(lambda: any(one._current_request for one in open_at(api)) or b"x" in frame)
    writer.transport.abort()
    await until(lambda: len(open_at(api)) == 0)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


HALVES = ["\ud800", "\udfff", "a\ud83dz", "\udc00\ud800"]


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/session", {"user": "?", "password": "long enough for one"}),
        ("POST", "/api/v1/session", {"user": "anna", "password": "?"}),
        ("POST", "/api/v1/setup", {"code": "?", "user": "anna", "password": "long enough for one"}),
        ("POST", "/api/v1/join", {"node_id": "?", "name": "?", "key_id": "?"}),
        ("POST", "/api/v1/scan", {"node_id": "?"}),
        ("POST", "/api/v1/scan", {"?": 1}),
        ("POST", "/api/v1/commands", {"verb": "set_managed", "args": {"mac": MAC, "managed": ["?"]}}),
        ("POST", "/api/v1/nodes", {"node_id": "?", "name": "?"}),
        ("POST", "/api/v1/users", {"name": "?", "role": "viewer", "password": "long enough for one"}),
        ("POST", "/api/v1/tokens", {"name": "?", "role": "viewer"}),
        ("POST", "/sources", {"name": "?", "base_url": "https://example.org/?"}),
        ("PATCH", "/api/models/s19", {"max_preset": "?"}),
        ("POST", "/api/v1/pools/allowed", {"url": "?", "worker": "?"}),
    ],
)
async def test_half_a_character_in_a_body_is_refused(
    api: Api, method: str, path: str, body: dict[str, Any], half: str, caplog: pytest.LogCaptureFixture
) -> None:
    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {put(name): put(member) for name, member in value.items()}
        return (
            [put(one) for one in value]
            if isinstance(value, list)
            else value.replace("?", half)
            if isinstance(value, str)
            else value
        )

    status, reply = await api.ask(method, path, put(body))
    assert (status in (400, 422), "surrogate" in reply["error"]) == (True, True)
    assert not caplog.records


@pytest.mark.parametrize("query", [b"\xff", b"\xed\xa0\x80", b"%ff", b"%ED%A0%80", b"%00", b"%C3", b"\xc3\xa9", b"%"])
async def test_a_query_or_path_of_any_bytes_makes_no_mistake_of_ours(
    api: Api, query: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (
        b"/artifacts?q=%b", b"/artifacts?provider=%b", b"/artifacts?node=%b", b"/artifacts/%b", b"/api/miners/%b",
        b"/api/miners?node=%b", b"/api/models/%b", b"/api/v1/events?kind=%b", b"/api/v1/events?miner=%b",
        b"/api/v1/history?of=node:%b", b"/api/v1/history?from=%b", b"/api/v1/commands/%b", b"/static/%b", b"/%b",
        b"/api/v1/stream?since=%b", b"/api/v1/audit?before=%b", b"/artifacts/1?bubbles_before=%b",
    ):  # fmt: skip
        target = path.replace(b"%b", query)
        answer = await raw(
            api.port,
            b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%b\r\n" % (target, access.HEADER.encode()),
        )
        assert answer.split(b" ")[1] in (b"200", b"400", b"404"), (target, answer[:200])
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
