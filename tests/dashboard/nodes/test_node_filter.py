"""One node or all of them: the fleet, events and a miner of another node, in a real browser."""

from __future__ import annotations

import time

import pytest

from hived.records.node import Order
from hived.records.streams import ROLLUP_S
from hived.store import Database
from hived.store import commands as orders
from hived.store.engine.database import tuples
from hived.store.miners import ownership
from hived.store.schema import Event, Health, Miner, Rollup5m
from tests.dashboard.browser import Page
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import TH, Farm, ip, mac
from tests.dashboard.nodes.test_nodes_page import join, own

pytestmark = pytest.mark.browser

ADDRESSES = "[...document.querySelectorAll('.miners .pick')].map(a => a.innerText)"


async def choose(page: Page, node: str) -> None:
    await page.wait_for("document.querySelectorAll('select[name=node] option').length === 3")
    await page.evaluate(
        f"(s => {{ s.value = {node!r}; s.dispatchEvent(new Event('change', {{bubbles: true}})) }})"
        "(document.querySelector('select[name=node]'))"
    )


def give_away(db: Database, *numbers: int) -> None:
    """Let another node watch these miners."""
    own(db)
    join(db, "shed-1", "shed")
    given = Miner.mac.in_([mac(n) for n in numbers])
    Miner.update(node_id="shed-1", remote=True).where(given).execute(db)
    ownership.first_told(db, [num for (num,) in tuples(Miner.select(Miner.num).where(given), db)], "shed-1")
    Health.update(rev=Health.rev + 1000).execute(db)


async def test_the_fleet_of_one_node_has_its_own_totals(farm: Farm, open_page: OpenPage) -> None:
    for number in range(3):
        await farm.add(number)
    await farm.add(2, hashrate_hs=48 * TH)
    async with open_page() as page:
        await page.go(farm.url, until=f"{ADDRESSES}.length === 3")
        assert await page.evaluate("document.querySelector('.nodechoice')") is None
        await farm.write(give_away, 2)
        await page.wait_for("document.querySelector('.nodechoice')", within=15)
        words = "document.querySelector('select[name=node]').innerText"
        await page.wait_for(f"{words}.includes('farm-north: 2 of 2 online, 192.0 TH/s')")
        assert "shed: 1 of 1 online, 48.00 TH/s" in await page.evaluate(words)
        await choose(page, "shed-1")
        await page.wait_for(f"{ADDRESSES}.join() === '{ip(2)}' && location.search === '?node=shed-1'")
        totals = await page.text(".totals")
        for part in ("48.00 TH/s", "48.0 %", "of 100.0 TH/s expected", "3.00 kW", "1 online, 1 hashing"):
            assert part in totals, part
        assert "Last sweep" not in totals
        assert "1 miners" in (await page.text(".chip-all")).replace("\n", " ")
        await choose(page, "n1")
        await page.wait_for(
            f"{ADDRESSES}.length === 2 && document.querySelector('.totals').innerText.includes('192.0 TH/s')"
        )
        await page.go(f"{farm.url}/?node=shed-1", until=f"{ADDRESSES}.join() === '{ip(2)}'")
        assert page.problems == []


async def test_events_of_one_node_are_shown_and_followed(farm: Farm, open_page: OpenPage) -> None:
    def happen(db: Database, n: int, node_id: str | None) -> None:
        Event.insert(at=time.time(), kind="reboot", detail="{}", node_id=node_id, node_epoch="e", node_seq=n).execute(
            db
        )

    await farm.add(0)
    await farm.write(give_away)
    await farm.write(happen, 1, "shed-1")
    async with open_page() as page:
        await page.go(f"{farm.url}/events", until="document.querySelector('.events li')")
        assert "shed: rebooted" in " ".join((await page.text(".events")).split())
        await choose(page, "shed-1")
        await page.wait_for(
            "document.querySelectorAll('.events li').length === 1 && location.search === '?node=shed-1'"
        )
        await farm.write(happen, 2, None)
        await farm.write(happen, 3, "shed-1")
        await page.wait_for("document.querySelectorAll('.events li').length === 2")
        await choose(page, "n1")
        await page.wait_for("document.querySelector('.events').innerText.includes('was found')")
        assert "shed: rebooted" not in " ".join((await page.text(".events")).split())
        await farm.write(happen, 4, "shed-1")
        before = await page.evaluate("document.querySelectorAll('.events li').length")
        await farm.write(happen, 5, None)
        await page.wait_for(f"document.querySelectorAll('.events li').length === {before + 1}")
        assert page.problems == []


async def test_a_miner_of_another_node_says_who_watches_it_and_what_is_kept_there(
    farm: Farm, open_page: OpenPage
) -> None:
    def roll(db: Database, num: int) -> None:
        give_away(db, 0)
        begin = time.time() // ROLLUP_S * ROLLUP_S
        for i in range(6):
            Rollup5m.insert(at=begin - (i + 2) * ROLLUP_S, num=num, n=20, hashing_n=20, hashrate_mean_hs=90e12,
                            hashrate_min_hs=80e12, hashrate_max_hs=99e12).execute(db)  # fmt: skip

    await farm.furnish()
    num = await farm.add(0)
    await farm.write(roll, num)
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until="document.querySelector('.away')")
        assert await page.text(".away") == "Chips and settings are kept on the node shed."
        assert (
            await page.evaluate("document.querySelector('.facts a[href=\"/nodes?node=shed-1\"]').innerText") == "shed"
        )
        assert await page.evaluate("document.querySelector('.chipgrid, .settings')") is None
        await page.wait_for("document.querySelectorAll('.chart canvas').length === 3")
        assert "6 5 min means" in await page.text("#history")
        await page.click(".switch")
        await page.wait_for("document.querySelector('.waitingfor')")
        assert await page.text(".waitingfor") == "Waits for the node shed to fetch it: managed."
        await page.click(".head button")
        await page.wait_for("document.activeElement.type === 'password'")
        assert "It is stored on the node shed" in await page.text("dialog")
        await page.type("s3cret-pw")
        await page.key("Enter", 13, "\r")
        await page.wait_for("document.querySelector('.waitingfor').innerText.includes('managed, unlock password')")
        assert {one.verb for one in await farm.store.read(_waiting)} == {"set_managed", "set_unlock_pass"}
        assert await page.evaluate("document.documentElement.outerHTML.includes('s3cret-pw')") is False
        await page.click(".facts a[href='/nodes?node=shed-1']")
        await page.wait_for("document.querySelector('.node.chosen')?.dataset.node === 'shed-1'")
        assert page.problems == []


def _waiting(db: Database) -> list[Order]:
    return orders.waiting(db, "shed-1", secure=True, now=time.time())
