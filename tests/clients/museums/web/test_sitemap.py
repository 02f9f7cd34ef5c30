"""Sitemaps: what they name, how deep, how large, how packed; and which URLs belong to a source."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.museums.web import sitemap
from hived.clients.museums.web.scope import Scope, is_sitemap
from hived.clients.museums.web.sitemap import moment, parse_sitemap
from hived.errors import Unreadable
from tests.clients.museums.museum import sample


def anything(url: str, _is_index: bool) -> str:
    return url


def urlset(*entries: str) -> bytes:
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(entries)}</urlset>'.encode()


def test_the_samples_are_read() -> None:
    index = parse_sitemap(sample("sitemap_2.xml"), anything)
    assert (index.is_index, index.urls) == (
        True,
        ["http://www.example.com/sitemap1.xml.gz", "http://www.example.com/sitemap2.xml.gz"],
    )
    packed = parse_sitemap(sample("sitemap.xml.gz"), anything)
    plain = parse_sitemap(sample("sitemap_urlset.xml"), anything)
    assert not packed.is_index
    assert packed.urls == plain.urls
    assert plain.urls[:2] == ["https://www.sitemaps.org/", "https://www.sitemaps.org/protocol.html"]


def test_entries_that_did_not_change_since_are_left_out_where_they_say_so() -> None:
    body = urlset(
        "<url><loc>https://x.example/old</loc><lastmod>2024-01-01</lastmod></url>",
        "<url><loc>https://x.example/new</loc><lastmod>2026-06-01T10:00:00Z</lastmod></url>",
        "<url><loc>https://x.example/silent</loc></url>",
        "<url><loc>https://x.example/odd</loc><lastmod>yesterday</lastmod></url>",
    )
    since = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert parse_sitemap(body, anything, since).urls == [
        "https://x.example/new",
        "https://x.example/silent",
        "https://x.example/odd",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"<urlset>",
        b"not xml",
        b"\x1f\x8bnot gzip",
        gzip.compress(urlset())[:-9],
        b'<!DOCTYPE x [<!ENTITY a "b">]><urlset>&a;</urlset>',
        b'<!DOCTYPE urlset SYSTEM "http://127.0.0.1/x.dtd"><urlset/>',
        b'<?xml version="1.0" encoding="no-such"?><urlset/>',
        b"<a>" * 1000,
    ],
    ids=range(10),
)
def test_what_is_no_sitemap_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_sitemap(body, anything)


def test_a_packed_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MAX_UNPACKED", 1 << 20)
    bomb = gzip.compress(urlset("<url><loc>https://x.example/1</loc></url>", " " * (2 << 20)))
    assert len(bomb) < 4000
    with pytest.raises(Unreadable, match="monstrous"):
        parse_sitemap(bomb, anything)


def test_no_more_entries_are_taken_than_a_sitemap_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MAX_ENTRIES", 3)
    body = urlset(*(f"<url><loc>https://x.example/{i}</loc></url>" for i in range(9)))
    assert len(parse_sitemap(body, anything).urls) == 3


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200) | st.tuples(st.integers(0, 8000), st.binary(max_size=6)).map(lambda cut: _damaged(*cut)))
def test_no_bytes_get_past_the_sitemap_parser(body: bytes) -> None:
    try:
        parse_sitemap(body, anything)
    except Unreadable:
        return


def _damaged(at: int, put: bytes) -> bytes:
    body = sample("sitemap_urlset.xml")
    return body[:at] + put + body[at + len(put) :]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2026-01-01", 1_767_312_000.0),
        ("2026-01-01T00:00:00Z", 1_767_225_600.0),
        ("2026", None),
        ("x", None),
        (None, None),
        ("9999-12-31T23:59:59+00:00", 253_402_300_799.0),
    ],
)
def test_a_w3c_date_is_a_moment_or_nothing(told: object, expected: float | None) -> None:
    assert moment(told) == expected


@pytest.mark.parametrize(
    ("base", "url", "expected"),
    [
        ("https://m.example/objects/", "https://m.example/objects/1", "https://m.example/objects/1"),
        ("https://m.example/objects/", "https://M.example:443/objects/1?utm_source=x#y", "https://m.example/objects/1"),
        ("https://m.example/objects/", "http://m.example/objects/1", "https://m.example/objects/1"),
        ("https://m.example/objects/", "https://m.example/objects", None),
        ("https://m.example/objects/", "https://m.example/objects/../admin", None),
        ("https://m.example/objects/", "https://m.example/shop/1", None),
        ("https://m.example/objects/", "https://www.m.example/objects/1", None),
        ("https://m.example/objects/", "https://m.example.evil.example/objects/1", None),
        ("https://m.example/objects/", "https://m.example:8080/objects/1", None),
        ("https://m.example/objects/", "https://user@m.example/objects/1", None),
        ("https://m.example/objects/", "https://m.example/objects/1.jpg", None),
        ("https://m.example/objects/", "https://m.example/objects/a/a/a/", None),
        ("https://m.example/objects/", "https://m.example/objects/?day=12", None),
        ("https://m.example/objects/", "https://m.example/objects/?a=1&b=2&c=3&d=4&e=5", None),
        ("https://m.example/objects/", "https://m.example/objects/" + "x/" * 300, None),
        ("https://m.example/objects/", "javascript:alert(1)", None),
        ("https://m.example/one", "https://m.example/one", "https://m.example/one"),
        ("https://m.example/one", "https://m.example/one/two", None),
        ("https://m.example/maps/s.xml", "https://m.example/objects/1", "https://m.example/objects/1"),
        ("http://m.example/", "https://m.example/objects/1", None),
    ],
)
def test_a_source_keeps_to_its_host_and_path(base: str, url: str, expected: str | None) -> None:
    assert Scope.of(base).accepted(url) == expected


def test_a_sitemap_is_told_by_its_name() -> None:
    paths = ("/sitemap.xml", "/a/b.xml.gz", "/", "/xml", "/a.xml/")
    assert [is_sitemap(f"https://m.example{path}") for path in paths] == [
        True,
        True,
        False,
        False,
        False,
    ]
