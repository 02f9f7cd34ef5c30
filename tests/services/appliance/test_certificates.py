"""The certificate of a node: made, renewed with its key, or the operator's."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import stat
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from hived.errors import BadConfig
from hived.runtime.kinds import TlsFiles
from hived.services.appliance import certificates, tls
from hived.services.appliance.tls import Tls
from tests.clock import FakeClock

DAY = 86_400.0
NAMES, ADDRESSES = ("rig-1", "rig-1.local", "localhost"), ("127.0.0.1", "::1", "192.168.7.2")


def certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def files(
    folder: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None, *, ends: float | None = None,
    secrecy: KeySerializationEncryption | None = None,
) -> TlsFiles:  # fmt: skip
    """Write a certificate and a key as an operator may bring them."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rig-1.example")])
    end = dt.datetime.fromtimestamp(ends or time.time() + 90 * DAY, dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(end - dt.timedelta(days=100)).not_valid_after(end)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    found = TlsFiles(folder / "cert.pem", folder / "key.pem")
    found.cert.write_bytes(made.public_bytes(Encoding.PEM))
    found.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secrecy or NoEncryption()))
    return found


def test_it_names_the_host_and_its_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    now = time.time()
    cert_file, key_file = certificates.own(tmp_path, NAMES, ADDRESSES, now)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    made = certificate(cert_file)
    named = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(named.get_values_for_type(x509.DNSName)) == set(NAMES)
    assert {str(one) for one in named.get_values_for_type(x509.IPAddress)} == set(ADDRESSES)
    assert made.not_valid_before_utc.timestamp() < now - 3600
    assert made.not_valid_after_utc.timestamp() > now + 390 * DAY
    assert sorted(one.name for one in tmp_path.iterdir()) == [cert_file.name, key_file.name]
    found = certificates.look(cert_file, key_file)
    der = made.public_bytes(Encoding.DER)
    assert (found.fingerprint, found.pin) == (certificates.fingerprint(der), certificates.pin(der))


def test_it_stays_until_a_third_is_left_and_then_keeps_its_key(tmp_path: Path) -> None:
    now = time.time()
    first = certificates.look(*certificates.own(tmp_path, NAMES, ADDRESSES, now))
    for age in (0, 1, 200, 260):
        assert certificates.look(*certificates.own(tmp_path, NAMES, ADDRESSES, now + age * DAY)) == first
    second = certificates.look(*certificates.own(tmp_path, NAMES, ADDRESSES, now + 270 * DAY))
    assert second.fingerprint != first.fingerprint
    assert second.pin == first.pin
    assert second.ends_at > first.ends_at
    # A box that was started with its clock in the past or the future gets a valid one when the time is right.
    for at in (0.0, now + 4000 * DAY):
        made = certificates.look(*certificates.own(tmp_path, NAMES, ADDRESSES, at))
        assert at < made.ends_at < at + 400 * DAY
        assert made.pin == first.pin


def test_a_new_address_or_name_makes_a_new_one_and_a_lost_address_does_not(tmp_path: Path) -> None:
    now = time.time()
    first = certificates.look(*certificates.own(tmp_path, NAMES, ADDRESSES, now))
    for addresses in (ADDRESSES[:2], (*ADDRESSES, "2001:db8::7"), (*ADDRESSES, "fe80::1%eth0")):
        assert certificates.look(*certificates.own(tmp_path, NAMES, addresses, now)) == first
    moved, _ = certificates.own(tmp_path, NAMES, (*ADDRESSES, "10.0.0.9"), now)
    named = certificate(moved).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("10.0.0.9") in named.get_values_for_type(x509.IPAddress)
    again = certificates.look(*certificates.own(tmp_path, (*NAMES, "new-name"), ADDRESSES, now))
    assert again.pin == first.pin
    odd = certificates.own(tmp_path, ("nöde", "a b", "*", "", "x" * 300, "-x", *NAMES), ADDRESSES, now)
    assert certificates.look(*odd).pin == first.pin


def test_files_that_cannot_be_used_are_said_in_one_line(tmp_path: Path) -> None:
    good = files(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    stranger = files(other)
    (tmp_path / "none.pem").write_text("no PEM at all")
    for cert, key, word in (
        (tmp_path / "missing.pem", good.key, "cannot read"), (good.cert, tmp_path / "missing.pem", "cannot read"),
        (tmp_path / "none.pem", good.key, "no certificate"), (good.cert, tmp_path / "none.pem", "no private key"),
        (good.cert, stranger.key, "is not the key of"), (tmp_path, good.key, "cannot read"),
    ):  # fmt: skip
        with pytest.raises(BadConfig, match=word):
            Tls(TlsFiles(cert, key), tmp_path, "rig-1")
    locked = files(other, secrecy=BestAvailableEncryption(b"secret"))
    with pytest.raises(BadConfig, match="passphrase"):  # and nobody is asked for it on the terminal
        Tls(locked, tmp_path, "rig-1")
    with pytest.raises(BadConfig, match="cannot keep the certificate"):
        Tls(None, tmp_path / "missing", "rig-1")


def test_an_expired_one_is_served_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Tls(files(tmp_path, ends=time.time() + DAY), tmp_path, "rig-1")
    assert "expired" not in caplog.text
    Tls(files(tmp_path, ends=time.time() - DAY), tmp_path, "rig-1")
    assert caplog.text.count("expired") == 1


async def test_files_that_change_are_taken_over_and_bad_ones_are_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    served = Tls(files(tmp_path), tmp_path, "rig-1")
    first = served.current()
    await served.beat()
    assert (served.current(), caplog.text) == (first, "")
    (tmp_path / "key.pem").write_text("half writ")
    await served.beat()
    await served.beat()
    assert served.current() == first
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    files(tmp_path, rsa.generate_private_key(65537, 2048))
    await served.beat()
    assert served.current().pin != first.pin
    assert "can be read again" in caplog.text
    assert served.current().fingerprint in caplog.text


def test_the_own_one_is_made_out_to_the_names_that_were_given_too(tmp_path: Path) -> None:
    first = Tls(None, tmp_path, "rig-1").current()
    second = Tls(None, tmp_path, "rig-1", names=("hive.example.com",)).current()
    cert = x509.load_pem_x509_certificate((tmp_path / certificates.CERT_NAME).read_bytes())
    alternative = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"hive.example.com", "rig-1", "localhost"} <= set(alternative.get_values_for_type(x509.DNSName))
    assert (second.pin, second.fingerprint != first.fingerprint) == (first.pin, True)


async def test_the_own_one_is_renewed_by_the_beat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    served = Tls(None, tmp_path, "rig-1", clock)
    first = served.current()
    await served.beat()
    assert served.current() == first
    monkeypatch.setattr(tls, "own_addresses", lambda: iter(("127.0.0.1", "10.9.9.9")))
    await served.beat()
    second = served.current()
    assert (second.pin, second.fingerprint != first.fingerprint) == (first.pin, True)
    clock.advance(300 * DAY)
    await served.beat()
    assert served.current().ends_at > second.ends_at
