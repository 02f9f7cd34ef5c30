"""What nobody knows just now: no live colour, no big figure, in no total, and since when."""

from __future__ import annotations

import time

import pytest

from hived.records.daemon import DaemonRow
from hived.store import Database, daemon_rows
from hived.store.miners import miners
from hived.store.schema import Health, Miner, Node
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, grow_old, mac
from tests.dashboard.nodes.test_nodes_page import join, own

pytestmark = pytest.mark.browser

ROWS = "document.querySelectorAll('tr[data-mac]').length"
FIGURES = "[...document.querySelectorAll('.totals .value')].map(v => v.innerText)"
GREY = "getComputedStyle(document.querySelector('{}')).filter.includes('grayscale')"


def _stop_polls(db: Database) -> None:
    daemon_rows.save_daemon(db, DaemonRow("hive-polld", 100, "0.1.0", time.time() - 600, time.time() - 300, "gone"))


def _kill_node(db: Database, state: str = "dead") -> None:
    own(db)
    join(db, "shed-1", "shed", ago=300)
    Node.update(state=state).where(Node.id == "shed-1").execute(db)
    Miner.update(node_id="shed-1", remote=True).where(Miner.mac == mac(1)).execute(db)
    Health.update(rev=Health.rev + 1000).execute(db)


@pytest.mark.parametrize("how", ["offline", "silent", "unseen", "lost"])
async def test_the_page_of_a_miner_that_is_not_known_now_shows_no_live_figure(
    farm: Farm, open_page: OpenPage, how: str
) -> None:
    await farm.furnish()
    num = await farm.add(1)
    if how == "offline":
        await farm.write(miners.missed, [num], time.time(), offline_after=1)
    elif how == "silent":
        await farm.write(grow_old, num, time.time() - 120)
    elif how == "unseen":
        await farm.write(_kill_node)
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(1)}", until="document.querySelector('.totals')")
        if how == "lost":
            await farm.stop()
        await page.wait_for("document.querySelector('.lastknown .totals')", within=20)
        assert set(await page.evaluate(FIGURES)) == {"-"}
        assert "was 96.00 TH/s" in await page.text(".totals")
        assert not await page.evaluate("!!document.querySelector('.totals .bar')")
        for part in (".lastknown .totals", ".lastknown section[aria-labelledby=boards]"):
            assert await page.evaluate(GREY.format(part)), part
        if how != "lost":
            assert (await page.text(".note.asof")).startswith("As of ")
            await page.wait_for("document.querySelector('.lastknown .chips-section')" if how != "unseen" else "true")
            assert page.problems == []


async def test_a_healthy_miner_has_its_colours(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(1)
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(1)}", until="document.querySelector('.totals .bar')")
        assert not await page.evaluate("!!document.querySelector('.lastknown')")


async def test_a_lost_connection_turns_no_miner_silent(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(1)
    async with open_page() as page:
        await page.go(farm.url, until=f"{ROWS} === 1")
        await farm.stop()
        await page.wait_for("document.querySelector('main.unheard')", within=20)
        assert set(await page.evaluate(FIGURES)) == {"-"}
        assert (await page.text(".totals")).count("unknown since ") == 5
        chips = "[...document.querySelectorAll('.chips .chip:not(.chip-all) b')].map(b => b.innerText)"
        assert set(await page.evaluate(chips)) == {"-"}
        assert await page.text(".c-state .tone-good") == "mining"
        for part in (".totals", ".chips", ".tablebox"):
            assert await page.evaluate(GREY.format(part)), part
        await farm.start()
        await page.wait_for("!document.querySelector('main.unheard') && document.querySelector('.bar')", within=20)
        assert (await page.evaluate(FIGURES))[0] == "96.00 TH/s"


async def test_without_hive_polld_nothing_is_lost_and_nothing_is_silent(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    num = await farm.add(1)
    await farm.write(grow_old, num, time.time() - 120)
    await farm.write(_stop_polls)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.totals .unknown')")
        assert "100.0 TH/s unknown since 2 min ago 1 miner" in " ".join((await page.text(".unknown")).split())
        assert "hive-polld is not running" in await page.text(".note.warning")
        assert await page.text(".c-state .tone-off") == "unseen"
        assert not await page.evaluate("!!document.querySelector('ul.lost')")
        assert (await page.text(".chip-silent")).startswith("0")


@pytest.mark.parametrize(("state", "what"), [("dead", "is dead"), ("left", "was stopped")])
async def test_a_node_that_is_gone_is_gone_on_every_page(
    farm: Farm, open_page: OpenPage, state: str, what: str
) -> None:
    await farm.furnish()
    await farm.add(1)
    await farm.write(_kill_node, state)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.note.warning')")
        warning = await page.text(".note.warning")
        assert f"shed {what}, last heard of 5 min ago: 1 miner unknown. Next: " in " ".join(warning.split())
        await page.go(f"{farm.url}/nodes", until="document.querySelectorAll('.node').length === 2")
        card = '.node[data-node="shed-1"]'
        text = await page.text(card)
        assert "- / 1" in text
        assert "online / all" not in text
        assert not await page.evaluate(f"!!document.querySelector('{card} .lastknown .tone-good')")
        lags = f"[...document.querySelectorAll('{card} .lag td')].map(td => td.innerText)"
        assert set(await page.evaluate(lags)) == {"-"}
        assert "20 polls" not in text
        assert page.problems == []


async def test_the_words_are_explained_where_they_are_used(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(1, error="no answer within 5 s")
    await farm.add(2, state="failure", hashrate_hs=0.0, extra={"failure_code": 1003, "description": "Chain 3 failed"})
    async with open_page(width=2000) as page:
        await page.go(farm.url, until=f"{ROWS} === 2 && document.querySelector('.words dt')")
        await page.click(".words summary")
        words = await page.text(".words")
        for word in ("failing", "failure", "silent", "offline", "stopped", "unreadable", "unseen", "dead-board"):
            assert word in words
        assert (await page.text(".chip-failing")).split() == ["1", "failing"]
        assert (await page.text(".chip-failure")).split() == ["1", "failure"]
        assert "last poll" in await page.evaluate("document.querySelector('.chip-failing').title")
        trouble = await page.text(f"tr[data-mac='{mac(2)}'] .c-error")
        assert "Chain 3 failed, code 1003" in trouble
        assert "read its log" in trouble
