"""Requests whose end two readers could see at different places: one answer, and nothing within them is obeyed."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from hived.api.http import params
from tests import access
from tests.api.farm import MAC, Api
from tests.mutated import LONG, Mutator, count, watched

CASES = count(60, 2_000)
_ORDER = json.dumps({"unlock_pass": "smuggled-password"})
SMUGGLED = (
    f"PATCH /api/miners/{MAC} HTTP/1.1\r\nHost: localhost\r\n{access.HEADER}Content-Type: application/json\r\n"
    f"Content-Length: {len(_ORDER)}\r\n\r\n{_ORDER}"
).encode()
HEAD = "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
PATHS = ("/api/v1/session", "/api/v1/join", "/", "/nothing", "/api/v1/scan")
LENGTHS = (
    "{}",
    "0",
    "3",
    "+{}",
    "-1",
    "0x3",
    "3, 3",
    "3,{}",
    " 3 3",
    "\x0b3",
    "3\x00",
    "٣",
    "",
    "9" * 25,
    "3;a=b",
    "1e1",
)
CODINGS = (
    "chunked", "xchunked", "\x0bchunked", "chunked\x0b", "chunked, identity", "identity", "chunked, chunked",
    "chun\x00ked", "chunked;q=1", '"chunked"', "chunked,", ", chunked", "", "gzip", "chunked\r\n\tx", "chunked\x85",
)  # fmt: skip
NAMES = ("{}", "{} ", "{}\t", " {}", "{}\x0b", "{}\x00", "{}\r", "\t{}", "{}_", "X-{}", "{}:")
ENDS = ("\r\n", "\n", "\r", "\r\r\n", "\r\n ")
CHUNKS = (
    "0\r\n\r\n", "0\n\n", "0x0\r\n\r\n", "00000000000000000\r\n\r\n", "+0\r\n\r\n", "0;a=\n\r\n\r\n", "-1\r\n",
    "fffffffffffffffff\r\n", "3\r\nabc0\r\n\r\n", "3\r\nabc\n0\n\n", "0\r\nHost: evil.example\r\n\r\n", "3\n",
)  # fmt: skip


def ambiguous(one: Mutator) -> bytes:
    """Return a request that says twice, or in no right way, how long it is; what is smuggled stands behind it."""
    pick = one.random.choice
    fields = [(pick(NAMES).format("Content-Length"), pick(LENGTHS).format(len(SMUGGLED)), pick(ENDS)) for _ in "ab"]
    fields += [(pick(NAMES).format("Transfer-Encoding"), pick(CODINGS), pick(ENDS)) for _ in "ab"]
    chosen = one.random.sample(fields, pick((2, 2, 3, 4)))
    if one.often(0.5):  # the two that a front and a back may disagree on, each rightly written
        chosen = [("Content-Length", pick(("3", str(len(SMUGGLED)))), "\r\n"), ("Transfer-Encoding", "chunked", "\r\n")]
        chosen = [*chosen, fields[one.random.randrange(4)]][:: pick((1, -1))]
    head = HEAD.format(pick(PATHS)) + "".join(f"{name}: {value}{end}" for name, value, end in chosen)
    return head.encode() + b"\r\n" + pick((pick(CHUNKS).encode(), b"", b"abc")) + SMUGGLED


BOUND = {
    "content-length twice": b"Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc",
    "a length with a sign": b"Content-Length: +3\r\n\r\nabc",
    "both": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both, the other way round": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding after a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a coding that is not the last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Content-Length : 3\r\n\r\nabc",
    "a field that goes on": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "a bare line feed": b"X: y\nContent-Length: 3\r\n\r\nabc",
    "a bare carriage return": b"X: y\rContent-Length: 3\r\n\r\nabc",
    "a chunk in hex with 0x": b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "a chunk with a sign": b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n",
    "a chunk without an end": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "a chunk that ends late": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "a line feed in an extension": b"Transfer-Encoding: chunked\r\n\r\n0;a\n\r\n\r\n",
    "two hosts": b"Host: evil.example\r\nContent-Length: 0\r\n\r\n",
    "many fields": b"a: b\r\n" * 20_000 + b"Content-Length: 0\r\n\r\n",
    "no name": b": x\r\nContent-Length: 0\r\n\r\n",
}
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
METHODS = (
    UPGRADE, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 64,
    b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"GET / HTTP/0.9\r\n\r\n", b"GET /\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
)  # fmt: skip
here = pytest.mark.sqlite_only("a request is taken apart before any database is asked")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never sends the rest of a body is not waited for."""
    monkeypatch.setattr(params, "BODY_S", 0.2)


async def answers(port: int, request: bytes) -> list[int]:
    """Return the codes of all answers until the server ends the connection, as it must."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told = b""
    try:
        writer.write(request)
        async with asyncio.timeout(20):
            while piece := await reader.read(65536):
                told += piece
    except ConnectionError:  # what it did not want to read was thrown away
        pass
    finally:
        writer.transport.abort()
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3})", told)]


async def audited(api: Api) -> set[str]:
    return {row["action"] for row in await api.get("/api/v1/audit?limit=1000")}


@here
@pytest.mark.parametrize("bound", BOUND)
async def test_a_request_of_which_it_is_not_clear_where_it_ends_is_answered_once(api: Api, bound: str) -> None:
    with watched(()):
        for path in PATHS:
            codes = await answers(api.port, HEAD.format(path).encode() + BOUND[bound] + SMUGGLED)
            assert len(codes) <= 1, (path, codes)
            assert all(400 <= code < 500 for code in codes), (path, codes)
    assert "miner.password" not in await audited(api)


@here
async def test_two_requests_that_say_where_they_end_are_two(api: Api) -> None:
    first = HEAD.format("/api/v1/session").encode() + access.HEADER.encode() + b"Content-Length: 2\r\n\r\n{}"
    codes = await answers(api.port, first + SMUGGLED.replace(b"Host:", b"Connection: close\r\nHost:"))
    assert codes == [400, 200]
    assert "miner.password" in await audited(api), "what is tried here would be seen"


@here
async def test_what_is_no_request_of_a_browser_is_refused(api: Api) -> None:
    with watched(()):
        for request in METHODS:
            codes = await answers(api.port, request)
            assert len(codes) <= 1, (request, codes)
            assert all(200 <= code < 500 and code != 101 for code in codes), (request, codes)


@here
@pytest.mark.timeout(3600 if LONG else 120)
async def test_nothing_is_smuggled_within_another_request(api: Api) -> None:
    wrong = []
    with watched(()):
        for number in range(CASES):
            case = f"frame {number}"
            request = ambiguous(Mutator(case))
            codes = await answers(api.port, request)
            if len(codes) > 1 or not all(400 <= code < 500 for code in codes):
                wrong.append((case, codes, request[:400]))
        assert not wrong, (len(wrong), wrong[:5])
    assert "miner.password" not in await audited(api)
    assert (await answers(api.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))[0] in (
        200,
        503,
    )
