"""What several nodes say of one artifact, side by side, in a real browser."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hived.store import Database
from hived.store.schema import Contribution
from tests import collected
from tests.dashboard.appliance.test_other_pages import CONTRAST
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm
from tests.dashboard.nodes.test_nodes_page import join, own

pytestmark = pytest.mark.browser

EVIL = "<img src=/evil.png onerror=window.hacked=1><script>window.hacked=1</script>"
ONE = "A tall Attic amphora, made about 530 B.C. and signed by Exekias."
OTHER = {
    "summary": "A tall Attic amphora, made about 540 B.C. and signed by Exekias.",
    "title": "Vase",
    "tags": ["vase", "game"],
}
MARKS = "[...document.querySelectorAll('[data-bubble={}] .description mark')].map(m => m.innerText)"
OLD = "[...document.querySelectorAll('.bubble')].map(b => !!b.querySelector('.tag.old'))"
BUBBLES = "document.querySelectorAll('.bubble').length"


def furnish(db: Database, *more: tuple[str, Any]) -> int:
    """An artifact of which this node and others say something."""
    now = time.time()
    own(db)
    join(db, "shed-1", "shed")
    source = collected.add_source(db, now)
    number = collected.collect(db, source, 1, now)
    collected.describe(db, number, now, node_id="n1", summary=ONE)
    for n, (node_id, content) in enumerate(more, 1):
        collected.add_bubble(db, number, now + n, node_id=node_id, content=content)
    return number


async def test_what_an_older_version_wrote_is_shown_as_old(farm: Farm, open_page: OpenPage) -> None:
    number = await farm.write(furnish, ("shed-1", OTHER))
    await farm.write(lambda db: Contribution.update(prompt_version=1).where(Contribution.node_id == "n1").execute(db))
    async with open_page() as page:
        await page.go(f"{farm.url}/collecting", until="document.querySelector('.artifact .tag.old')")
        assert "old described by farm-north: written by llama3.2:1b" in " ".join((await page.text(".artifact")).split())
        await page.go(f"{farm.url}/collecting?artifact={number}", until=f"{BUBBLES} === 2")
        assert await page.evaluate(OLD) == [
            True, False,
        ]  # fmt: skip
        assert page.problems == []


async def test_bubbles_stand_side_by_side_and_show_where_they_differ(farm: Farm, open_page: OpenPage) -> None:
    number = await farm.write(furnish, ("shed-1", OTHER), ("old-1", "A vase of the potter Exekias, found in 1862."))
    async with open_page() as page:
        await page.go(f"{farm.url}/collecting", until="document.querySelector('.compare')")
        card = await page.text(".artifact")
        assert ONE in card
        assert "described by farm-north: facts of the record, chosen by llama3.2:1b" in card
        assert "1 of 3 nodes. Compare what 3 nodes say" in card
        await page.click(".compare")
        await page.wait_for(f"location.search === '?artifact={number}' && {BUBBLES} === 3")
        await page.wait_for("document.title === 'Terracotta amphora 1 - hived'")
        tops = "[...document.querySelectorAll('.bubble')].map(b => Math.round(b.getBoundingClientRect().top))"
        assert len(set(await page.evaluate(tops))) == 1
        words = " ".join((await page.text(".bubbles")).split())
        writers = (
            "described by farm-north: facts of the record, chosen by llama3.2:1b",
            "described by shed: written by an unnamed",
        )
        for part in ("farm-north 1 of 3 nodes", "shed 1 of 3 nodes", "old-1", *writers, "vase, game"):
            assert part in words, part
        await page.wait_for("document.querySelector('[data-bubble=shed-1] h3').innerText === 'shed'")
        assert await page.evaluate(MARKS.format("n1")) == ["530"]
        assert await page.evaluate(MARKS.format("shed-1")) == ["540"]
        assert await page.evaluate(MARKS.format("old-1")) == ["1862"]
        facts = await page.text(".facts")
        assert "Exekias, Euphronios" in facts
        assert "ca. 530 B.C." in facts
        await page.size(390, 844)
        await page.wait_for(f"new Set({tops}).size === 3")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        await page.size(1440, 900)
        for dark in (False, True):
            await page.prefer(dark=dark)
            await page.wait_for(f"document.documentElement.dataset.theme === '{'dark' if dark else 'light'}'")
            assert await page.evaluate(CONTRAST) == [], dark
        assert page.problems == []
        assert page.foreign_requests(farm.url) == []


async def test_the_same_words_are_counted_together(farm: Farm, open_page: OpenPage) -> None:
    number = await farm.write(furnish, ("shed-1", ONE), ("old-1", '{"title": "A", "summary": "Something else."}'))
    async with open_page() as page:
        await page.go(f"{farm.url}/collecting?artifact={number}", until=f"{BUBBLES} === 3")
        tags = await page.evaluate("[...document.querySelectorAll('.bubble .tag')].map(t => t.innerText)")
        assert tags == ["2 of 3 nodes", "2 of 3 nodes", "1 of 3 nodes"]
        assert "Something else." in await page.text("[data-bubble=old-1] .description")


async def test_before_it_is_described_the_page_says_who_collected_it(farm: Farm, open_page: OpenPage) -> None:
    def waits(db: Database) -> int:
        own(db)
        number = collected.collect(db, collected.add_source(db, time.time()), 1, time.time())
        collected.read(db, number, time.time(), node_id="n1")
        return number

    number = await farm.write(waits)
    async with open_page() as page:
        await page.go(f"{farm.url}/collecting", until="document.querySelector('.artifact .writer')")
        card = await page.text(".artifact")
        for part in ("Waiting for a description", "collected by farm-north, from The Met", "Exekias, Euphronios"):
            assert part in card, part
        await page.go(f"{farm.url}/collecting?artifact={number}", until="document.querySelector('.writer')")
        whole = await page.text("main")
        for part in ("Nothing yet: it waits", "collected by farm-north, from The Met", "Greek, Attic"):
            assert part in whole, part
        assert await page.evaluate(BUBBLES) == 0
        await farm.write(collected.describe, number, time.time(), node_id="n1", summary=ONE)
        await page.wait_for(f"{BUBBLES} === 1")
        both = await page.text("main")
        for part in (
            ONE,
            "described by farm-north: facts of the record, chosen by llama3.2:1b",
            "collected by farm-north, from The Met",
        ):
            assert part in both, part
        assert page.problems == []


async def test_bubbles_are_text_whatever_they_hold(farm: Farm, open_page: OpenPage) -> None:
    hostile = {
        "summary": EVIL,
        "title": [EVIL, {"a": EVIL}],
        EVIL: EVIL,
        "tags": {"deep": [EVIL]},
        "n": 5,
        "none": None,
    }
    more = [("shed-1", hostile), ("e-2", EVIL), ("e-3", ["a", 1, None]), ("e-4", 7), ("e-5", None), ("e-6", "{broken")]
    number = await farm.write(furnish, *more)
    async with open_page() as page:
        await page.go(f"{farm.url}/collecting?artifact={number}", until=f"{BUBBLES} === 7")
        assert (await page.text(".bubbles")).count("onerror=window.hacked=1") >= 5
        await page.go(f"{farm.url}/collecting", until="document.querySelector('.compare')")
        assert await page.evaluate("window.hacked") is None
        assert await page.evaluate("document.querySelectorAll('main img, main script').length") == 0
        assert [url for url in page.requests if "evil" in url] == []
        assert page.problems == []


async def test_an_artifact_that_is_not_there_is_said(farm: Farm, open_page: OpenPage) -> None:
    async with open_page() as page:
        for wrong in ("999", "x<b>", "9" * 40):
            await page.go(f"{farm.url}/collecting?artifact={wrong}", until="document.querySelector('main p + h1 + p')")
            await page.wait_for("document.querySelector('main').innerText.includes('There is no artifact with this')")


async def test_artifacts_of_one_node_are_filtered(farm: Farm, open_page: OpenPage) -> None:
    def second(db: Database) -> None:
        now = time.time()
        source = collected.add_source(db, now, "Pages", "https://pages.example/", "web")
        number = collected.collect(db, source, 2, now)
        collected.add_bubble(db, number, now, node_id="shed-1", content="Only the shed says this.")

    await farm.write(furnish)
    await farm.write(second)
    async with open_page() as page:
        await page.go(f"{farm.url}/collecting", until="document.querySelectorAll('.artifact').length === 2")
        await page.wait_for("document.querySelectorAll('select[name=node] option').length === 3")
        await page.evaluate(
            "(s => { s.value = 'shed-1'; s.dispatchEvent(new Event('change', {bubbles: true})) })"
            "(document.querySelector('select[name=node]'))"
        )
        await page.wait_for("location.search === '?node=shed-1' && document.querySelectorAll('.artifact').length === 1")
        assert "Only the shed says this." in await page.text(".artifact")
        assert page.problems == []
