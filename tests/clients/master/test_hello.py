"""A master is who it says, or nobody: what the first question to an unknown address may come to."""

from __future__ import annotations

import datetime
import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hived.clients.master.hello import MAX_BODY_BYTES, HelloClient
from hived.errors import HivedError, Refused, Transient
from hived.services.nodes.announce import certificate_fingerprint
from tests.clients.peer import Peer, cut, drip, running_peer

ANSWER = b'{"product": "hived", "node_id": "abc", "role": "master"}'


def reply(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


@pytest.fixture
async def master() -> AsyncIterator[Peer]:
    async with running_peer() as made:
        made.says("/hello", reply(ANSWER))
        yield made


@pytest.fixture
async def client() -> AsyncIterator[HelloClient]:
    async with HelloClient(timeout_s=1.0) as made:
        yield made


async def test_the_right_master_is_taken(master: Peer, client: HelloClient) -> None:
    await client.check("127.0.0.1", master.port, "abc", fingerprint=None)
    assert master.calls() == ["GET /api/v1/hello"]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply(ANSWER.replace(b"abc", b"abd")), Refused, "another node"),
        (reply(ANSWER.replace(b"master", b"node")), Refused, "no master"),
        (reply(ANSWER.replace(b"hived", b"other")), Transient, "not a master's"),
        (reply(b"[]"), Transient, "not a master's"),
        (reply(b"<html>"), Transient, "not JSON"),
        (reply(b"[" * 8000), Transient, "not JSON"),
        (reply(b'{"a":' + b"9" * 5000 + b"}"), Transient, "not JSON"),
        (reply(b"\xff\xfe"), Transient, "not JSON"),
        (reply(b" " * (MAX_BODY_BYTES + 1)), Transient, "too long"),
        (reply(b"", "404 Not Found"), Transient, "404"),
        (reply(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"), Transient, "302"),
        (reply(b"", more="X: " + "y" * 9000 + "\r\n"), Transient, "can be read"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Transient, "can be read"),
        (b"", Transient, "can be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", Transient, "can be read"),
    ],
)
async def test_everything_else_is_refused_in_words(
    answer: bytes, kind: type[HivedError], words: str, master: Peer, client: HelloClient
) -> None:
    master.says("/hello", cut(answer))
    with pytest.raises(kind, match=words):
        await client.check("127.0.0.1", master.port, "abc", fingerprint=None)
    assert set(master.calls()) == {"GET /api/v1/hello"}, "nothing is followed"


async def test_who_never_ends_his_answer_is_given_up(master: Peer) -> None:
    master.says("/hello", drip)
    async with HelloClient(timeout_s=0.2) as client:
        with pytest.raises(Transient, match="no answer"):
            await client.check("127.0.0.1", master.port, "abc", fingerprint=None)


async def test_where_nobody_listens_it_says_so(free_port: int, client: HelloClient) -> None:
    with pytest.raises(Transient, match="connect"):
        await client.check("127.0.0.1", free_port, "abc", fingerprint=None)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A fresh self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "head")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


async def test_over_tls_only_the_announced_certificate_counts(tmp_path: Path, client: HelloClient) -> None:
    cert_file, key_file = certificate(tmp_path)
    asked = []

    async def hello(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"product": "hived", "node_id": "abc", "role": "master"})

    app = web.Application()
    app.router.add_get("/api/v1/hello", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        port = runner.addresses[0][1]
        fingerprint = certificate_fingerprint(cert_file)
        assert fingerprint is not None
        await client.check("127.0.0.1", port, "abc", fingerprint=fingerprint)
        assert asked == ["/api/v1/hello"]
        with pytest.raises(Refused, match="certificate"):
            await client.check("127.0.0.1", port, "abc", fingerprint="00" * 32)
        assert asked == ["/api/v1/hello"], "nothing was asked of a stranger"
    finally:
        await runner.cleanup()


def test_the_fingerprint_of_a_file_is_that_of_its_first_certificate(tmp_path: Path) -> None:
    cert_file, _ = certificate(tmp_path)
    der = ssl.PEM_cert_to_DER_cert(cert_file.read_text())
    assert certificate_fingerprint(cert_file) == hashlib.sha256(der).hexdigest()
    chain = tmp_path / "chain.pem"
    chain.write_text("# ours\n" + cert_file.read_text() + cert_file.read_text())
    assert certificate_fingerprint(chain) == hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----", b"\xff"])
def test_a_certificate_that_cannot_be_read_has_no_fingerprint(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    if content is not None:
        file.write_bytes(content)
    assert certificate_fingerprint(file) is None
