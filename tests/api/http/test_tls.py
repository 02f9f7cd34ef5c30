"""hive-apid over TLS: what is served, what is refused, what is taken over while it runs."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from hived.api.app import make_app
from hived.api.http.listener import SHUTDOWN_S, Listener
from hived.api.miners.live_miners import LiveMiners
from hived.runtime.kinds import TlsFiles
from hived.services.access.passwords import Passwords
from hived.services.appliance import certificates, tls
from hived.services.appliance.tls import Tls
from hived.store import Store
from hived.store.access import users
from hived.store.nodes import contacts, nodes
from tests import access
from tests.api.farm import NOW
from tests.clock import FakeClock
from tests.services.appliance.test_certificates import files
from tests.waiting import until


@dataclass
class Served:
    port: int
    tls: Tls
    listener: Listener

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def shown(self, most: ssl.TLSVersion | None = None, name: str | None = None) -> tuple[str, str | None]:
        """Shake hands; return the fingerprint of what is shown and the version of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if most is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what is tried
                context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, most
            context.set_ciphers("ALL:@SECLEVEL=0")
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=5) as raw,
            context.wrap_socket(raw, server_hostname=name) as safe,
        ):
            der = safe.getpeercert(binary_form=True)
            assert der is not None
            return certificates.fingerprint(der), safe.version()


@asynccontextmanager
async def serve(
    store: Store, folder: Path, given: TlsFiles | None = None, *, plain_ingest: bool = True, **limits: Any
) -> AsyncIterator[Served]:
    clock = FakeClock()
    await store.write(access.admit, at=clock())
    await store.write(users.add, "anna", access.HASHER.hash("correct horse battery"), "admin", NOW)
    fleet = LiveMiners(store, status_seconds=15.0, clock=clock)
    await fleet.beat()
    served = Tls(given, folder, "node-1")
    app = make_app(
        store, fleet=fleet, node_name="node-1", node_id="id-1", clock=clock, certificate=served.current,
        passwords=Passwords(access.HASHER), plain_ingest=plain_ingest,
    )  # fmt: skip
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        listener = Listener(runner, "127.0.0.1", 0, tls=served.context, **limits)
        await listener.start()
        yield Served(listener.port, served, listener)
    finally:
        await runner.cleanup()


@pytest.fixture
async def served(store: Store, tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(store, tmp_path) as running:
        yield running


@asynccontextmanager
async def trusting(served: Served, **headers: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that takes this very certificate as its only authority, and checks the name."""
    context = ssl.create_default_context(cafile=str(served.tls._folder / certificates.CERT_NAME))
    jar = aiohttp.CookieJar(unsafe=True)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(served.url, connector=connector, headers=headers, cookie_jar=jar) as http:
        yield http


async def test_a_client_that_knows_the_certificate_is_served_and_told_the_same(served: Served) -> None:
    async with trusting(served, **access.BEARER) as http:
        async with http.get("/api/v1/hello") as reply:
            told = await reply.json()
        async with http.get("/api/miners") as reply:
            assert reply.status == 200
    current = served.tls.current()
    assert (told["product"], told["node_id"], told["tls"]) == ("hived", "id-1", True)
    assert (told["fingerprint"], told["pin"]) == (current.fingerprint, current.pin)
    shown, version = await asyncio.to_thread(served.shown)
    assert (shown, version) == (current.fingerprint, "TLSv1.3")
    assert (await asyncio.to_thread(served.shown, ssl.TLSVersion.TLSv1_2))[1] == "TLSv1.2"


async def test_older_versions_of_tls_are_refused(served: Served) -> None:
    with pytest.raises(ssl.SSLError):
        await asyncio.to_thread(served.shown, ssl.TLSVersion.TLSv1_1)


async def test_the_cookie_is_bound_to_tls_and_to_this_host(served: Served) -> None:
    async with trusting(served) as http:
        login = {"user": "anna", "password": "correct horse battery"}
        async with http.post("/api/v1/session", json=login) as reply:
            given, mark = reply.headers.getall("Set-Cookie")
        parts = [part.strip() for part in given.split(";")]
        assert parts[0].startswith(f"__Host-hived-{served.port}=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(parts)
        assert not any(part.lower().startswith("domain") for part in parts)
        assert "Secure" in mark
        async with http.get("/api/miners") as reply:
            assert reply.status == 200


async def test_who_speaks_plain_http_is_closed_with_one_quiet_line(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(5):
        with suppress(ConnectionResetError):
            assert b"HTTP" not in await reader.read()
    writer.close()
    lines = [r for r in caplog.records if r.name.startswith("hived") or r.levelno >= logging.WARNING]
    assert [(r.levelname, "no TLS from 127.0.0.1" in r.message) for r in lines] == [("DEBUG", True)]


async def test_both_are_served_on_one_port_each_with_a_session_of_its_own(store: Store, tmp_path: Path) -> None:
    login = {"user": "anna", "password": "correct horse battery"}
    async with serve(store, tmp_path, plain=True) as served, trusting(served) as over_tls:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{served.port}", cookie_jar=jar) as plain:
            own = f"hived-{served.port}"
            for http, name, secure in ((plain, own, False), (over_tls, f"__Host-{own}", True)):
                async with http.post("/api/v1/session", json=login) as reply:
                    given, _mark = reply.headers.getall("Set-Cookie")
                assert (given.partition("=")[0], "Secure" in given) == (name, secure)
                async with http.get("/api/miners") as reply:
                    assert reply.status == 200
                async with http.get("/api/v1/hello") as reply:
                    assert (await reply.json())["pin"] == served.tls.current().pin
                async with http.delete("/api/v1/session") as reply:
                    assert reply.headers["Set-Cookie"].startswith(f'{name}=""')


@pytest.mark.parametrize("plain_ingest", [True, False])
async def test_a_collectors_key_is_taken_over_plain_http_only_where_that_is_wanted(
    store: Store, tmp_path: Path, plain_ingest: bool
) -> None:
    key = await store.write(nodes.add, "histo", "Histo", by="tests", now=NOW)
    sent = {"url": "https://museum.example/1", "content": "A vase.", "node_id": "histo"}

    async def known_as() -> str | None:
        (seen,) = [one for one in await store.read(contacts.listing) if one.node_id == "histo"]
        return seen.plain_code

    async with (
        serve(store, tmp_path, plain=True, plain_ingest=plain_ingest) as served, trusting(served) as over_tls,
        aiohttp.ClientSession(f"http://127.0.0.1:{served.port}") as plain,
    ):  # fmt: skip
        seen = []
        for http in plain, over_tls, plain:
            async with http.post("/master/ingest", json=sent, headers={"Authorization": f"Bearer {key.text}"}) as reply:
                seen.append((reply.status, await known_as()))
    if plain_ingest:
        assert seen == [(200, "collector_plain"), (200, None), (200, "collector_plain")]
    else:
        assert seen == [(403, "collector_plain"), (200, None), (403, None)], "its key was on the wire all the same"


@pytest.mark.parametrize("pieces", [(b"G", b"ET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")])
async def test_plain_http_that_comes_byte_by_byte_is_served_beside_tls(
    store: Store, tmp_path: Path, pieces: tuple[bytes, ...]
) -> None:
    async with serve(store, tmp_path, plain=True) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        for piece in pieces:
            writer.write(piece)
            await until(lambda: not served.listener.shaking)
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"\x16", b"\x16\x03\x01" + b"\xff" * 600])
async def test_who_begins_and_does_not_go_on_is_cut_off_beside_plain_http(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    monkeypatch.setattr("hived.api.http.tls_handshake.HANDSHAKE_S", 0.3)
    async with serve(store, tmp_path, plain=True, connections=1) as served:
        files_before = psutil.Process().num_fds()
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(sent)
        async with asyncio.timeout(5):
            with suppress(ConnectionResetError):
                await reader.read()
        writer.close()
        await until(lambda: psutil.Process().num_fds() <= files_before)
        async with trusting(served) as http, http.get("/healthz") as reply:
            assert reply.status == 200
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_who_leaves_before_the_first_byte_costs_nothing(store: Store, tmp_path: Path) -> None:
    async with serve(store, tmp_path, plain=True) as served:
        files_before = psutil.Process().num_fds()
        for reset in (True, False) * 20:
            with socket.create_connection(("127.0.0.1", served.port), timeout=5) as raw:
                await until(lambda: bool(served.listener.shaking))
                if reset:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await until(lambda: not served.listener.shaking)
        await until(lambda: psutil.Process().num_fds() <= files_before)


async def test_who_never_shakes_hands_is_cut_off_and_counts_as_a_connection(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hived.api.http.tls_handshake.HANDSHAKE_S", 0.3)
    async with serve(store, tmp_path, connections=2) as served:
        idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(2)]
        await until(lambda: len(served.listener.shaking) == 2)
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
            writer.close()
            for other, closing in idle:
                assert await other.read() == b""
                closing.close()
        await until(lambda: not served.listener.shaking)
        async with trusting(served) as http, http.get("/healthz") as reply:
            assert reply.status == 200


async def test_a_handshake_under_way_does_not_hold_up_the_end(store: Store, tmp_path: Path) -> None:
    async with serve(store, tmp_path) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        await until(lambda: len(served.listener.shaking) == 1)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 3
    writer.close()


async def test_the_first_request_may_come_with_the_end_of_the_handshake(served: Served) -> None:
    def ask() -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        safe = context.wrap_bio(incoming, outgoing)
        with socket.create_connection(("127.0.0.1", served.port), timeout=5) as raw:
            while True:
                try:
                    safe.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    raw.sendall(outgoing.read())
                    incoming.write(raw.recv(65536))
            safe.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            raw.sendall(outgoing.read())  # both in one packet
            answer = b""
            while data := raw.recv(65536):
                incoming.write(data)
                try:
                    while got := safe.read(65536):
                        answer += got
                except ssl.SSLWantReadError:
                    continue
                break
            return answer

    for _ in range(5):
        assert (await asyncio.to_thread(ask)).startswith(b"HTTP/1.1 200")


async def test_a_new_certificate_is_served_without_a_restart(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async with trusting(served) as http:
        async with http.get("/api/v1/hello") as reply:
            before = await reply.json()
        monkeypatch.setattr(tls, "own_addresses", lambda: iter(("127.0.0.1", "10.9.9.9")))
        await served.tls.beat()
        async with http.get("/api/v1/hello") as reply:  # over the connection from before
            after = await reply.json()
    assert (after["pin"], after["fingerprint"] != before["fingerprint"]) == (before["pin"], True)
    for name in (None, "node-1.local"):
        assert (await asyncio.to_thread(served.shown, None, name))[0] == after["fingerprint"]


async def test_another_kind_of_key_is_taken_over_whole(store: Store, tmp_path: Path) -> None:
    given = files(tmp_path)
    async with serve(store, tmp_path, given) as served:
        first = (await asyncio.to_thread(served.shown))[0]
        files(tmp_path, rsa.generate_private_key(65537, 2048))
        await served.tls.beat()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            shown, _ = await asyncio.to_thread(served.shown, version)
            assert (shown, shown != first) == (served.tls.current().fingerprint, True)
