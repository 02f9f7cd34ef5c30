"""What people type to let a node join: read as it was meant, or not at all."""

from __future__ import annotations

import re

import pytest

from hived.records import enrolling
from hived.records.enrolling import EnrollCode, MasterUrl, master_url, same_place
from hived.records.untrusted import BadValue

KEY = "00ff" * 16


def test_a_code_carries_80_bits_of_the_masters_key_and_can_be_typed() -> None:
    code = EnrollCode.new(KEY)
    assert code.key == KEY[:20]
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){5}", code.text)
    assert len(code.text) <= 40, "0.1.0 takes no longer ones"
    typed = code.text[:9] + code.text[9:].replace("0", "o").replace("1", "l")
    for each in (code.text, code.text.lower(), code.text.replace("-", " "), f" {typed} "):
        assert EnrollCode.read(each) == code
        assert enrolling.opens(each) == code.opens
    assert repr(code).count(code.opens) == 0


@pytest.mark.parametrize("key", ["0" * 64, "f" * 64, "0123456789abcdef" * 4, "80" * 32])
def test_every_key_comes_back(key: str) -> None:
    assert EnrollCode.read(EnrollCode.new(key).text).key == key[:20]


def test_a_code_without_a_key_is_as_0_1_0_makes_them() -> None:
    code = EnrollCode.new(None)
    assert re.fullmatch(r"[B-Z2-9]{4}-[B-Z2-9]{4}", code.text)
    assert EnrollCode.read(code.text) == code


@pytest.mark.parametrize("typed", ["", "KJ7M", "KJ7M-X2P", "KJ7M-X2PQ-AAAA", "KJ7M-X2PQ-UUUU-0000-0000-0000", "ä" * 24])
def test_half_a_code_is_none(typed: str) -> None:
    with pytest.raises(BadValue):
        EnrollCode.read(typed)


def test_a_phrase_is_no_code_however_it_is_typed() -> None:
    assert all(map(enrolling.is_phrase, ("fonuv-juron-fanuj-kikuk", " FONUV juron  fanuj-Kikuk ")))
    assert not any(map(enrolling.is_phrase, ("KJ7M-X2PQ", "fonuv-juron-fanuj", "fonuv-juron-fanuj-kiku7", "")))


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("auto", MasterUrl("auto")), ("http://a:80/", MasterUrl("http://a:80")),
        ("https://u:p@a/#sha256:" + "AB" * 32, MasterUrl("https://a", "ab" * 32)),
        ("https://[::1]:8080#sha256:" + "0" * 64, MasterUrl("https://[::1]:8080", "0" * 64)),
    ],
)  # fmt: skip
def test_a_url_says_where_and_with_which_key(written: str, url: MasterUrl) -> None:
    assert master_url(written) == url


@pytest.mark.parametrize("written", ["http://a#sha256:" + "0" * 64, "https://a#sha256:0", "https://a#x", "https://a##"])
def test_a_url_with_half_a_key_is_none(written: str) -> None:
    with pytest.raises(BadValue):
        master_url(written)


def test_a_place_is_the_same_with_tls_and_without() -> None:
    assert same_place("http://Box:8080", "https://box:8080/")
    assert not same_place("http://box:8080", "http://box:8081")
    assert not same_place(None, None)
