"""The simulated museum's web site: pages, robots.txt, sitemaps, pictures, and the pages that attack."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import re
import struct
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from html import escape
from xml.etree import ElementTree

import aiohttp
import pytest
from yarl import URL

from hived.simulator.collection import hostile, labelled, pages
from hived.simulator.collection.hostile import INWARDS, TRICKS, musts
from hived.simulator.collection.museum import Collection
from hived.simulator.collection.traps import LICENCES, MARKER, TRAPS
from hived.simulator.faults import bomb
from tests.clock import FakeClock
from tests.waiting import until

HOST = "127.31.1.3"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
STREAMED = {"huge", "announced", "gzip-bomb", "sitemap-bomb.xml.gz", "drip"}


@pytest.fixture
async def museum(clock: FakeClock) -> AsyncIterator[Collection]:
    async with Collection(1200, host=HOST, clock=clock) as running:
        yield running


@pytest.fixture
async def raw() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that neither unpacks nor reads long headers away."""
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False, max_field_size=200_000) as session:
        yield session


async def page(http: aiohttp.ClientSession, url: str, *, status: int = 200) -> str:
    async with http.get(url, allow_redirects=False) as reply:
        assert reply.status == status, (url, reply.status)
        return await reply.text()


def chosen(museum: Collection, style: str, *, is_open: bool = True) -> int:
    return next(
        one
        for one in museum.ids
        if museum.catalogue.has_record(one)
        and museum.objects(one).open is is_open
        and pages.style_of(museum.objects(one)) == style
    )


@pytest.mark.parametrize(
    ("style", "pattern"),
    [
        ("jsonld", r'"license": "{uri}"'),
        ("link", r'<link rel="license" href="{uri}">'),
        ("anchor", r'<a rel="license" href="{uri}deed.en">'),
        ("meta", r'<meta name="dcterms.rights" content="{uri}">'),
    ],
)
async def test_a_page_states_its_licence_in_one_of_several_ways(
    http: aiohttp.ClientSession, museum: Collection, style: str, pattern: str
) -> None:
    one = chosen(museum, style)
    work = museum.objects(one)
    uri = pages.stated_licence(work)
    text = await page(http, f"{museum.url}/pages/{one}")
    assert uri
    main = text.partition("<footer>")[0]
    assert pattern.format(uri=uri) in main
    assert work.accession in main


async def test_some_pages_state_it_in_the_footer_only(http: aiohttp.ClientSession, museum: Collection) -> None:
    one = chosen(museum, "opengraph")
    assert pages.stated_licence(museum.objects(one)) is None
    main, _, footer = (await page(http, f"{museum.url}/pages/{one}")).partition("<footer>")
    assert "publicdomain" not in main
    assert 'rel="license"' in footer


async def test_the_linked_data_of_a_page_is_json(http: aiohttp.ClientSession, museum: Collection) -> None:
    for is_open in (True, False):
        one = chosen(museum, "jsonld", is_open=is_open)
        text = await page(http, f"{museum.url}/pages/{one}")
        found = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
        assert found
        document = json.loads(found[1])
        assert document["@type"] == "VisualArtwork"
        assert document["name"] == museum.objects(one).title
        assert ("publicdomain" in document.get("license", "")) is is_open


async def test_pages_are_sent_packed_and_only_when_they_changed(raw: aiohttp.ClientSession, museum: Collection) -> None:
    one = chosen(museum, "jsonld")
    url = f"{museum.url}/pages/{one}"
    async with raw.get(url, headers={"Accept-Encoding": "gzip"}) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        assert b"VisualArtwork" in gzip.decompress(await reply.read())
        etag = reply.headers["ETag"]
    assert etag.startswith("W/")
    async with raw.get(url, headers={"Accept-Encoding": "identity"}) as reply:
        assert "Content-Encoding" not in reply.headers
    async with raw.get(url, headers={"If-None-Match": etag}) as reply:
        assert reply.status == 304
    assert museum.requests.sent[f"pages/{one}"] == 2


async def test_moved_gone_and_missing_pages(http: aiohttp.ClientSession, museum: Collection) -> None:
    one = chosen(museum, "link")
    async with http.get(f"{museum.url}/old/{one}", allow_redirects=False) as reply:
        assert (reply.status, reply.headers["Location"]) == (301, f"/pages/{one}")
    museum.withdraw(one)
    await page(http, f"{museum.url}/pages/{one}", status=410)
    await page(http, f"{museum.url}/pages/1", status=404)
    await page(http, f"{museum.url}/nothing/here", status=404)


async def test_the_page_of_the_mets_kind_of_address_is_the_same(
    http: aiohttp.ClientSession, museum: Collection
) -> None:
    one = chosen(museum, "meta")
    assert await page(http, f"{museum.url}/art/collection/search/{one}") == await page(
        http, f"{museum.url}/pages/{one}"
    )


async def test_the_index_links_pages(http: aiohttp.ClientSession, museum: Collection) -> None:
    text = await page(http, f"{museum.url}/")
    assert text.count('<li><a href="/pages/') == 50


async def test_robots_txt_forbids_an_area_and_asks_for_time(http: aiohttp.ClientSession, museum: Collection) -> None:
    async with http.get(f"{museum.url}/robots.txt") as reply:
        body = await reply.read()
        assert reply.content_type == "text/plain"
    assert body.startswith(b"\xef\xbb\xbf")
    lines = body.decode("utf-8-sig").split("\r\n")
    assert {"Disallow: /private/", "disallow: /staff/", "Crawl-delay: 1", f"Sitemap: {museum.sitemap_url}"} <= {*lines}
    museum.crawl_delay_s = None
    assert "Crawl-delay" not in await page(http, f"{museum.url}/robots.txt")
    one = chosen(museum, "link")
    await page(http, f"{museum.url}/private/{one}")  # it is there, but not for robots
    assert museum.requests.count("/private/") == 1


async def test_the_sitemaps_list_every_page(http: aiohttp.ClientSession, museum: Collection) -> None:
    index = ElementTree.fromstring(await page(http, museum.sitemap_url))
    maps = [location.text or "" for location in index.iter(f"{MAP}loc")]
    assert len(maps) == 2
    found = []
    for url in maps:
        async with http.get(url) as reply:
            assert reply.content_type == "application/x-gzip"
            body = await reply.read()
        assert body[:2] == b"\x1f\x8b"
        root = ElementTree.fromstring(gzip.decompress(body))
        found += [location.text for location in root.iter(f"{MAP}loc")]
        assert ElementTree.tostring(root) == ElementTree.tostring(
            ElementTree.fromstring(await page(http, url.removesuffix(".gz")))
        )
    assert found == [f"{museum.url}/pages/{one}" for one in museum.ids]
    for name in ("pages-2.xml", "pages-x.xml", "pages--1.xml", "pages-0.txt", "other.xml"):
        await page(http, f"{museum.url}/sitemaps/{name}", status=404)


async def test_pictures_can_be_drawn_and_differ(http: aiohttp.ClientSession, museum: Collection) -> None:
    ids = [one for one in museum.ids if museum.catalogue.has_record(one)][:40]
    bodies = []
    for one in ids:
        async with http.get(f"{museum.url}/images/web-large/{one}.png") as reply:
            assert reply.content_type == "image/png"
            bodies.append(await reply.read())
    assert len(set(bodies)) > 25
    assert max(map(len, bodies)) < 4000
    width, height = struct.unpack(">II", bodies[0][16:24])
    start = bodies[0].index(b"IDAT")
    length = struct.unpack(">I", bodies[0][start - 4 : start])[0]
    rows = zlib.decompress(bodies[0][start + 4 : start + 4 + length])
    assert (width, height, len(rows)) == (240, 300, 300 * 241)
    assert set(rows) <= {0, 1, 2, 3}
    for name in ("1.png", f"{ids[0]}.jpg", "x.png", f"{ids[0]}.svg", f"{ids[0]}"):
        await page(http, f"{museum.url}/images/web-large/{name}", status=404)


@pytest.mark.parametrize("name", sorted({*TRAPS, *TRICKS} - STREAMED))
async def test_a_hostile_page_is_served_as_it_is_meant(
    raw: aiohttp.ClientSession, museum: Collection, name: str
) -> None:
    async with raw.get(museum.hostile_url(name), allow_redirects=False) as reply:
        body = await reply.read()
        assert reply.status in (200, 301, 302), name
    if name in TRAPS:
        assert body.decode() == TRAPS[name].html
        assert not TRAPS[name].must.startswith("store") or b"publicdomain/zero/1.0/" in body
        assert name not in LICENCES or TRAPS[name].must.startswith("refuse")
        assert not name.startswith("injection") or MARKER.encode() in body


@pytest.mark.parametrize("name", sorted(INWARDS))
async def test_a_redirect_inwards_leads_nowhere_public(
    http: aiohttp.ClientSession, museum: Collection, name: str
) -> None:
    async with http.get(museum.hostile_url(name), allow_redirects=False) as reply:
        assert reply.status == 302
        target = URL(reply.headers["Location"], encoded=True)
    if target.scheme in ("http", "ftp") and target.host and re.fullmatch(r"\d+\.\d+\.\d+\.\d+|.*:.*", target.host):
        address = ipaddress.ip_address(target.host.replace("012.", "10."))
        if name not in ("to-nat64", "to-6to4"):
            assert not address.is_global, "no test may ever reach a stranger"


async def test_the_huge_bodies_are_as_long_as_asked(raw: aiohttp.ClientSession, museum: Collection) -> None:
    async with raw.get(f"{museum.hostile_url('huge')}?size=3000000") as reply:
        assert len(await reply.read()) == 3_000_000
    async with raw.get(f"{museum.hostile_url('gzip-bomb')}?size=9000000") as reply:
        packed = await reply.read()
    assert len(packed) < 20_000
    assert len(gzip.decompress(packed)) == 9_000_000
    assert max(map(len, bomb(5_000_000, b"<p>"))) < 10_000, "made in pieces"


async def test_who_hangs_up_on_an_endless_body_leaves_nothing_behind(museum: Collection) -> None:
    for name in ("huge", "drip", "gzip-bomb", "announced"):
        reader, writer = await asyncio.open_connection(museum.host, museum.port)
        writer.write(f"GET /hostile/{name}?size=900000000 HTTP/1.1\r\nHost: museum\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()
        await until(lambda: museum.requests.at_once == 0)


async def test_redirects_loop_chain_and_end(http: aiohttp.ClientSession, museum: Collection) -> None:
    with pytest.raises(aiohttp.TooManyRedirects):
        await http.get(museum.hostile_url("redirect-loop"), max_redirects=10)
    with pytest.raises(aiohttp.TooManyRedirects):
        await http.get(museum.hostile_url("redirect-chain"), max_redirects=10)
    async with http.get(museum.hostile_url("redirects/4")) as reply:
        assert (reply.status, len(reply.history), reply.url.path) == (200, 4, f"/pages/{museum.ids[0]}")


async def test_the_hostile_pages_have_an_index_that_says_what_to_do(
    http: aiohttp.ClientSession, museum: Collection
) -> None:
    text = await page(http, museum.hostile_url(""))
    verdicts = Counter(must.split(":")[0].split(" ")[0] for must in musts().values())
    assert text.count("<li>") == len(musts()) == len(TRAPS) + len(TRICKS) + len(INWARDS)
    assert verdicts["refuse"] > 35
    assert len(musts()) > 80
    await page(http, museum.hostile_url("no-such-trick"), status=404)
    assert not set(TRAPS) & set(TRICKS)
    assert hostile.PREFIX in museum.hostile_url("huge")


async def test_pages_tell_their_facts_in_every_form_and_language(
    http: aiohttp.ClientSession, museum: Collection
) -> None:
    works = [museum.objects(one) for one in museum.ids if museum.catalogue.has_record(one)]
    signs = {
        "list": "<dl>\n<dt>",
        "wrapped": "<dl>\n<div><dt>",
        "table": '<tr><th scope="row">',
        "head": '"DCTERMS.created"',
    }
    for form, sign in signs.items():
        for language, told in labelled.LABELS.items():
            work = next(one for one in works if (labelled.form_of(one), labelled.language_of(one)) == (form, language))
            text = await page(http, f"{museum.url}/pages/{work.id}")
            assert sign in text
            assert (f">{escape(told[10])}" in text) is (form != "head")
