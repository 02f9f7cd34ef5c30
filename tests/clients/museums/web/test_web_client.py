"""The adapter for web pages, against a real server and with the real Fetcher."""

from __future__ import annotations

import gzip
import time
from collections.abc import AsyncIterator

import pytest

from hived.clients.museums.web import client, reader
from hived.clients.museums.web.client import WebAdapter
from hived.clients.museums.web.parse import parse_page
from hived.clients.museums.web.reader import read_page
from hived.errors import Blocked, NotAllowed, Refused, Unreadable
from hived.records.artifact import CC0, Fetched, Listing, ObjectRef, Source, Validators
from tests.clients.museums.museum import Answer, Museum, running_fetcher, running_museum
from tests.clients.museums.web.pages import URL, article, data, link, meta, work
from tests.clock import FakeClock

HTML = "text/html; charset=utf-8"
NONE = Validators()


@pytest.fixture
async def museum() -> AsyncIterator[Museum]:
    async with running_museum() as museum:
        yield museum


@pytest.fixture
async def adapter(clock: FakeClock) -> AsyncIterator[WebAdapter]:
    async with running_fetcher(clock) as fetcher:
        yield WebAdapter(fetcher, clock)


async def walk(adapter: WebAdapter, source: Source, since: float | None = None) -> list[str]:
    """List to the end; each step begins from what the cursor alone says."""
    found: list[str] = []
    cursor: str | None = None
    for _ in range(50):
        listing = await adapter.list(source, cursor, since)
        assert len(listing.refs) <= 500
        found += [ref.url for ref in listing.refs]
        if listing.complete:
            assert listing.cursor is None
            return found
        cursor = listing.cursor
    raise AssertionError("the list does not end")


def urlset(*urls: str) -> bytes:
    return ("<urlset>" + "".join(f"<url><loc>{url}</loc></url>" for url in urls) + "</urlset>").encode()


def index(*urls: str) -> bytes:
    return (
        "<sitemapindex>" + "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls) + "</sitemapindex>"
    ).encode()


async def test_a_single_page_lists_itself_and_nothing_else(museum: Museum, adapter: WebAdapter) -> None:
    source = museum.source("web", "/objects/1")
    assert await adapter.list(source, None, None) == Listing(
        (ObjectRef(source.base_url, source.base_url, priority=1),), None, complete=True
    )
    museum.answers["/objects/1"] = Answer(
        article('<a href="/objects/1/x">x</a>', link(CC0)), HTML, headers={"ETag": '"7"'}
    )
    fetched = await adapter.fetch(source, ObjectRef(source.base_url, source.base_url), Validators())
    assert fetched.object is not None
    assert fetched.object.licence is not None
    assert fetched.object.licence.uri == CC0
    assert fetched.object.url == source.base_url
    assert (fetched.more, fetched.validators) == ((), Validators(etag='"7"'))


async def test_sitemaps_of_robots_txt_are_walked_and_resumed_within_the_source(
    museum: Museum, adapter: WebAdapter
) -> None:
    url = museum.url
    museum.answers |= {
        "/robots.txt": Answer(f"Sitemap: {url}/index.xml\nSitemap: https://elsewhere.example/s.xml", "text/plain"),
        "/index.xml": Answer(
            index(f"{url}/one.xml.gz", f"{url}/gone.xml", "https://elsewhere.example/x.xml", f"{url}/two.xml"),
            "text/xml",
        ),
        "/one.xml.gz": Answer(
            gzip.compress(urlset(*(f"{url}/objects/{i}" for i in range(1200)))), "application/x-gzip"
        ),
        "/two.xml": Answer(
            urlset(f"{url}/objects/b", f"{url}/shop/1", "https://elsewhere.example/objects/3"), "application/xml"
        ),
    }
    source = museum.source("web", "/objects/")
    found = await walk(adapter, source)
    assert found == [source.base_url, *(f"{url}/objects/{i}" for i in range(1200)), f"{url}/objects/b"]
    assert sorted(museum.asked) == ["/gone.xml", "/index.xml", "/one.xml.gz", "/robots.txt", "/two.xml"]


async def test_another_process_goes_on_where_the_cursor_stands(
    museum: Museum, adapter: WebAdapter, clock: FakeClock
) -> None:
    museum.answers["/sitemap.xml"] = Answer(urlset(*(f"{museum.url}/o/{i}" for i in range(700))), "text/xml")
    source = museum.source("web", "/sitemap.xml")
    first = await adapter.list(source, None, None)
    assert first.cursor is not None
    async with running_fetcher(clock) as fetcher:
        second = await WebAdapter(fetcher, clock).list(source, first.cursor, None)
    assert [ref.url for ref in second.refs] == [f"{museum.url}/o/{i}" for i in range(500, 700)]
    assert second.complete


@pytest.mark.parametrize(
    "cursor", ["", "x", "[]", '{"way":1}', '{"way":[1]}', '{"way":[["a","b"]]}', '{"way":[[1,2]]}', "9" * 9000]
)
async def test_a_damaged_cursor_begins_anew(cursor: str, museum: Museum, adapter: WebAdapter) -> None:
    museum.answers["/sitemap.xml"] = Answer(urlset(f"{museum.url}/o/1"), "text/xml")
    listing = await adapter.list(museum.source("web", "/sitemap.xml"), cursor, None)
    assert [ref.url for ref in listing.refs] == [f"{museum.url}/o/1"]


async def test_a_cursor_that_names_another_host_is_not_followed(museum: Museum, adapter: WebAdapter) -> None:
    listing = await adapter.list(museum.source("web", "/o/"), '{"way":[["http://10.0.0.1/s.xml",0]]}', None)
    assert (listing.refs, museum.asked) == ((), [])


async def test_indexes_nest_no_deeper_than_they_may(museum: Museum, adapter: WebAdapter) -> None:
    museum.answers |= {f"/{i}.xml": Answer(index(f"{museum.url}/{i + 1}.xml"), "text/xml") for i in range(9)}
    assert await walk(adapter, museum.source("web", "/0.xml")) == []
    assert museum.asked == ["/0.xml", "/1.xml", "/2.xml"]


async def test_a_sitemap_that_is_the_source_itself_must_be_there(museum: Museum, adapter: WebAdapter) -> None:
    with pytest.raises(Unreadable, match="no sitemap"):
        await adapter.list(museum.source("web", "/sitemap.xml"), None, None)


async def test_the_base_page_leads_to_the_pages_below_it(museum: Museum, adapter: WebAdapter) -> None:
    museum.answers["/objects/"] = Answer(
        article(
            '<a href="1">1</a><a href="/objects/2?utm_source=x">2</a><a href="/shop/1">s</a><a href="http://10.0.0.1/">p</a>'
        ),
        HTML,
    )
    source = museum.source("web", "/objects/")
    fetched = await adapter.fetch(source, ObjectRef(source.base_url, source.base_url), Validators())
    assert [ref.url for ref in fetched.more] == [f"{museum.url}/objects/1", f"{museum.url}/objects/2"]
    below = f"{museum.url}/objects/1"
    museum.answers["/objects/1"] = Answer(article('<a href="/objects/3">3</a>'), HTML)
    assert (await adapter.fetch(source, ObjectRef(below, below), Validators())).more == ()


async def fetch(adapter: WebAdapter, museum: Museum, answer: Answer, validators: Validators = NONE) -> Fetched:
    museum.answers["/objects/1"] = answer
    url = f"{museum.url}/objects/1"
    return await adapter.fetch(museum.source("web", "/objects/"), ObjectRef(url, url), validators)


async def test_what_came_of_a_page(museum: Museum, adapter: WebAdapter) -> None:
    unchanged = await fetch(adapter, museum, Answer(status=304, headers={"ETag": '"8"'}), Validators(etag='"7"'))
    assert unchanged == Fetched(unchanged=True, validators=Validators(etag='"8"'))
    assert museum.headers[-1]["If-None-Match"] == '"7"'
    assert await fetch(adapter, museum, Answer("gone", HTML, 410)) == Fetched(gone="410")
    assert await fetch(adapter, museum, Answer("no", HTML, 404)) == Fetched(gone="404")
    with pytest.raises(NotAllowed, match="noindex"):
        await fetch(adapter, museum, Answer(article("", meta("robots", "noindex")), HTML))
    with pytest.raises(NotAllowed, match="noindex"):
        await fetch(adapter, museum, Answer(article(""), HTML, headers={"X-Robots-Tag": "none"}))
    with pytest.raises(NotAllowed, match="noai"):
        await fetch(adapter, museum, Answer(article("", meta("robots", "noai")), HTML))
    with pytest.raises(Refused):
        await fetch(adapter, museum, Answer(b"%PDF", "application/pdf"))
    museum.answers["/shop"] = Answer(article(""), HTML)
    with pytest.raises(Refused, match="outside of this source"):
        await fetch(adapter, museum, Answer(status=302, headers={"Location": "/shop"}))
    with pytest.raises(Blocked):
        await fetch(adapter, museum, Answer(status=302, headers={"Location": "http://127.0.0.2/objects/1"}))


async def test_a_large_page_is_read_by_another_process_to_the_same_result() -> None:
    html = article("<p>word</p>" * 3000, work(f'"image":"/a.jpg","license":"{CC0}"'))
    assert html.count("<") > reader.SMALL_TAGS
    assert await read_page(html, URL, 2.0, ["noai"]) == parse_page(html, URL, 2.0, ["noai"])


async def test_a_page_that_is_nested_to_do_harm_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "DEADLINE_S", 1.0)
    started = time.monotonic()
    with pytest.raises(Unreadable, match="to do harm"):
        await read_page("<div>" * 150_000, URL, 1.0)
    assert time.monotonic() - started < 5


WORST = {
    "deep": "<div>" * 999,
    "formatting": "<b>" * 100 + "<p>" * 899,
    "tables": "<table>" * 999,
    "attributes": "<div " + " ".join(f"a{i}" for i in range(9000)) + ">",
    "opened again": "<p>" + "".join(f"<b id={i}>" for i in range(105)) + "</p><p>x" * 410,
    "styles": '<div style="' + "left:" * 9000 + '">x',
    "headers": "<header>" * 999,
    "deep links": "<div>" * 900 + f'<a rel=license href="{CC0}">x</a>' * 45,
    "deep scopes": "<div itemscope>" * 500 + '<a itemprop="a b c d">' * 90,
    "many items": "<div itemscope><b itemprop=x>" * 95,
    "many rights": f'<link rel=license href="{CC0}">' * 800,
    "comment openers": data("/*" * 30_000),
    "quotes": data('"' + '\\"' * 15_000),
    "commas": data(", " * 15_000),
    "brackets": data("[" * 60_000),
}


@pytest.mark.parametrize("html", WORST.values(), ids=WORST)
async def test_the_worst_small_pages_take_no_time(html: str) -> None:
    assert reader._is_small(html)
    started = time.process_time()
    await read_page(html, URL, 1.0)
    assert time.process_time() - started < 1.5


async def test_a_sitemap_is_asked_for_again_after_an_hour(
    museum: Museum, adapter: WebAdapter, clock: FakeClock
) -> None:
    museum.answers["/sitemap.xml"] = Answer(urlset(f"{museum.url}/o/1"), "text/xml")
    source = museum.source("web", "/sitemap.xml")
    for _ in range(3):
        await adapter.list(source, None, None)
    assert len(museum.asked) == 1
    clock.advance(client.KEEP_S + 1)
    await adapter.list(source, None, None)
    assert len(museum.asked) == 2


async def test_a_sitemap_of_which_nothing_is_kept_says_so(museum: Museum, adapter: WebAdapter) -> None:
    museum.answers["/robots.txt"] = Answer("User-agent: *\nDisallow:\nSitemap: /map.xml\n", "text/plain")
    museum.answers["/map.xml"] = Answer(urlset("https://other.example/o/1", f"{museum.url}/shop/1"), "text/xml")
    listing = await adapter.list(museum.source("web", "/o/"), None, None)
    assert (listing.complete, len(listing.refs), listing.code) == (True, 1, "source_flawed")
    assert f"none of its 2 addresses is below {museum.url}/o/" in (listing.trouble or "")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer("no", "text/plain", 404), "there is no sitemap"),
        (Answer("<html>not found", "text/html"), "not what is collected here"),
        (Answer("<html>not found", "text/xml"), "no sitemap"),
        (Answer("no", "application/pdf"), "not what is collected here"),
        (Answer(urlset("/o/2").replace(b"</urlset>", b"<url><loc>"), "text/xml"), "1 of 2 entries"),
    ],
)
async def test_a_sitemap_that_cannot_be_read_is_told_and_the_others_are(
    answer: Answer, why: str, museum: Museum, adapter: WebAdapter
) -> None:
    museum.answers["/sitemap.xml"] = Answer(index("/bad.xml", f"{museum.url}/good.xml"), "text/xml")
    museum.answers |= {"/bad.xml": answer, "/good.xml": Answer(f"{museum.url}/o/1\n{museum.url}/o/3\n", "text/plain")}
    listing = await adapter.list(museum.source("web", "/sitemap.xml"), None, None)
    assert {ref.url for ref in listing.refs} >= {f"{museum.url}/o/1", f"{museum.url}/o/3"}
    assert why in (listing.trouble or "")
    assert "/bad.xml" in (listing.trouble or "")


async def test_pages_and_sitemaps_may_stand_in_one_index(museum: Museum, adapter: WebAdapter) -> None:
    mixed = "<sitemapindex><url><loc>/o/1</loc></url><sitemap><loc>/2.xml</loc></sitemap><url><loc>/o/4</loc></url>"
    museum.answers["/sitemap.xml"] = Answer(f"{mixed}</sitemapindex>", "text/xml")
    museum.answers["/2.xml"] = Answer(urlset("/o/2", "/o/3"), "text/xml")
    urls = await walk(adapter, museum.source("web", "/sitemap.xml"))
    assert urls == [f"{museum.url}/o/{i}" for i in range(1, 5)]
