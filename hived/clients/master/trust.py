"""Which master is accepted over TLS: one the system trusts, or the one key that was seen when this node joined."""

from __future__ import annotations

import asyncio
import hashlib

import aiohttp


class SeenKey(aiohttp.Fingerprint):
    """Takes any certificate and remembers it: for the first hello, over which nothing secret is sent."""

    def __init__(self) -> None:
        super().__init__(bytes(32))
        self.pin: str | None = None
        """SHA-256 of the public key that answered."""
        self.certificate: str | None = None
        """SHA-256 of its certificate."""

    def check(self, transport: asyncio.Transport) -> None:
        """Remember who answers."""
        der = _certificate(transport)
        self.pin, self.certificate = pin_of(der), hashlib.sha256(der).hexdigest()


class ExpectedKey(SeenKey):
    """Takes only the key that an operator named, before anything is said.

    `expected`: the first hex digits, or all, of the SHA-256 of its public key or of its certificate.
    """

    def __init__(self, expected: str) -> None:
        super().__init__()
        self._expected = expected

    def check(self, transport: asyncio.Transport) -> None:
        """Remember who answers. ServerFingerprintMismatch when it is another."""
        super().check(transport)
        if not any(seen is not None and seen.startswith(self._expected) for seen in (self.pin, self.certificate)):
            host, port, *_ = transport.get_extra_info("peername") or ("?", 0)
            raise aiohttp.ServerFingerprintMismatch(self.fingerprint, bytes.fromhex(self.pin or "00" * 32), host, port)


class PinnedKey(aiohttp.Fingerprint):
    """Takes only a certificate of one public key, whatever its name and dates.

    aiohttp asks before it writes the first byte of a request: a bearer key never reaches another machine.
    """

    def __init__(self, pin: str) -> None:
        super().__init__(bytes.fromhex(pin))
        self.pin = pin

    def check(self, transport: asyncio.Transport) -> None:
        """Raise ServerFingerprintMismatch unless the pinned key answers."""
        got = pin_of(_certificate(transport)) or "00" * 32
        if got != self.pin:
            host, port, *_ = transport.get_extra_info("peername") or ("?", 0)
            raise aiohttp.ServerFingerprintMismatch(self.fingerprint, bytes.fromhex(got), host, port)


def pin_of(der: bytes) -> str | None:
    """Return SHA-256 of a certificate's public key (SubjectPublicKeyInfo, DER) in hex; None when it has none."""
    # A node whose master speaks plain HTTP never needs it: 3 MiB.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = x509.load_der_x509_certificate(der).public_key()
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return None


def _certificate(transport: asyncio.Transport) -> bytes:
    tls = transport.get_extra_info("ssl_object")
    return (tls.getpeercert(binary_form=True) if tls is not None else None) or b""
