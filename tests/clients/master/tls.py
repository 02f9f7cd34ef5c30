"""Certificates made on the spot, and a server that counts what reaches it."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Certificate:
    file: Path
    """Certificate and key."""
    pin: str
    der: bytes

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.file)
        return made


def certificate(folder: Path, key: ec.EllipticCurvePrivateKey | None = None, name: str = "hived") -> Certificate:
    """Make a self-signed certificate for 127.0.0.1."""
    key = key or new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}-{made.serial_number:x}.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(secret + made.public_bytes(Encoding.PEM))
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Certificate(file, hashlib.sha256(spki).hexdigest(), made.public_bytes(Encoding.DER))


class Ears:
    """What a TLS server was told, after the handshakes."""

    def __init__(self) -> None:
        self.handshakes = 0
        self.heard = bytearray()
        self.port = 0


@asynccontextmanager
async def ears(own: Certificate) -> AsyncIterator[Ears]:
    """A server that shakes hands, listens and never answers."""
    found = Ears()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.handshakes += 1
        try:
            while chunk := await reader.read(1 << 16):
                found.heard += chunk
        except (OSError, ssl.SSLError):
            pass
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=own.context())
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        await server.wait_closed()
