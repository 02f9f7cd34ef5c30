"""No URL that a stranger wrote leads where it must not: asked for directly, or as the target of a redirect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from hived.clients.fetch import Fetcher, shown, urls
from hived.errors import Blocked
from tests.clients.fetch.outside import Outside

# Names that resolve, and to what: the look-up is part of the trap.
NAMES = {
    "loop.museum.test": ["127.0.0.1"],
    "ten.museum.test": ["10.0.0.1"],
    "cloud.museum.test": ["169.254.169.254"],
    "shared.museum.test": ["100.64.0.1"],
    "zero.museum.test": ["0.0.0.0"],
    "six.museum.test": ["::1"],
    "ula.museum.test": ["fd00::1"],
    "linklocal.museum.test": ["fe80::1%eth0"],
    "mapped.museum.test": ["::ffff:192.168.1.1"],
    "nat64.museum.test": ["64:ff9b::7f00:1"],
    "sixtofour.museum.test": ["2002:7f00:1::1"],
    "mixed.museum.test": ["93.184.216.34", "10.0.0.1"],
    "late.museum.test": ["93.184.216.34", "93.184.216.35", "127.0.0.1"],
    "many.museum.test": [f"93.184.216.{i}" for i in range(65)],
    "odd.museum.test": ["127.1"],
    "127.0.0.1.nip.test": ["127.0.0.1"],
}  # good.museum.test has no address: what is wrong with a URL must be seen before it is looked up
ADDRESSES = [
    *("http://127.0.0.1/", "http://127.0.0.1:22/", "https://127.0.0.1/", "http://127.1.2.3/", "http://0.0.0.0/"),
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/admin", "http://169.254.169.254/latest/meta-data/"),
    *(
        "http://100.64.0.1/",
        "http://192.88.99.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://198.18.0.1/",
    ),
    *("http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[fe80::1]/", "http://[fd00::1]/"),
    *("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::FFFF:10.0.0.1]/", "http://[::127.0.0.1]/"),
    *("http://[64:ff9b::10.0.0.1]/", "http://[64:ff9b:1::a00:1]/", "http://[2002:7f00:1::]/", "http://[ff02::1]/"),
    *("http://[2001:0:808:808::f5ff:fffe]/", "http://[2606:2800::5efe:10.0.0.1]/", "http://[::ffff:0:127.0.0.1]/"),
]
SPELLINGS = [
    *("http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.1/"),
    *("http://127.0.1/", "http://017700000001/", "http://127.0.0.1./", "http://127.0.0.01/", "http://0/", "http://0x/"),
    *("http://127.0.0.0x1/", "http://3232235777/", "http://1.1.1/", "http://256.256.256.256/", "http://a.b.0x7f/"),
    *("http://127。0。0。1/", "http://１２７.０.０.１/", "http://①②⑦.0.0.1/", "http://ⓛocalhost.museum.test/"),
    *(
        "http://ｌoop.museum.test/",
        "http://loop。museum.test/",
        "http://xn--loop-.museum.test/",
        "http://xn--.test/",
        "http://xn--99999999.museum.test/",
    ),
    *("http://%31%32%37.0.0.1/", "http://loop%2emuseum.test/", "http://127.0.0.1%2f@good.museum.test/"),
    *("http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1%251]/", "http://[127.0.0.1]/", "http://[::1/"),
    *("http://[v1.fe80]/", "http://[::1]x/", "http://good.museum.test./", "http://good..museum.test/"),
]
NAMED = [
    *("http://localhost/", "http://LOCALHOST/", "http://nas/", "http://printer.local/", "http://db.internal/"),
    *("http://router.lan/", "http://x.home.arpa/", "http://a.localhost/", "http://host.localdomain/", "http://x.corp/"),
    *(f"http://{name}/" for name in NAMES),
]
PARTS = [
    *("http://good.museum.test@127.0.0.1/", "http://user:pass@good.museum.test/", "http://@good.museum.test/"),
    *("http://127.0.0.1\\@good.museum.test/", "http://good.museum.test\\.evil.test/", "http:// 127.0.0.1/"),
    *("http://127.0.0.1\t/", "http://127.0.0.1\r\n/", "http://good.museum.test/\x00", "http://go\u2028od.test/"),
    *("http://good.museum.test:22/", "http://good.museum.test:6379/", "https://good.museum.test:8443/"),
    *("http://good.museum.test:0/", "http://good.museum.test:65616/", "http://good.museum.test:٨٠/"),
    *("http://good.museum.test:-80/", "http://good.museum.test:80:80/", "http://good.museum.test:0x50/"),
    *("file:///etc/passwd", "ftp://good.museum.test/", "gopher://127.0.0.1:70/_", "javascript:alert(1)"),
    *("data:text/html,x", "unix:///run/x.sock", "ws://good.museum.test/", "http+unix://x/", "jar:http://x/!/"),
    *("http:127.0.0.1/", "http:/127.0.0.1/", "http:///127.0.0.1/", "http://", "http://?x", "http://#x", "http://:80/"),
    *("http://a" + "b" * 63 + ".test/", "http://" + "a." * 127 + "test/", "http://good.museum.test/" + "a" * 5000),
    *("http://ex ample.test/", "http://<script>.test/", "http://-bad-.test/", "http://good\ud800.test/"),
]
HOSTILE = ADDRESSES + SPELLINGS + NAMED + PARTS
ONLY_REDIRECTS = [
    *("//127.0.0.1/", "//[::1]/", "//localhost/", "//good.museum.test@127.0.0.1/", "///127.0.0.1/", "/\\127.0.0.1/"),
    *("\\\\127.0.0.1\\x", "\\/127.0.0.1", "http:\\\\127.0.0.1\\", "HTTP://LOCALHOST/", "  http://10.0.0.1/"),
    *(
        "https:/127.0.0.1",
        "mailto:a@b.test",
        "//%6cocalhost/",
        "//127.1",
        "//2130706433",
        "about:blank",
        "/a\tb",
        "?a\tb",
    ),
]


def test_the_table_is_long_enough_to_be_worth_its_name() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
async def test_a_hostile_url_is_never_asked(url: str, outside: Outside, fetcher: Fetcher) -> None:
    for name, answers in NAMES.items():
        outside.names.set(name, answers)
    with pytest.raises(Blocked):
        await fetcher.get(url)
    assert outside.site.connections == 0


def _as_location(url: str) -> str:
    """Return what of a URL a server can send in a header at all."""
    return url.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "").replace("\x00", "\x01")


@pytest.mark.parametrize("url", HOSTILE + ONLY_REDIRECTS, ids=ascii)
async def test_a_redirect_to_a_hostile_url_is_not_followed(url: str, outside: Outside, fetcher: Fetcher) -> None:
    for name, answers in NAMES.items():
        outside.names.set(name, answers)
    if url.startswith("http://127.0.0.1\t"):
        url = "http://127.0.0.1\t./"  # white space at the end is no part of a header
    outside.redirects("/first", "/second", 301)
    outside.redirects("/second", _as_location(url), 307)
    with pytest.raises(Blocked):
        await fetcher.get(outside.url("/first"))
    assert outside.site.calls() == ["GET /first", "GET /second"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://user@good.museum.test/", "a user name"),
        ("http://good%2emuseum.test/", "an encoded host"),
        ("http://good.museum.test\\@x/", "a backslash|a user name"),
        ("http://good.museum.test\\x/", "a backslash"),
        ("http://good. museum.test/", "a space in its host"),
        ("http://good.museum.test./", "a dot at its end"),
        ("http://2130706433/", "four decimal numbers"),
        ("http://１２７.0.0.1/", "look-alike"),
        ("http://good.museum.test:22/", "only 80 and 443"),
        ("http://nas/", "a local network"),
        ("http://10.0.0.1/", r"10\.0\.0\.1, a private network"),
        ("http://good.museum.test/\n", "control characters"),
        ("file:///etc/passwd", "only http"),
    ],
)
async def test_the_reason_of_a_refusal_is_told(url: str, why: str, fetcher: Fetcher) -> None:
    with pytest.raises(Blocked, match=why):
        await fetcher.get(url)


GOOD = [
    ("http://good.museum.test", "http://good.museum.test/"),
    ("HTTPS://Good.Museum.Test:443/A?b=C#d", "https://good.museum.test/A?b=C"),
    ("http://good.museum.test:80/", "http://good.museum.test/"),
    ("http://münchner-museum.test/ä", "http://xn--mnchner-museum-gsb.test/%C3%A4"),
    ("http://xn--mnchner-museum-gsb.test/", "http://xn--mnchner-museum-gsb.test/"),
    ("http://8.8.8.8/", "http://8.8.8.8/"),
    ("http://[2606:2800:220:1::1]/", "http://[2606:2800:220:1::1]/"),
    ("http://a_b.museum.test/x@y:z", "http://a_b.museum.test/x@y:z"),
    ("http://123.museum.test/", "http://123.museum.test/"),
]


@pytest.mark.parametrize(("raw", "read"), GOOD)
def test_an_honest_url_is_read_as_it_is_meant(raw: str, read: str) -> None:
    assert str(urls.parse(raw)) == read


@given(st.text(max_size=60) | st.from_regex(r"\Ahttps?://[^/]{0,30}/?.{0,20}\Z"))
def test_whatever_is_given_as_a_url_is_read_or_blocked(raw: str) -> None:
    for is_location in (False, True):
        try:
            url = urls.parse(urls.next_hop(URL("http://good.museum.test/a/b?c"), raw) if is_location else raw)
        except Blocked:
            continue
        assert url.scheme in ("http", "https")
        assert url.raw_host
        assert str(url).isascii()
        assert urls.parse(str(url)) == url, "a URL that was read is read the same way again"


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://api.test/objects?api_key=SECRET&q=a", "https://api.test/objects?..."),
        ("https://me:SECRET@api.test/x", "https://api.test/x"),
        ("https://api.test/x#SECRET", "https://api.test/x"),
        ("https://api.test/\x1b[31mred\u202e", "https://api.test/?[31mred?"),
        ("https://api.test/" + "a" * 500, "https://api.test/" + "a" * 183 + "..."),
        ("no url at all", "no url at all"),
    ],
)
def test_what_is_shown_of_a_url_holds_no_secret(url: str, plain: str) -> None:
    assert shown(url) == plain
