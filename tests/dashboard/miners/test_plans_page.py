"""Orders by the clock, in a real browser: made with an order, switched and removed on the page of orders."""

from __future__ import annotations

import pytest

from hived.store.miners import orders, plans
from tests.dashboard.browser import Page
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, mac
from tests.dashboard.miners.test_orders_page import CONFIRM, ask, furnish

pytestmark = pytest.mark.browser


async def _fill(page: Page, name: str, value: str) -> None:
    script = (
        f"(() => {{ const field = document.querySelector('dialog [name={name}]'); field.value = '{value}';"
        " field.dispatchEvent(new Event('input', {bubbles: true})); return true })()"
    )
    assert await page.evaluate(script)


async def test_an_order_becomes_a_plan_that_is_switched_and_removed(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await ask(page, farm, 0, 1)
        await page.wait_for(f"!document.querySelector('{CONFIRM}').disabled")
        await page.evaluate("[...document.querySelectorAll('dialog details summary')].at(-1).click()")
        await page.wait_for("document.querySelector('dialog [name=plan]')")
        for name, value in (("plan", "night"), ("from", "22:00"), ("to", "06:00")):
            await _fill(page, name, value)
        await page.wait_for(f"document.querySelector('{CONFIRM}').innerText === 'Make the plan'")
        await page.click(CONFIRM)
        await page.wait_for(
            "document.querySelector('#plans') && document.body.innerText.includes('every day 22:00 to 06:00')"
        )
        (plan,) = await farm.store.read(plans.listing)
        assert (plan.name, plan.body["verb"], plan.body["miners"]) == ("night", "pause", [mac(0), mac(1)])
        assert await farm.store.read(orders.listing, limit=5) == []
        await page.evaluate("[...document.querySelectorAll('button')].find(b => b.innerText === 'Switch off').click()")
        await page.wait_for("document.body.innerText.includes('night is off.')")
        assert not (await farm.store.read(plans.listing))[0].enabled
        await page.evaluate("[...document.querySelectorAll('button')].find(b => b.innerText === 'Remove…').click()")
        await page.wait_for("document.querySelector('dialog .buttons .danger')")
        await page.click("dialog .buttons .danger")
        await page.wait_for("document.body.innerText.includes('No order is given by the clock')")
        assert await farm.store.read(plans.listing) == []
