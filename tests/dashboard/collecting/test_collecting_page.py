"""The page of the auto-miner in a real browser: state, start and stop, sources, artifacts, pictures when asked."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from hived.api.stream import Pace
from hived.records.artifact import ObjectRef
from hived.store import Database
from hived.store.collecting import collector, frontier, sources
from tests import collected
from tests.dashboard.browser import Page
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm
from tests.waiting import until

pytestmark = pytest.mark.browser

CARDS = "document.querySelectorAll('.artifact').length"
EVIL = "<img src=/evil.png onerror=window.hacked=1><script>window.hacked=1</script>"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told within a second in real life: the tests do not wait that long."""
    monkeypatch.setattr("hived.api.http.latest.LOOK_S", 0.1)
    monkeypatch.setattr("hived.api.app.Pace", lambda: Pace(look_s=0.1))


def furnish(db: Database, artifacts: int = 3) -> None:
    """Hive-minerd runs; a source with artifacts, the newest of them described; another source that failed."""
    now = time.time()
    collected.minerd(db, now)
    source = collected.add_source(db, now - 3600)
    for n in range(1, artifacts + 1):
        number = collected.collect(db, source, n, now - 600 + n)
    collected.describe(db, number, now - 60)
    failed = collected.add_source(db, now, "Pages", "https://pages.example/things/", "web")
    frontier.add(db, failed.id, [ObjectRef(str(n), f"https://pages.example/{n}") for n in range(4)], now, changed=False)
    sources.failed(db, failed.id, "source_fails", "no answer within 20 s", now - 300)
    for _ in range(2):
        sources.refused(db, failed.id, "no licence is stated", "https://pages.example/9", now)


def png() -> bytes:
    """Return a small grey picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes([120] * 16) for _ in range(16))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@asynccontextmanager
async def museum(host: str = "127.0.0.1") -> AsyncIterator[tuple[str, list[Any]]]:
    """A server with pictures; yield its URL and what it was asked for, with the headers."""
    asked: list[Any] = []

    async def picture(request: web.Request) -> web.Response:
        asked.append((request.path, dict(request.headers)))
        return web.Response(body=png(), content_type="image/png")

    app = web.Application()
    app.router.add_get("/{name:.*}", picture)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        yield f"http://{host}:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def go(page: Page, farm: Farm, query: str = "", cards: int = 3) -> None:
    await page.go(f"{farm.url}/collecting{query}", until=f"{CARDS} === {cards} && document.querySelector('.doing')")


async def choose(page: Page, selector: str, value: str) -> None:
    """Choose an entry of a list as a person would."""
    await page.evaluate(
        f"(s => {{ s.value = {value!r}; s.dispatchEvent(new Event('change', {{bubbles: true}})) }})"
        f"(document.querySelector({selector!r}))"
    )


async def test_start_and_stop_change_what_the_daemon_obeys(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(furnish)

    async def wanted() -> bool:
        return (await farm.store.read(collector.state)).wanted

    async with open_page() as page:
        await go(page, farm)
        assert "Idle" in await page.text(".doing")
        assert await page.evaluate("document.querySelectorAll('.controls button')[1].disabled") is True
        await page.click(".controls button:nth-child(1)")
        await until(wanted)
        await page.wait_for("document.querySelector('.state').innerText.includes('Starting')")
        await page.wait_for("document.querySelectorAll('.controls button')[0].disabled")
        await farm.write(collected.tell, time.time(), "Running", "The Met")
        await page.wait_for(
            "document.querySelector('.state').innerText.replace(/\\s+/g, ' ').includes('Running The Met')"
        )
        await page.wait_for("document.querySelector('.current-row .name').innerText === 'The Met'")
        assert await page.evaluate("document.querySelector('.actions button').disabled") is True
        await page.click(".controls button:nth-child(2)")

        async def stopped() -> bool:
            return not await wanted()

        await until(stopped)
        await farm.write(collected.tell, time.time(), "Idle")
        await page.wait_for("document.querySelector('.state').innerText.includes('Idle')")
        assert page.problems == []
        assert page.foreign_requests(farm.url) == []


async def test_one_source_is_run_once(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(furnish)
    async with open_page() as page:
        await go(page, farm)
        row = await page.evaluate(
            "[...document.querySelectorAll('tr[data-source]')].find(r => r.innerText.includes('Pages')).dataset.source"
        )
        await page.click(f"tr[data-source='{row}'] .actions button")

        async def asked() -> bool:
            return (await farm.store.read(collector.state)).only_source == int(row)

        await until(asked)
        await page.wait_for("document.querySelector('.doing').innerText.includes('One source is visited once')")
        await page.wait_for("!document.querySelectorAll('.controls button')[1].disabled")


async def test_counts_artifacts_and_descriptions_follow_live(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(furnish)
    async with open_page() as page:
        await go(page, farm)
        figures = "[...document.querySelectorAll('.autominer .figure b')].map(b => b.innerText).join(' ')"
        await page.wait_for(f"{figures} === '3 1 2'")
        (source,) = [one for one in await farm.store.read(sources.every) if one.name == "The Met"]
        number = await farm.write(collected.collect, source, 4, time.time())
        await page.wait_for(f"{CARDS} === 4 && {figures} === '4 1 3'")
        assert "Waiting for a description" in await page.text(f"[data-artifact='{number}']")
        await farm.write(collected.describe, number, time.time(), summary="A jar that arrived.")
        await page.wait_for(f"document.querySelector('[data-artifact=\"{number}\"]').innerText.includes('A jar that')")
        await page.wait_for(f"{figures} === '4 2 2'")
        assert page.problems == []


async def test_a_card_tells_what_it_is_who_says_so_and_under_which_licence(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(furnish)
    async with open_page() as page:
        await go(page, farm)
        words = await page.text(".artifact")
        for part in (
            "Terracotta amphora 3", "Exekias, Euphronios · ca. 530 B.C. · Terracotta · Greek, Attic",
            "A tall Attic vase by Exekias.", "described by node-1: facts of the record, chosen by llama3.2:1b, ",
            "Public Domain Mark 1.0", "The Met",
        ):  # fmt: skip
            assert part in words, part
        links = await page.evaluate(
            "[...document.querySelectorAll('.artifact')[0].querySelectorAll('a')].map(a => [a.href, a.target, a.rel])"
        )
        assert links.pop(0)[0].startswith(f"{farm.url}/collecting?artifact=")
        assert links == [
            ["https://creativecommons.org/publicdomain/mark/1.0/", "_blank", "noopener noreferrer"],
            ["https://museum.example/objects/3", "_blank", "noopener noreferrer"],
        ]


async def test_more_new_artifacts_than_a_page_leave_no_gap(farm: Farm, open_page: OpenPage) -> None:
    def rush(db: Database) -> None:
        (source,) = [one for one in sources.every(db) if one.name == "The Met"]
        for n in range(31, 71):
            collected.collect(db, source, n, time.time())

    await farm.write(furnish, 30)
    async with open_page() as page:
        await go(page, farm, cards=24)
        await farm.write(rush)
        await page.wait_for("document.querySelector('.artifact h3').innerText === 'Terracotta amphora 70'")
        shown = "[...document.querySelectorAll('.artifact h3')].map(a => Number(a.innerText.split(' ').at(-1)))"
        newest = await page.evaluate(shown)
        assert newest == list(range(70, 70 - len(newest), -1))
        while await page.evaluate("!!document.querySelector('.older')"):
            before = len(await page.evaluate(shown))
            await page.click(".older")
            await page.wait_for(f"{CARDS} > {before}")
        assert await page.evaluate(shown) == list(range(70, 0, -1))


async def test_artifacts_are_searched_filtered_and_loaded_further(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(furnish, 60)
    async with open_page() as page:
        await go(page, farm, cards=24)
        await page.click(".older")
        await page.wait_for(f"{CARDS} === 48")
        await page.click(".older")
        await page.wait_for(f"{CARDS} === 60 && !document.querySelector('.older')")
        ids = await page.evaluate("[...document.querySelectorAll('.artifact')].map(a => Number(a.dataset.artifact))")
        assert ids == sorted(ids, reverse=True)
        await page.click("input[name=q]")
        await page.type("amphora 17")
        await page.wait_for(f"{CARDS} === 1 && location.search === '?q=amphora+17'")
        await page.go(f"{farm.url}/collecting?q=amphora+17", until=f"{CARDS} === 1")
        assert await page.evaluate("document.querySelector('input[name=q]').value") == "amphora 17"
        await page.go(f"{farm.url}/collecting", until=f"{CARDS} === 24")
        await choose(page, "select[name=state]", "described")
        await page.wait_for(f"{CARDS} === 1")
        await choose(page, "select[name=state]", "")
        await page.wait_for(f"{CARDS} === 24 && document.querySelectorAll('select[name=source] option').length === 3")
        pages = await page.evaluate("[...document.querySelectorAll('select[name=source] option')]"
                                    ".find(o => o.innerText === 'Pages').value")  # fmt: skip
        await choose(page, "select[name=source]", pages)
        await page.wait_for(
            f"{CARDS} === 0 && document.querySelector('.artifact-list').innerText.includes('No artifact matches')"
        )
        assert page.problems == []


async def test_a_reader_further_down_is_not_moved_by_new_artifacts(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(furnish, 24)
    async with open_page(height=600) as page:
        await go(page, farm, cards=24)
        await page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        (source,) = [one for one in await farm.store.read(sources.every) if one.name == "The Met"]
        for n in (101, 102):
            await farm.write(collected.collect, source, n, time.time())
        await page.wait_for("document.querySelector('.unseen')?.innerText === '2 new artifacts'")
        assert await page.evaluate(CARDS) == 24
        await page.click(".unseen button")
        await page.wait_for(f"{CARDS} === 26 && !document.querySelector('.unseen')")
        assert "amphora 102" in await page.text(".artifact h3")


async def test_sources_are_added_told_and_removed(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(furnish)
    async with open_page() as page:
        await go(page, farm)
        words = await page.text(".sources table")
        for part in ("The Met", "no answer within 20 s", "5 min ago", "https://pages.example/things/", "never"):
            assert part in words, part
        await page.click(".sources td summary")
        assert "2 no licence is stated" in " ".join((await page.text(".refusals")).split())
        await page.click(".addsource summary")
        await page.wait_for("document.querySelectorAll('.addsource select')[0].options.length === 6")
        await choose(page, ".addsource select", "artic")
        await page.wait_for("document.querySelector('input[name=base_url]').value === 'https://api.artic.edu/api/v1'")
        await page.click(".addsource button")
        await page.wait_for("document.querySelectorAll('tr[data-source]').length === 3")
        await page.wait_for("document.querySelector('.addsource').innerText.includes('Added Art Institute of Chicago')")
        await choose(page, ".addsource select", "artic")
        await page.wait_for("document.querySelector('input[name=name]').value !== ''")
        await page.click(".addsource button")
        await page.wait_for("document.querySelector('.addsource').innerText.includes('Not added: there is a source')")
        assert len(await farm.store.read(sources.every)) == 3
        await page.click("[aria-label='Remove The Met']")
        await page.wait_for("document.querySelector('.remove.tone-bad')")
        assert len(await farm.store.read(sources.every)) == 3
        await page.click(".remove.tone-bad")
        await page.wait_for("document.querySelectorAll('tr[data-source]').length === 2")
        assert [one.name for one in await farm.store.read(sources.every)] == ["Art Institute of Chicago", "Pages"]
        assert await page.evaluate(CARDS) == 3
        assert [p for p in page.problems if "409" not in p] == []


async def test_no_daemon_and_no_model_are_said_with_what_to_run(farm: Farm, open_page: OpenPage) -> None:
    async with open_page() as page:
        await page.go(f"{farm.url}/collecting", until="document.querySelector('.autominer .tone-bad')")
        assert "hive-minerd is not running" in await page.text(".autominer .note")
        await page.click(".controls button")
        await page.wait_for("document.querySelector('.controls').innerText.includes('hive-minerd is not running')")
        await farm.write(collected.minerd, time.time())
        model = "the model llama3.2:1b is missing: run `ollama pull llama3.2:1b`"
        await farm.write(collected.tell, time.time(), "Running", None, model)
        await page.wait_for("document.querySelector('.model-state .line')?.innerText === 'ollama pull llama3.2:1b'")
        await page.wait_for("!document.querySelector('.autominer .tone-bad')")
        assert "`" not in await page.text(".model-state")
        words = await page.text("main")
        assert "Nothing is collected so far." in words
        assert "None yet." in words


async def test_words_from_outside_stay_words(farm: Farm, open_page: OpenPage) -> None:
    def poison(db: Database) -> None:
        now = time.time()
        collected.minerd(db, now)
        source = collected.add_source(db, now, EVIL, "https://museum.example/<b>", "web")
        number = collected.collect(db, source, 1, now, title=EVIL, makers=(EVIL,), medium=EVIL, date_text=EVIL,
                                   image_url="javascript:window.hacked=1")  # fmt: skip
        collected.describe(db, number, now, summary=EVIL, model=EVIL, node_id=EVIL)
        sources.failed(db, source.id, "source_fails", EVIL, now)
        sources.refused(db, source.id, EVIL, "javascript:window.hacked=1", now)
        collected.tell(db, now, EVIL, EVIL, EVIL)

    await farm.write(poison)
    async with open_page() as page:
        await go(page, farm, cards=1)
        await page.wait_for("document.querySelector('.refusals')")
        await page.click(".sources td summary")
        words = await page.text("main")
        assert words.count(EVIL) >= 8
        assert await page.evaluate("window.hacked") is None
        assert await page.evaluate("document.querySelectorAll('main img, main script').length") == 0
        assert (
            await page.evaluate("[...document.querySelectorAll('a')].filter(a => !/^https?:/.test(a.href)).length") == 0
        )
        assert page.problems == []
        assert [url for url in page.requests if "evil" in url] == []


async def test_pictures_are_asked_for_only_after_the_operator_said_so(farm: Farm, open_page: OpenPage) -> None:
    shown = "[...document.querySelectorAll('img.picture')].map(i => i.naturalWidth).join()"
    async with museum("127.21.0.1") as (url, asked):

        def collect(db: Database) -> None:
            source = collected.add_source(db, time.time(), "Simulated", f"{url}/sitemap.xml", "web")
            collected.collect(db, source, 1, time.time(), image_url=f"{url}/1.png")
            collected.collect(db, source, 2, time.time(), image_url=None)

        await farm.write(collect)
        async with open_page() as page:
            await go(page, farm, cards=2)
            assert await page.evaluate("document.querySelectorAll('.picture').length") == 0
            assert page.foreign_requests(farm.url) == []
            # The policy holds whatever the script does: a picture put in by hand is refused.
            picture = "const i = new Image(); i.onload = i.onerror = e => done(e.type)"
            refused = await page.evaluate(f"new Promise(done => {{ {picture}; i.src = '{url}/x' }})")
            assert (refused, asked) == ("error", [])
            assert "Content Security Policy" in page.problems.pop()
            await page.click(".pictures")
            await page.wait_for(f"{shown} === '16' && location.search === '?pictures=1'")
            assert await page.evaluate("document.querySelectorAll('.picture.none').length") == 1
            assert [path for path, _ in asked] == ["/1.png"]
            assert "Referer" not in asked[0][1]
            # The choice lasts: coming back by a link loads the page whose policy allows them.
            await page.go(farm.url, until="document.querySelector('nav')")
            await page.click("nav a[href='/collecting']")
            await page.wait_for(f"location.search === '?pictures=1' && {shown} === '16'")
            await page.click(".pictures")
            await page.wait_for(f"location.search === '' && {CARDS} === 2 && !document.querySelector('.picture')")
            assert page.problems == []
            # A link of somebody else does not switch them on.
            before = len(asked)
            await page.go(f"{farm.url}/collecting?pictures=1", until=f"location.search === '' && {CARDS} === 2")
            assert len(asked) == before


async def test_the_page_is_readable_in_both_themes_and_fits_a_phone(farm: Farm, open_page: OpenPage) -> None:
    from tests.dashboard.appliance.test_other_pages import CONTRAST

    await farm.write(furnish)
    await farm.write(collected.tell, time.time(), "Running", "The Met", "no model: run `ollama pull x`")
    async with open_page() as page:
        await go(page, farm)
        await page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for dark in (False, True):
            await page.prefer(dark=dark)
            await page.wait_for(f"document.documentElement.dataset.theme === '{'dark' if dark else 'light'}'")
            assert await page.evaluate(CONTRAST) == [], dark
        await page.size(390, 844)
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
