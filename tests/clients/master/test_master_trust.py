"""A master is who its public key says, and nothing secret reaches anybody else."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web

from hived.clients.master.client import MasterClient, find
from hived.clients.master.errors import NotTrusted, OtherKey
from hived.clients.master.trust import pin_of
from hived.errors import Transient
from hived.records.joining import new_key as new_bearer
from tests.clients.master.tls import Certificate, certificate, ears, new_key

HELLO = {"product": "hived", "node_id": "m-1", "name": "master", "role": "master", "version": "0.1.0", "pin": "ab" * 32}

Serve = Callable[[Certificate | None], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(certificate)` is the URL of a master that says hello, over TLS when there is a certificate."""
    async with AsyncExitStack() as stack:

        async def start(own: Certificate | None) -> str:
            app = web.Application()
            app.router.add_get("/api/v1/hello", _answer)
            runner = web.AppRunner(app)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=own.context() if own else None)
            await site.start()
            host, port = runner.addresses[0][:2]
            return f"{'https' if own else 'http'}://{host}:{port}"

        yield start


async def _answer(_: web.Request) -> web.Response:
    return web.json_response(HELLO)


async def test_a_certificate_of_nobodys_is_pinned_by_its_public_key(serve: Serve, tmp_path: Path) -> None:
    own = certificate(tmp_path)
    found = await find(await serve(own))
    assert found.pin == found.seen == own.pin, "the key that answered, not the one that was told"
    assert found.fingerprint == hashlib.sha256(own.der).hexdigest()
    assert found.hello.node_id == "m-1"


async def test_a_certificate_that_the_system_trusts_needs_no_pin(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(own.file))
    found = await find(await serve(own))
    assert (found.pin, found.fingerprint) == (None, None)
    assert found.seen == "ab" * 32, "what a trusted master says of its key is true"


async def test_without_tls_there_is_nothing_to_pin(serve: Serve) -> None:
    found = await find(await serve(None))
    assert (found.pin, found.seen) == (None, None), "what is told in the open proves nothing"


async def test_a_renewed_certificate_of_the_same_key_is_the_same_master(serve: Serve, tmp_path: Path) -> None:
    key = new_key()
    old, renewed = certificate(tmp_path, key), certificate(tmp_path, key, name="renewed")
    assert old.der != renewed.der
    async with MasterClient(await serve(renewed), pin=old.pin) as client:
        assert (await client.hello()).node_id == "m-1"


async def test_another_key_is_refused_before_a_byte_of_the_request_is_sent(tmp_path: Path) -> None:
    pinned, other = certificate(tmp_path), certificate(tmp_path)
    async with ears(other) as listening:
        async with MasterClient(f"https://127.0.0.1:{listening.port}", pin=pinned.pin) as client:
            with pytest.raises(OtherKey, match="another key"):
                await client.contact(new_bearer(), {"version": "0.1.0"})
        for _ in range(100):
            if listening.handshakes:
                break
            await asyncio.sleep(0.01)
        assert listening.handshakes == 1, "the handshake was had: only then is the key known"
        assert listening.heard == b""


async def test_the_same_request_is_heard_by_the_pinned_key(tmp_path: Path) -> None:
    pinned, bearer = certificate(tmp_path), new_bearer()
    async with ears(pinned) as listening:
        async with MasterClient(f"https://127.0.0.1:{listening.port}", pin=pinned.pin, answer_s=0.5) as client:
            with pytest.raises(Transient, match="in time"):
                await client.contact(bearer, {"version": "0.1.0"})
        assert bearer.text.encode() in listening.heard


async def test_a_certificate_that_was_trusted_and_is_no_more_gets_nothing(tmp_path: Path) -> None:
    async with ears(certificate(tmp_path)) as listening:
        async with MasterClient(f"https://127.0.0.1:{listening.port}") as client:
            with pytest.raises(NotTrusted):
                await client.contact(new_bearer(), {"version": "0.1.0"})
        assert listening.heard == b""


async def test_what_had_tls_is_never_asked_without(serve: Serve, tmp_path: Path) -> None:
    async with MasterClient(await serve(None), pin=certificate(tmp_path).pin) as client:
        with pytest.raises(OtherKey, match="without TLS"):
            await client.contact(new_bearer(), {"version": "0.1.0"})


@pytest.mark.parametrize("der", [b"", b"nonsense", b"\x30\x82\x01\x00" + bytes(256)])
def test_what_is_no_certificate_has_no_pin(der: bytes) -> None:
    assert pin_of(der) is None
