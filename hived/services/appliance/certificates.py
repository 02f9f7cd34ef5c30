"""Certificates that hive-apid serves with: its own, made and renewed with one key, or the operator's files.

Nodes know their master by its *pin*, the hash of the public key: a renewed certificate keeps it, another key is
refused. The *fingerprint* is the hash of the certificate itself, as zeroconf announces it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hived.errors import BadConfig
from hived.records.joining import Certificate

CERT_NAME, KEY_NAME = "tls.crt", "tls.key"
VALID_DAYS = 397  # the most that browsers take from anybody; renewed long before
RENEW_DAYS = VALID_DAYS / 3
BACKDATED = dt.timedelta(days=1)  # a box whose clock is not set yet is a little in the past
MAX_FILE_BYTES = 256 * 1024
MAX_ADDRESSES = 64
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def own(folder: Path, names: Iterable[str], addresses: Iterable[str], now: float) -> tuple[Path, Path]:
    """Return the files of this node's own certificate and key; make or renew what is missing, old or does not fit.

    The key is made once and stays: who has pinned it goes on trusting. BadConfig when the folder cannot be used.
    """
    cert_file, key_file = folder / CERT_NAME, folder / KEY_NAME
    try:
        key = _own_key(key_file)
        wanted = _wanted(names, addresses)
        if not _serves(cert_file, key, wanted, now):
            _write(cert_file, _signed(key, wanted, now), 0o644)
    except OSError as err:
        raise BadConfig(f"http.tls: self-signed: cannot keep the certificate in {folder}: {err.strerror}") from err
    return cert_file, key_file


def look(cert_file: Path, key_file: Path) -> Certificate:
    """Return what a certificate is. BadConfig when it or its key cannot be read, or they do not belong together."""
    cert, key = _read_cert(cert_file), _read_key(key_file)
    if _public(cert.public_key()) != _public(key.public_key()):
        raise BadConfig(f"http.tls: {key_file} is not the key of {cert_file}")
    return describe(cert)


def describe(cert: x509.Certificate) -> Certificate:
    """Return what others know a certificate by."""
    pin = hashlib.sha256(_public(cert.public_key())).hexdigest()
    return Certificate(fingerprint(cert.public_bytes(Encoding.DER)), pin, cert.not_valid_after_utc.timestamp())


def fingerprint(der: bytes) -> str:
    """Return SHA-256 of a certificate in DER, hex."""
    return hashlib.sha256(der).hexdigest()


def pin(der: bytes) -> str:
    """Return SHA-256 of the public key (SubjectPublicKeyInfo) of a certificate in DER, hex. ValueError for garbage."""
    return hashlib.sha256(_public(x509.load_der_x509_certificate(der).public_key())).hexdigest()


def _public(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def _own_key(file: Path) -> ec.EllipticCurvePrivateKey:
    if file.exists():
        file.chmod(0o600)
        key = _read_key(file)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key
        raise BadConfig(f"http.tls: {file} is no key that hive-apid made: move it away")
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    draft = _draft(file, pem, 0o600)
    try:
        os.link(draft, file)  # fails when another process was first: then its key is ours
    except FileExistsError:
        return _own_key(file)
    finally:
        draft.unlink()
    return key


def _wanted(names: Iterable[str], addresses: Iterable[str]) -> list[x509.GeneralName]:
    hosts = sorted({name for name in names if _HOST.fullmatch(name)})
    places = sorted({str(ipaddress.ip_address(one.partition("%")[0])) for one in addresses})[:MAX_ADDRESSES]
    return [*map(x509.DNSName, hosts), *(x509.IPAddress(ipaddress.ip_address(one)) for one in places)]


def _serves(file: Path, key: ec.EllipticCurvePrivateKey, wanted: list[x509.GeneralName], now: float) -> bool:
    """Tell whether the certificate that is there is of this key, names all of these, and lasts.

    Of IPv6 the addresses may have changed: hosts take new ones every day.
    """
    if not file.exists():
        return False
    try:
        cert = _read_cert(file)
        named = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (BadConfig, x509.ExtensionNotFound, ValueError):
        return False
    begins, ends = cert.not_valid_before_utc.timestamp(), cert.not_valid_after_utc.timestamp()
    lasts = begins <= now < ends - RENEW_DAYS * 86_400
    steady = {one for one in wanted if not isinstance(one.value, ipaddress.IPv6Address)}
    return _public(cert.public_key()) == _public(key.public_key()) and steady <= set(named) and lasts


def _signed(key: ec.EllipticCurvePrivateKey, wanted: list[x509.GeneralName], now: float) -> bytes:
    at = dt.datetime.fromtimestamp(now, dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hived master")])
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(secrets.token_bytes(16)) >> 1 | 1)
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at - BACKDATED + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(wanted), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return cert.public_bytes(Encoding.PEM)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES)
    except OSError as err:
        raise BadConfig(f"http.tls: cannot read {file}: {err.strerror}") from err


def _read_cert(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(_read(file))[0]
    except (ValueError, UnsupportedAlgorithm):
        raise BadConfig(f"http.tls: {file} holds no certificate in PEM") from None


def _read_key(file: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(_read(file), None)
    except TypeError:
        raise BadConfig(f"http.tls: the key in {file} needs a passphrase: store it without one, mode 0600") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadConfig(f"http.tls: {file} holds no private key in PEM") from None


def _write(file: Path, body: bytes, mode: int) -> None:
    _draft(file, body, mode).replace(file)


def _draft(file: Path, body: bytes, mode: int) -> Path:
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with os.fdopen(handle, "wb") as opened:
        opened.write(body)
        opened.flush()
        os.fsync(handle)
    return draft
