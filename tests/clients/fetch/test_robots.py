"""What robots.txt allows, for every status and for real files; what headers and meta tags order."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.fetch import Orders, RobotsRules, orders
from hived.clients.fetch.robots import MAX_BYTES

SAMPLES = Path(__file__).with_name("robots")
SITE = "https://museum.test"


def rules(text: str | bytes, content_type: str = "text/plain") -> RobotsRules:
    return RobotsRules.parse(200, content_type, text.encode() if isinstance(text, str) else text)


def sample(name: str) -> RobotsRules:
    return rules((SAMPLES / f"robots_{name}.txt").read_bytes())


@pytest.mark.parametrize(
    ("name", "path", "allowed"),
    [
        ("metmuseum", "/art/collection/search/45734", True),
        ("metmuseum", "/api/collection", False),  # of the last group, after a byte order mark and 30 others
        ("metmuseum", "/sitecore%20modules/x", False),
        ("metmuseum", "/", True),
        ("artic", "/press/art-institute-images/a", False),
        ("artic", "/artworks/27992", True),
        ("loc_gov", "/item/1", True),
        ("loc_gov", "/pictures/search/?q=a", False),
        ("wikipedia", "/wiki/Amphora", True),
        ("wikipedia", "/w/index.php?title=Amphora", False),
        ("wikipedia", "/w/api.php?action=mobileview&page=a", True),
        ("wikipedia", "/w/api.php?action=query", False),
        ("wikipedia", "/wiki/Wikipedia:Editor_review", False),
        ("wikipedia", "/wiki/Wikipedia%3aEditor_review/x", False),
        ("wikipedia", "/trap/", False),
    ],
)
def test_real_files_are_read_right(name: str, path: str, allowed: bool) -> None:
    found = sample(name)
    assert found.state == "rules"
    assert found.allowed(f"https://x.test{path}") is allowed


def test_delay_and_sitemaps_of_real_files_are_read() -> None:
    assert sample("loc_gov").crawl_delay_s == 5.0
    assert sample("loc_gov").sitemaps == ("https://www.loc.gov/sitemap.xml",)
    assert sample("metmuseum").crawl_delay_s is None, "the delay of 10 s is for another robot"


@pytest.mark.parametrize(
    ("status", "state", "allowed"),
    [
        (200, "rules", True),
        (204, "rules", True),
        (302, "unavailable", True),  # more redirects than are followed
        (400, "unavailable", True),
        (404, "unavailable", True),
        (410, "unavailable", True),
        (401, "paused", False),
        (403, "paused", False),
        (429, "paused", False),
        (500, "unreachable", False),
        (503, "unreachable", False),
        (None, "unreachable", False),
        (100, "unreachable", False),
    ],
)
def test_a_status_decides_before_any_rule_is_read(status: int | None, state: str, allowed: bool) -> None:
    found = RobotsRules.parse(status, "text/plain", b"" if status != 200 else b"User-agent: *\nAllow: /")
    assert found.state == state
    assert found.allowed(f"{SITE}/a") is allowed
    assert found.allowed(f"{SITE}/robots.txt"), "robots.txt itself may always be fetched"


@pytest.mark.parametrize("status", [500, 503, None])
def test_the_last_good_rules_go_on_when_the_site_cannot_be_reached(status: int | None) -> None:
    good = rules("User-agent: *\nDisallow: /private\nCrawl-delay: 3")
    now = RobotsRules.parse(status, "", b"", last_good=good)
    assert (now.state, now.crawl_delay_s) == ("rules", 3.0)
    assert now.allowed(f"{SITE}/a")
    assert not now.allowed(f"{SITE}/private")
    assert now.note is not None
    assert "go on" in now.note


def test_there_are_no_good_rules_in_a_file_that_could_not_be_read() -> None:
    for bad in (RobotsRules.parse(404, "", b""), RobotsRules.parse(403, "", b""), RobotsRules.parse(500, "", b"")):
        assert not RobotsRules.parse(500, "", b"", last_good=bad).allowed(f"{SITE}/a")
    assert not RobotsRules.parse(403, "", b"", last_good=rules("")).allowed(f"{SITE}/a")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"<!doctype html><title>Not found</title>"),
        ("text/html; charset=utf-8", b"\n <html>"),
        ("text/plain", b"<!DOCTYPE html>"),
        ("", b"\xef\xbb\xbf<html>User-agent: *\nDisallow: /"),
        ("application/xml", b"<?xml version='1.0'?><Error/>"),
        ("text/html", b""),
    ],
)
def test_a_page_in_place_of_the_file_allows_but_says_so(content_type: str, body: bytes) -> None:
    found = rules(body, content_type)
    assert found.state == "unavailable"
    assert found.allowed(f"{SITE}/a")
    assert found.note is not None
    assert "in place of robots.txt" in found.note


def test_a_real_file_with_the_type_of_a_page_is_obeyed() -> None:
    assert not rules("User-agent: *\nDisallow: /", "text/html").allowed(f"{SITE}/a")


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /", "", False),
        ("User-agent: *\nDisallow: /", "?a", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("", "/a", True),
        ("Disallow: /", "/a", True),  # for nobody
        ("user-agent: HIVE-MINERD\ndisallow: /a", "/a", False),
        ("User-agent: hive-minerd/2.0 (x)\nDisallow: /a", "/a", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: hive-minerd\nAllow: /", "/a", True),
        ("User-agent: hive-minerd\nDisallow: /a\n\nUser-agent: hive-minerd\nDisallow: /b", "/b", False),
        ("User-agent: hive-minerd\nDisallow: /a\n\nUser-agent: *\nDisallow: /b", "/b", True),
        ("User-agent: other\nUser-agent: hive-minerd\nDisallow: /a", "/a", False),
        ("User-agent: hive\nAllow: /\n\nUser-agent: *\nDisallow: /", "/a", False),  # another robot's name
        ("User-agent: h\nAllow: /\n\nUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: hive-minerd-images\nDisallow: /", "/a", True),
        ("User-agent: minerd\nDisallow: /", "/a", True),
        ("User-agent: x\nDisallow: /", "/a", True),
        ("User-agent: *bot*\nDisallow: /", "/a", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),  # a tie is for us
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf?x", True),
        ("User-agent: *\nDisallow: /*?", "/a?b", False),
        ("User-agent: *\nDisallow: /%61b", "/ab", False),
        ("User-agent: *\nDisallow: /ä", "/%C3%A4", False),
        ("User-agent: *\r\nDisallow: /a\r\rDisallow: /b", "/b", False),
        ("User-agent: * # all\nDisallow: /a # b", "/a", False),
        ("User-agent: *\nDisallow: /a\x0bAllow: /", "/a", True),  # no line ends there: the rule is for another path
        ("User-agent: *\x85Disallow: /", "/a", True),
        ("\ufeffUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\n\n\nSitemap: https://x.test/s\nDisallow: /a", "/a", False),
    ],
)
def test_rules_are_matched_as_rfc_9309_has_it(text: str, path: str, allowed: bool) -> None:
    assert rules(text).allowed(f"{SITE}{path}") is allowed


@pytest.mark.parametrize(
    ("lines", "delay_s"),
    [
        ("Crawl-delay: 10", 10.0),
        ("Crawl-delay: 0.5", 0.5),
        ("Crawl-delay: -1", None),
        ("Crawl-delay: nan", None),
        ("Crawl-delay: inf", None),
        ("Crawl-delay: 99999999", 86_400.0),
        ("Request-rate: 1/30", 30.0),
        ("Request-rate: 2/1m\nCrawl-delay: 5", 30.0),
        ("Request-rate: 0/5", None),
        ("", None),
    ],
)
def test_the_pace_that_a_site_wants_is_read(lines: str, delay_s: float | None) -> None:
    assert rules(f"User-agent: *\n{lines}\nDisallow: /x").crawl_delay_s == delay_s


def test_sitemaps_are_web_addresses_each_once_and_not_too_many() -> None:
    text = "\n".join(["Sitemap: file:///etc/passwd", "Sitemap: a.xml", "Sitemap: https://x.test/a b"])
    assert rules(text).sitemaps == ()
    assert rules("Sitemap: /a.xml").sitemaps == ("/a.xml",)
    assert rules("sitemap: https://x.test/1\nSitemap: https://x.test/1").sitemaps == ("https://x.test/1",)
    assert len(rules("\n".join(f"Sitemap: https://x.test/{i}" for i in range(500))).sitemaps) == 100


@pytest.mark.parametrize("fetched", [MAX_BYTES, MAX_BYTES + 100], ids=["cut by the fetcher", "whole"])
def test_no_more_than_500_kib_are_read_and_no_line_by_half(fetched: int) -> None:
    head = b"User-agent: *\nDisallow: /a\n"
    text = head + b"#" * (MAX_BYTES - len(head) - 13) + b"\nDisallow: /very/long/path\nDisallow: /b\n"
    found = rules(text[:fetched])
    assert not found.allowed(f"{SITE}/a")
    assert found.allowed(f"{SITE}/vase"), "the line of which only 'Disallow: /v' came is left out"
    assert found.allowed(f"{SITE}/b")
    assert found.note == "robots.txt is longer than what is read of it"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Orders()),
        (["index, follow"], Orders()),
        (["noindex"], Orders(noindex=True)),
        (["NoIndex , NOFOLLOW"], Orders(noindex=True, nofollow=True)),
        (["none"], Orders(noindex=True, nofollow=True)),
        (["noai"], Orders(noai=True, noimageai=True)),
        (["noimageai"], Orders(noimageai=True)),
        (["googlebot: noindex, noai"], Orders()),
        (["googlebot: noindex", "none"], Orders(noindex=True, nofollow=True)),
        (["hive-minerd: noindex"], Orders(noindex=True)),
        (["otherbot: nofollow, hive-minerd: noindex, noai"], Orders(noindex=True, noai=True, noimageai=True)),
        (["max-snippet:20, noindex"], Orders(noindex=True)),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST, noai"], Orders(noai=True, noimageai=True)),
        (["noindexed, nonesuch"], Orders()),
        (["\x00:\x00,:,::", "a" * 5000], Orders()),
    ],
)
def test_what_a_page_orders_of_robots_is_read(values: list[str], expected: Orders) -> None:
    assert orders(values) == expected


LINES = st.sampled_from(["User-agent: *", "User-agent: hive-minerd", "Disallow: /", "Allow: /a*b$", "Crawl-delay: 1e9"])


@given(st.binary(max_size=300) | st.lists(LINES | st.text(max_size=20)).map(lambda lines: "\n".join(lines).encode()))
def test_any_bytes_are_rules(body: bytes) -> None:
    found = rules(body)
    assert isinstance(found.allowed(f"{SITE}/a?b#c"), bool)
    assert found.crawl_delay_s is None or 0 <= found.crawl_delay_s <= 86_400


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_header_is_read_for_orders(values: list[str]) -> None:
    assert isinstance(orders(values), Orders)


@pytest.mark.parametrize(
    "line",
    ["Disallow: /a*b*c*d*e*f*g*h*i$\n", "User-agent: a\n", "*" * 99 + "\n", ":\n", "Allow: /$$\n"],
)
def test_the_worst_file_of_full_size_is_read(line: str) -> None:
    text = "User-agent: *\n" + line * (MAX_BYTES // len(line))
    assert isinstance(rules(text).allowed(f"{SITE}/{'a' * 2000}"), bool)


DISALLOW = "User-agent: *\r\nDisallow: /private\r\nSitemap: https://x.test/1\r\n"


@pytest.mark.parametrize(
    "body",
    [
        *(mark + DISALLOW.encode(codec) for mark, codec in (
            (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"", "utf-16-le"), (b"", "utf-16-be"),
            (b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"), (b"\xef\xbb\xbf" * 2, "utf-8"),
        )),
        DISALLOW.replace("\r\n", "\0\n").encode(),
        DISALLOW.replace("\r\n", "\0\r\n\0").encode(),
    ],
)  # fmt: skip
def test_a_file_that_an_editor_of_windows_wrote_forbids_what_it_forbids(body: bytes) -> None:
    found = rules(body)
    assert (found.state, found.sitemaps) == ("rules", ("https://x.test/1",))
    assert not found.allowed(f"{SITE}/private/a")
    assert found.allowed(f"{SITE}/a")


@pytest.mark.parametrize("body", [b"Not found", b"\x93\x94\x95", b"PK\x03\x04" + bytes(200) + b"x", b"1\n2\n3"])
def test_a_file_without_a_line_that_can_be_read_is_no_file_that_allows(body: bytes) -> None:
    found = rules(body)
    assert (found.state, found.allowed(f"{SITE}/a")) == ("unreachable", False)
    assert found.note


@pytest.mark.parametrize("body", [b"", b"\n\n", b"# nothing is forbidden", b"\xef\xbb\xbf\xef\xbb\xbf", b"sitemap:"])
def test_a_file_without_rules_allows_everything(body: bytes) -> None:
    assert (rules(body).state, rules(body).allowed(f"{SITE}/a")) == ("rules", True)


def test_a_challenge_in_place_of_the_file_forbids_for_now() -> None:
    found = rules(b"<!DOCTYPE html><html><head><title>Just a moment...</title></head>", "text/html")
    assert (found.state, found.allowed(f"{SITE}/a")) == ("unreachable", False)
