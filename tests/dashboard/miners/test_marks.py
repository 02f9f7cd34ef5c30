"""What is laid down for miners is seen in the fleet's table, and filters it, in a real browser."""

from __future__ import annotations

import time

import pytest

from hived.records.access import By
from hived.services.miners import steering
from hived.services.miners.rules import RULES
from hived.store import Database
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, ip, mac
from tests.dashboard.steered import make_steerable

pytestmark = pytest.mark.browser

ROWS = "[...document.querySelectorAll('.miners .pick')].map(a => a.innerText).join(' ')"
GROUP = "document.querySelector('select[title=\"Group or tag\"]')"


def _sorted(db: Database) -> None:
    by = By(at=time.time(), who="anna", via="session", address=None)
    steering.set_miner(db, mac(0), {"group": "row 1", "tags": ["hot"]}, by, "admin")
    steering.set_miner(db, mac(1), {"group": "row 2"}, by, "admin")
    steering.set_miner(db, mac(2), {"locked": RULES["locked"]("locked", {"why": "repair"})}, by, "admin")
    steering.set_miner(db, mac(3), {"protected": RULES["protected"]("protected", {"why": "customer X"})}, by, "admin")


async def test_groups_tags_and_holds_are_shown_and_filtered_by(farm: Farm, open_page: OpenPage) -> None:
    for number in range(4):
        await farm.add(number)
    await farm.write(make_steerable)
    await farm.write(_sorted)
    async with open_page(width=1700) as page:
        await page.go(f"{farm.url}/?sort=address", until=f"{ROWS}.split(' ').length === 4 && {GROUP}")
        assert await page.text(f'tr[data-mac="{mac(0)}"] .c-group') == "row 1 hot"
        for number, words in ((2, "locked by anna: repair"), (3, "protected by anna: customer X")):
            mark = f"document.querySelector('tr[data-mac=\"{mac(number)}\"] .held').getAttribute('aria-label')"
            assert await page.evaluate(mark) == words
        await page.size(390, 780)
        assert await page.text(f'tr[data-mac="{mac(0)}"] .c-group') == "row 1 hot"
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.size(1700, 900)
        options = await page.evaluate(f"[...{GROUP}.options].map(o => o.innerText)")
        assert options == ["all groups", "row 1 (1)", "row 2 (1)", "#hot (1)"]
        for value, shown in (("row 2", ip(1)), ("#hot", ip(0))):
            await page.evaluate(f"({GROUP}).value = '{value}'")
            await page.evaluate(f"({GROUP}).dispatchEvent(new Event('change', {{bubbles: true}}))")
            await page.wait_for(f"{ROWS} === '{shown}'")
        assert page.problems == []


async def test_a_miner_that_an_order_paused_is_not_one_that_just_stopped(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0, state="stopped", hashrate_hs=0.0, extra={"planned": True})
    await farm.add(1, state="stopped", hashrate_hs=0.0)
    async with open_page() as page:
        await page.go(f"{farm.url}/?sort=address", until=f"{ROWS}.split(' ').length === 2")
        for number, marked in ((0, True), (1, False)):
            state = f'tr[data-mac="{mac(number)}"] .c-state'
            assert (await page.text(state)).strip() == "stopped"
            sign = await page.evaluate(f"document.querySelector('{state} .paused')?.getAttribute('aria-label')")
            assert sign == ("paused by an order" if marked else None)
