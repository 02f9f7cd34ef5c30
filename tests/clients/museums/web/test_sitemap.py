"""Sitemaps: what they name, how deep, how large, how packed; and which URLs belong to a source."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.museums.web import sitemap
from hived.clients.museums.web.scope import Scope, is_sitemap
from hived.clients.museums.web.sitemap import Sitemap, moment, parse_sitemap
from hived.errors import Unreadable
from tests.clients.museums.museum import sample

HERE = "https://x.example/maps/sitemap.xml"


def anything(url: str, _is_sitemap: bool) -> str:
    return url


def read(body: bytes, since: float | None = None) -> Sitemap:
    return parse_sitemap(body, HERE, anything, since)


def pages(body: bytes, since: float | None = None) -> list[str]:
    return [url for url, is_sitemap in read(body, since).entries if not is_sitemap]


def urlset(*entries: str) -> bytes:
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(entries)}</urlset>'.encode()


def test_the_samples_are_read() -> None:
    assert read(sample("sitemap_2.xml")).entries == [
        ("http://www.example.com/sitemap1.xml.gz", True), ("http://www.example.com/sitemap2.xml.gz", True),
    ]  # fmt: skip
    packed, plain = read(sample("sitemap.xml.gz")), read(sample("sitemap_urlset.xml"))
    assert packed == plain
    assert pages(sample("sitemap_urlset.xml"))[:2] == [
        "https://www.sitemaps.org/", "https://www.sitemaps.org/protocol.html",
    ]  # fmt: skip
    assert plain.flaw is None


def test_entries_that_did_not_change_since_are_left_out_where_they_say_so() -> None:
    body = urlset(
        "<url><loc>https://x.example/old</loc><lastmod>2024-01-01</lastmod></url>",
        "<url><loc>https://x.example/new</loc><lastmod>2026-06-01T10:00:00Z</lastmod></url>",
        "<url><loc>https://x.example/silent</loc></url>",
        "<url><loc>https://x.example/odd</loc><lastmod>yesterday</lastmod></url>",
    )
    since = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert pages(body, since) == [
        "https://x.example/new",
        "https://x.example/silent",
        "https://x.example/odd",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"not xml",
        b"\x1f\x8bnot gzip",
        b'<!DOCTYPE x [<!ENTITY a "b">]><urlset>&a;</urlset>',
        b"<a>" * 1000,
        b"https:/x.example/one-slash",
    ],
    ids=range(7),
)
def test_what_is_no_sitemap_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)


LOC = "<url><loc>https://x.example/{}</loc></url>"
THREE = urlset(*map(LOC.format, range(3)))
ALL = [f"https://x.example/{i}" for i in range(3)]
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>'


@pytest.mark.parametrize(
    "body",
    [
        b" \n" + HEAD + THREE,
        b"\xef\xbb\xbf\n" + HEAD + THREE,
        HEAD + THREE + b"<script>track()</script>",
        HEAD + THREE + b"<!-- cached in 0.1 s -- by Cache & Co -->",
        HEAD + THREE + b"Notice: undefined index in /var/www/map.php",
        b"<!DOCTYPE urlset>" + THREE,
        b'<!DOCTYPE urlset SYSTEM "http://127.0.0.1/x.dtd">' + THREE,
        b'<?xml version="1.0" encoding="no-such"?>' + THREE,
        THREE.replace(b"</url>", b"<image:image><image:loc>https://x.example/p.jpg</image:loc></image:image></url>", 1),
        THREE.replace(b"/1<", b"/1<!-- & --><"),
        THREE.replace(b"https://x.example/1", b"<![CDATA[https://x.example/1]]>").replace(b"<url>", b"\x0b<url>", 1),
        THREE.replace(b"/1<", b"\x0b/1\x00<"),
        b"https://x.example/0\nhttps://x.example/1\r\n\n https://x.example/2 \n",
        b"\xef\xbb\xbfhttps://x.example/0\nhttps://x.example/1\nhttps://x.example/2",
        gzip.compress("\n".join(ALL).encode()),
        gzip.compress(THREE)[:-8],
        THREE.decode().encode("utf-16"),
        THREE.replace(b"https://x.example/", b"/").replace(b"<loc>/0", b"<loc>../0"),
    ],
    ids=range(18),
)
def test_a_flaw_around_the_addresses_costs_none_of_them(body: bytes) -> None:
    found = read(body)
    assert [url for url, _ in found.entries] == ALL
    assert found.flaw is None


@pytest.mark.parametrize(
    ("spoilt", "url"),
    [
        ("https://x.example/?a=1&b=2", "https://x.example/?a=1&b=2"),
        ("https://x.example/?a=1&amp;b=2&c", "https://x.example/?a=1&b=2&c"),
        ("<![CDATA[https://x.example/?a=1&b=2]]>\x0b", "https://x.example/?a=1&b=2"),
        ("https://x.example/S&eacute;vres", "https://x.example/S%C3%A9vres"),
        ("https://x.example/&Acirc;", "https://x.example/%C3%82"),
        ("https://x.example/&nosuch;", "https://x.example/&nosuch;"),
        ("https://x.example/&#x1a;&#65;&#xFFFE;&#9999999;", "https://x.example/A"),
    ],
)
def test_an_address_is_read_as_it_was_meant(spoilt: str, url: str) -> None:
    body = urlset(LOC.format(0), f"<url><loc>{spoilt}</loc></url>", LOC.format(2)).decode()
    if "&" not in spoilt.replace("&amp;", ""):
        body += "&"
    assert pages(body.encode()) == [ALL[0], url, ALL[2]]


@pytest.mark.parametrize("codec", ["cp1252", "utf-8"])
def test_bytes_that_are_no_utf_8_cost_no_address(codec: str) -> None:
    body = urlset(LOC.format(0), "<url><loc>https://x.example/Vase-émaillé</loc></url>", LOC.format(2))
    found = pages(HEAD + body.decode().encode(codec))
    assert found == [ALL[0], "https://x.example/Vase-%C3%A9maill%C3%A9", ALL[2]]


@pytest.mark.parametrize(
    "bad",
    [
        "<url><loc>https://x.example/bad</loc>", "<url><loc>https://x.example/bad</lok></url>", "<url><loc><b></url>",
        "<url a=b><loc>https://x.example/bad</loc></url>", "<url><a a='1' a='2'/></url>", "<url></loc></url>",
        "<url>" + "<a>" * 100 + "</a>" * 100 + "</url>", "<url><",
    ],
    ids=range(8),
)  # fmt: skip
@pytest.mark.parametrize("at", range(4))
def test_an_entry_that_is_broken_costs_itself(bad: str, at: int) -> None:
    entries = [LOC.format(i) for i in range(3)]
    found = read(urlset(*entries[:at], bad, *entries[at:]))
    assert [url for url, _ in found.entries] == ALL
    assert found.flaw is not None
    assert "1 of 4 entries" in found.flaw


@pytest.mark.parametrize("cut", [-9, -12, -50])
def test_what_came_before_the_cut_is_kept(cut: int) -> None:
    found = read(THREE[:cut])
    assert [url for url, _ in found.entries] in (ALL, ALL[:2])
    assert found.flaw
    packed = gzip.compress(b"".join(LOC.format(i).encode() for i in range(9000)).join([b"<urlset>", b"</urlset>"]))
    half = read(packed[: len(packed) // 2])
    assert 1000 < len(half.entries) < 9000
    assert half.flaw


def test_addresses_and_sitemaps_are_what_their_entry_says() -> None:
    mixed = read(b"<sitemapindex><url><loc>/o/1</loc></url><sitemap><loc>/2.xml</loc></sitemap></sitemapindex>")
    assert mixed.entries == [("https://x.example/o/1", False), ("https://x.example/2.xml", True)]
    assert pages(urlset("<url><loc>/a</loc><loc>/b</loc><lastmod>2026</lastmod></url>")) == [
        "https://x.example/a", "https://x.example/b",
    ]  # fmt: skip


@given(st.lists(st.sampled_from(["<", "&", "\x03", "]]>", "<!--", "<![CDATA[", "<?xml?>", "é", "</url>"]), max_size=4))
def test_whatever_stands_in_one_entry_the_entries_after_it_are_read(flaws: list[str]) -> None:
    body = urlset(LOC.format(0), f"<url><loc>{''.join(flaws)}</loc></url>", *map(LOC.format, (1, 2)))
    swallows = any(mark in flaws for mark in ("<!--", "<![CDATA["))
    found = pages(body)
    assert found[0] == ALL[0]
    assert swallows or found[-2:] == ALL[1:]


def test_a_packed_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MAX_UNPACKED", 1 << 20)
    bomb = gzip.compress(urlset("<url><loc>https://x.example/1</loc></url>", " " * (2 << 20)))
    assert len(bomb) < 4000
    found = read(bomb)
    assert [url for url, _ in found.entries] == ["https://x.example/1"]
    assert found.flaw


def test_no_more_entries_are_taken_than_a_sitemap_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MAX_ENTRIES", 3)
    body = urlset(*(f"<url><loc>https://x.example/{i}</loc></url>" for i in range(9)))
    assert len(pages(body)) == 3


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200) | st.tuples(st.integers(0, 8000), st.binary(max_size=6)).map(lambda cut: _damaged(*cut)))
def test_no_bytes_get_past_the_sitemap_parser(body: bytes) -> None:
    try:
        read(body)
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
        ("https://m.example/objects/", "https://www.m.example/objects/1", "https://m.example/objects/1"),
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
        ("http://m.example/", "https://m.example/objects/1", "https://m.example/objects/1"),
        ("http://m.example/", "https://www.m.example/objects/1", "https://m.example/objects/1"),
        ("https://www.m.example/", "http://m.example/1", "https://www.m.example/1"),
        ("http://m.example:8080/", "http://m.example:8080/1", "http://m.example:8080/1"),
        ("http://m.example:8080/", "https://m.example/1", None),
        ("https://m.example/", "https://ww2.m.example/1", None),
    ],
)
def test_a_source_keeps_to_its_host_and_path(base: str, url: str, expected: str | None) -> None:
    assert Scope.of(base).accepted(url) == expected


@pytest.mark.parametrize(
    ("base", "led_to", "url", "expected"),
    [
        ("https://m.example/", "https://www.m.example/", "https://m.example/1", "https://www.m.example/1"),
        ("http://m.example/", "https://m.example/de/", "http://m.example/1", "https://m.example/1"),
        ("http://m.example/o/", "https://www.m.example/o/", "http://www.m.example/o/1", "https://www.m.example/o/1"),
        ("http://m.example/o/", "https://www.m.example/o/", "http://www.m.example/p/1", None),
        ("https://m.example/", "https://evil.example/", "https://m.example/1", "https://m.example/1"),
        ("https://m.example/", "https://evil.example/", "https://evil.example/1", None),
    ],
)
def test_pages_are_asked_for_where_the_site_is_at_home(base: str, led_to: str, url: str, expected: str | None) -> None:
    assert Scope.of(base, led_to).accepted(url) == expected


def test_a_sitemap_is_told_by_its_name() -> None:
    paths = ("/sitemap.xml", "/a/b.xml.gz", "/", "/xml", "/a.xml/")
    assert [is_sitemap(f"https://m.example{path}") for path in paths] == [
        True,
        True,
        False,
        False,
        False,
    ]
