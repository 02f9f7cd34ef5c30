"""Rules for many miners at once, in a real browser."""

from __future__ import annotations

import pytest

from hived.store import Database
from hived.store.miners import views
from hived.store.schema import Miner
from tests.dashboard.browser import Page
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, mac
from tests.dashboard.miners.test_orders_page import EFFECT, ask, furnish
from tests.dashboard.steered import box, selected

pytestmark = pytest.mark.browser

SAVE = "dialog .buttons [type=submit]"


async def _choose(page: Page, name: str, value: str) -> None:
    field = f"document.querySelector('dialog [name={name}]')"
    kind = "change" if await page.evaluate(f"{field}.tagName === 'SELECT'") else "input"
    await page.evaluate(f"{field}.value = '{value}'")
    await page.evaluate(f"{field}.dispatchEvent(new Event('{kind}', {{bubbles: true}}))")


def _unmanaged(db: Database) -> None:
    Miner.update(managed=False).execute(db)


async def test_group_tags_holds_and_managed_of_the_selected_are_changed_together(
    farm: Farm, open_page: OpenPage
) -> None:
    await furnish(farm)
    await farm.write(_unmanaged)
    async with open_page() as page:
        await page.go(farm.url, until=f"document.querySelector('{box(0)}')")
        for number in (0, 1):
            await page.click(box(number))
        await selected(page, 2)
        await page.click(".actionbar .bulk")
        for name, value in (("managed", "yes"), ("grouping", "set"), ("add", "hot, north"), ("hold", "locked")):
            await _choose(page, name, value)
        await page.wait_for("document.querySelector('dialog [name=why]')")
        await _choose(page, "group", "row 2")
        await _choose(page, "why", "repair")
        await page.click(SAVE)
        await page.wait_for("!document.querySelector('dialog')")
        found = {view.mac: view for view in await farm.store.read(views.miners)}
        for number in (0, 1):
            view = found[mac(number)]
            assert (view.managed, view.rules.group, view.rules.tags) == (True, "row 2", ("hot", "north"))
            assert view.rules.locked is not None
        assert (found[mac(2)].managed, found[mac(2)].rules.group) == (False, None), "it was not selected"
        assert page.problems == []


async def test_who_is_not_managed_is_let_in_where_that_is_met(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm, 2)
    await farm.write(_unmanaged)
    async with open_page() as page:
        await ask(page, farm, 0, 1)
        await page.wait_for(
            "document.querySelector('dialog .leftout')?.innerText.includes('It is not managed: 2 miners')"
        )
        await page.click("dialog .manage")
        await page.wait_for(f"{EFFECT}.startsWith('Pause 2 miners: -')")
        assert all(view.managed for view in await farm.store.read(views.miners))
