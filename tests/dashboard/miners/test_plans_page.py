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
        assert "Without an end nothing brings it back" in await page.text("dialog .noway")
        await page.wait_for("document.querySelector('dialog .boxclock').innerText.includes('there it is')")
        for name, value in (("plan", "night"), ("from", "22:00"), ("to", "6:00")):
            await _fill(page, name, value)
        await page.wait_for("!document.querySelector('dialog .noway')")
        await page.wait_for(f"document.querySelector('{CONFIRM}').innerText === 'Make the plan'")
        await page.click(CONFIRM)
        await page.wait_for(
            "document.querySelector('#plans') && document.body.innerText.includes('every day 22:00 to 06:00')"
        )
        assert "Pause 2 miners" in await page.text(".plain-table:not(.orders) tbody")
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


async def test_an_order_is_given_now_with_its_way_back_planned(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await ask(page, farm, 0, 1)
        await page.wait_for(f"!document.querySelector('{CONFIRM}').disabled")
        await page.evaluate("[...document.querySelectorAll('dialog details summary')].at(-1).click()")
        await page.wait_for("document.querySelector('dialog [name=plan]')")
        await page.click("dialog [name=kind][value=now]")
        await page.wait_for(f"document.querySelector('{CONFIRM}').disabled && !document.querySelector('[name=from]')")
        then = "new Date(Date.now() + 7200000 - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16)"
        await _fill(page, "plan", "heat")
        await _fill(page, "until", str(await page.evaluate(then)))
        await page.wait_for(f"!document.querySelector('{CONFIRM}').disabled")
        assert await page.text(CONFIRM) == "Pause 2 miners"
        await page.click(CONFIRM)
        await page.wait_for("location.pathname === '/orders/1'")
        (plan,) = await farm.store.read(plans.listing)
        assert (plan.name, plan.next_what, plan.order) == ("heat", "back", 1)


async def test_what_has_no_way_back_asks_for_none(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await ask(page, farm, 0, 1, verb="reboot")
        await page.wait_for(f"!document.querySelector('{CONFIRM}').disabled")
        await page.evaluate("[...document.querySelectorAll('dialog details summary')].at(-1).click()")
        await page.wait_for("document.querySelector('dialog [name=from]')")
        assert await page.evaluate("document.querySelectorAll('[name=to], [name=kind][value=now], .noway').length") == 0
