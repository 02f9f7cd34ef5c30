"""One host cannot have all connections, nor fill the memory with what it sends without an end or never reads."""

from __future__ import annotations

import asyncio
import resource
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from hived.api.http import connection, listener
from hived.api.http.access import KNOWN
from hived.api.http.connection import Connection
from hived.api.http.shares import HERE, KNOWN_SHARE, MAX_KNOWN, Known, Shares
from hived.store import Database, Store
from hived.store.access import sessions
from hived.store.schema import Node, Session
from tests import access
from tests.api import farm
from tests.api.farm import MAC, NOW, Api
from tests.api.http.test_tls import Served, serve
from tests.clock import FakeClock
from tests.waiting import until

WITHIN_S = 5.0
ASK = b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n"
FILE = b"/static/vendor/uplot-1.6.32/uPlot.iife.min.js"


def dial(api: Api | Served, address: str, *, buffer: int | None = None) -> socket.socket:
    """Connect from one of this machine's addresses, which stands for a host of its own; `buffer`: to receive, bytes."""
    sock = socket.socket()
    if buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.bind((address, 0))
    sock.settimeout(WITHIN_S)
    sock.connect(("127.0.0.1", api.port))
    return sock


def answer(api: Api, address: str, path: bytes = b"/healthz") -> int:
    """Return the code of the reply to a fresh connection."""
    with closing(dial(api, address)) as sock:
        try:
            sock.sendall(ASK % (path, b"Connection: close\r\n"))
            return int(sock.recv(65536).split(b" ")[1])
        except ConnectionError:  # refused before the request was there
            return 503


async def code(api: Api, address: str, path: bytes = b"/healthz") -> int:
    return await asyncio.to_thread(answer, api, address, path)


def ended(sock: socket.socket) -> bool:
    """Tell whether the other end has closed or reset a connection, without reading from it."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return bool(poll.poll(0))


def open_at(api: Api) -> list[Connection]:
    server = api.listener._runner.server
    assert server is not None
    return [one for one in server.connections if isinstance(one, Connection)]


@pytest.fixture
def flood(api: Api) -> Iterator[ExitStack]:
    """Holds connections until the end of the test."""
    with ExitStack() as held:
        yield held


async def fill(api: Api, flood: ExitStack, addresses: list[str], each: int) -> int:
    """Open connections; return how many of them are kept."""
    wanted = [address for address in addresses for _ in range(each)]
    asked = await asyncio.to_thread(lambda: [flood.enter_context(closing(dial(api, one))) for one in wanted])

    def kept() -> int:
        peers = {one.peername for one in open_at(api)}
        return sum(sock.getsockname() in peers for sock in asked)

    await until(lambda: kept() + sum(map(ended, asked)) == len(asked))
    return kept()


async def test_one_host_holds_its_share_and_everybody_else_is_served(api: Api, flood: ExitStack) -> None:
    assert await fill(api, flood, ["127.0.0.66"], 40) == 32
    assert await code(api, "127.0.0.66") == 503
    for address in ("127.0.0.67", "127.0.0.1", "127.8.0.66"):
        assert (await code(api, address), await code(api, address, b"/")) == (200, 200), address
    flood.close()
    await until(lambda: _is(api, "127.0.0.66", 200))


async def _is(api: Api, address: str, expected: int) -> bool:
    return await code(api, address) == expected


async def test_a_refusal_is_a_reply_that_says_when_to_come_again(api: Api, flood: ExitStack) -> None:
    await fill(api, flood, ["127.0.0.66"], 32)
    with closing(dial(api, "127.0.0.66")) as sock:
        reply = await asyncio.to_thread(sock.recv, 65536)
    assert reply.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 5\r\n" in reply
    assert reply.endswith(b'{"error":"too many connections, try again in a moment"}')


async def test_a_network_holds_its_share_and_all_strangers_leave_room_for_who_is_known(
    api: Api, flood: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    assert await fill(api, flood, [f"127.7.7.{n}" for n in range(1, 17)], 32) == 192
    assert await code(api, "127.7.7.200") == 503
    assert await code(api, "127.7.8.1") == 200
    assert await fill(api, flood, [f"127.7.{net}.{n}" for net in (8, 9) for n in range(1, 8)], 32) == 384 - 192
    assert await code(api, "127.99.0.1") == 503, "a stranger, and strangers hold all that they may"
    assert (await code(api, "127.0.0.1"), await code(api, "127.0.0.1", b"/")) == (200, 200)
    api.app[KNOWN].note("127.99.0.1")
    assert await code(api, "127.99.0.1") == 200
    lines = [record.message for record in caplog.records if "refused" in record.message]
    assert lines == ["1 connections refused, the newest from 127.7.7.7: 127.7.7.0/24 is full"], "one a minute"


async def test_without_a_file_for_them_connections_wait_and_the_daemon_goes_on(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener, "RETRY_S", 0.2)
    assert await code(api, "127.0.0.1") == 200
    with closing(socket.socket()) as early:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (early.fileno() + 1, hard))
        try:
            early.connect(("127.0.0.1", api.port))
            early.sendall(ASK % (b"/healthz", b""))
            await until(lambda: "cannot take connections: Too many open files" in caplog.text)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (await asyncio.to_thread(early.recv, 65536)).startswith(b"HTTP/1.1 200")
    assert caplog.text.count("cannot take") < 20, "it does not turn in a circle"


async def test_who_was_let_in_is_known_from_then_on(api: Api) -> None:
    known = api.app[KNOWN]
    assert "127.0.0.88" not in known
    head = access.HEADER.encode()

    def ask(more: bytes) -> None:
        with closing(dial(api, "127.0.0.88")) as sock:
            sock.sendall(ASK % (b"/api/v1/fleet", more + b"Connection: close\r\n"))
            assert sock.recv(65536)

    await asyncio.to_thread(ask, b"")
    assert "127.0.0.88" not in known, "401 proves nothing"
    await asyncio.to_thread(ask, head)
    assert "127.0.0.88" in known


def test_of_those_who_are_known_the_last_ones_are_kept() -> None:
    known = Known()
    for n in range(MAX_KNOWN):
        known.note(f"10.0.{n >> 8}.{n & 255}")
    known.note("10.0.0.0")
    known.note("10.9.9.9")
    known.note(None)
    assert [address in known for address in ("10.0.0.0", "10.0.0.1", "10.9.9.9")] == [True, False, True]


async def test_nodes_and_browsers_of_the_last_days_are_known_after_a_restart(store: Store) -> None:
    def fill(db: Database) -> None:
        for n, (address, status) in enumerate((("10.0.0.1", "approved"), ("10.0.0.2", "pending"), (None, "approved"))):
            Node.insert(id=f"n{n}", name="n", status=status, address=address, contact_at=NOW - n).execute(db)
        for n, (seen, address) in enumerate(((NOW - 5, "10.0.0.3"), (NOW - 8 * 86_400, "10.0.0.4"), (NOW, None))):
            Session.insert(
                token_hash=str(n), user="anna", created_at=seen, seen_at=seen, expires_at=NOW + 9, address=address
            ).execute(db)

    await store.write(fill)
    assert await store.read(sessions.addresses, NOW) == ["10.0.0.3", "10.0.0.1"]


@pytest.mark.parametrize("plain", [False, True])
async def test_handshakes_that_never_come_count_and_heads_are_bounded_within_tls(
    store: Store, tmp_path: Path, plain: bool
) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def ask(sock: socket.socket, request: bytes) -> bytes:
        with context.wrap_socket(sock) as safe:
            safe.sendall(request)
            return b"".join(iter(lambda: safe.recv(65536), b""))

    async with serve(store, tmp_path, plain=plain) as served:
        with ExitStack() as held:
            silent = [held.enter_context(closing(dial(served, "127.0.0.66"))) for _ in range(40)]
            await until(lambda: sum(map(ended, silent)) == 8)
            whole = ASK % (b"/healthz", b"X: %b\r\nConnection: close\r\n" % (b"a" * 8000))
            reply = await asyncio.to_thread(ask, dial(served, "127.0.0.67"), whole)
            assert reply.startswith(b"HTTP/1.1 200")
            endless = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + HEADS["few large"]
            with suppress(ConnectionError, ssl.SSLError):  # and it ends: else it would be a TimeoutError
                assert await asyncio.to_thread(ask, dial(served, "127.0.0.67"), endless) == b""


@pytest.mark.parametrize(
    ("addresses", "kept"),
    [
        (["10.1.2.3"] * 40, 32),
        ([f"10.1.2.{n}" for n in range(256)], 192),
        ([f"10.1.{n}.1" for n in range(256)] * 2, 384),
        (["2001:db8::1"] * 40, 32),
        ([f"2001:db8::{n:x}" for n in range(200)], 96),
        ([f"2001:db8:0:{n:x}::1" for n in range(400)], 192),
        ([f"2001:db8:{n:x}::1" for n in range(400)], 384),
        (["fe80::1%eth0"] * 40, 32),
        (["127.0.0.1"] * 300, HERE["127.0.0.1"]),
        (["::1"] * 300, HERE["::1"]),
        (["10.9.9.9"] * 200, KNOWN_SHARE),
        (["10.9.9.9"] * 200 + ["127.0.0.1"] * 300 + ["::1"] * 300, 512),
    ],
)
def test_the_shares_of_each_kind_of_address(addresses: list[str], kept: int) -> None:
    known = Known()
    known.note("10.9.9.9")
    shares = Shares(512, known)
    with ExitStack() as held:

        def take(address: str) -> bool:
            return shares.take(held.enter_context(closing(socket.socket())), address, 0.0)

        assert sum(map(take, addresses)) == kept
        held.close()
        shares.forget_closed()
        assert take(addresses[0])
        assert set(shares._held.values()) == {1}, "what has ended is not counted, and not remembered"


async def test_who_reads_nothing_of_small_replies_is_cut_off(
    api: Api, flood: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WRITE_S", 0.3)
    before = len(open_at(api))
    deaf = [flood.enter_context(closing(dial(api, "127.0.0.66", buffer=4096))) for _ in range(5)]
    for sock in deaf:
        sock.setblocking(False)
        sock.send(ASK % (FILE, b"") * 400)
    await until(lambda: all(map(ended, deaf)))
    await until(lambda: len(open_at(api)) == before)


async def test_who_reads_slowly_but_does_read_gets_everything(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WRITE_S", 0.5)

    def read() -> int:
        with closing(dial(api, "127.0.0.66", buffer=4096)) as sock:
            sock.sendall(ASK % (FILE, b"") * 7 + ASK % (FILE, b"Connection: close\r\n"))
            return sum(map(len, iter(lambda: sock.recv(2048), b"")))

    whole = await asyncio.to_thread(read)
    async with api.http.get(FILE.decode()) as reply:
        assert whole > 8 * len(await reply.read())


async def test_the_kernel_gives_up_on_who_reads_nothing_and_keeps_little_for_them(api: Api, flood: ExitStack) -> None:
    await fill(api, flood, ["127.0.0.66"], 1)
    for sock in api.listener.shares._open:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == listener.UNSEEN_MS
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * listener.SEND_BUFFER_BYTES


BEFORE = {
    "nothing": b"",
    "a request": ASK % (b"/healthz", b""),
    "a body": b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\n\r\n{}",
    "chunks": ASK % (b"/healthz", b"Transfer-Encoding: chunked\r\n") + b"3\r\nabc\r\n0\r\n\r\n",
}
HEADS = {
    "long headers": b"".join(b"X%d: %b\r\n" % (n, b"a" * 8000) for n in range(60)),
    "few large": b"".join(b"X%d: %b\r\n" % (n, b"a" * 6000) for n in range(6)),
    "many small": b"".join(b"X%d: %b\r\n" % (n, b"a" * 500) for n in range(60)),
    "long names": b"".join(b"%b%d: a\r\n" % (b"x" * 4000, n) for n in range(10)),
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("head", HEADS)
async def test_a_head_without_an_end_is_cut_before_it_is_kept(api: Api, before: str, head: str) -> None:
    def send() -> bytes:
        with closing(dial(api, "127.0.0.66")) as sock:
            try:
                sock.sendall(BEFORE[before] + b"GET / HTTP/1.1\r\nHost: localhost\r\n" + HEADS[head])
                return b"".join(iter(lambda: sock.recv(65536), b""))
            except ConnectionError:
                return b""

    assert b"<html" not in await asyncio.to_thread(send)  # and it ends: else it would be a TimeoutError
    assert await code(api, "127.0.0.66") == 200


async def test_a_long_head_that_ends_is_served(api: Api) -> None:
    cookies = {f"X-Other-{n}": "c" * 3000 for n in range(4)}
    async with api.http.get("/healthz", headers=cookies) as reply:
        assert reply.status == 200
    async with api.http.patch(f"/api/miners/{MAC}", json={"unlock_pass": "p" * 100, "x": "y" * 60_000}) as reply:
        assert reply.status == 400, "a body is no head"
    async with api.http.get("/healthz", headers=cookies) as reply:
        assert reply.status == 200


async def test_few_requests_wait_in_line_and_none_is_lost(api: Api) -> None:
    count = 200

    def read(sock: socket.socket) -> bytes:
        return b"".join(iter(lambda: sock.recv(65536), b""))

    ask = ASK % (FILE, b"X: %b\r\n" % (b"a" * 2000))
    sock = dial(api, "127.0.0.66", buffer=4096)
    with closing(sock):
        sending = asyncio.create_task(
            asyncio.to_thread(sock.sendall, ask * count + ASK % (b"/", b"Connection: close\r\n"))
        )
        await until(lambda: any(one._messages for one in open_at(api)))
        await until(lambda: any(one._paused for one in open_at(api)))
        waiting = [len(one._messages) for one in open_at(api)]
        assert max(waiting) <= 2 * connection.MAX_IN_LINE
        whole = await asyncio.to_thread(read, sock)
        await sending
    assert whole.count(b"HTTP/1.1 200 OK") == count + 1


async def test_a_reader_who_leaves_in_the_middle_is_no_error(
    big_store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with farm.serve(big_store, clock) as api:
        sock = dial(api, "127.0.0.66", buffer=4096)
        sock.sendall(ASK % (b"/api/miners", access.HEADER.encode()))
        await until(lambda: any(one._paused for one in open_at(api)))
        sock.close()
        await until(lambda: not any(one._paused for one in open_at(api)))
        assert await code(api, "127.0.0.66") == 200
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
