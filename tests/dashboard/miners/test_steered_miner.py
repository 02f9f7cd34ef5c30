"""Steering one miner from its own page, in a real browser."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from hived.records.miner import PoolReading
from hived.records.pools import AllowedPool
from hived.store.miners import allowed_pools, views
from tests.dashboard.access.test_login_page import log_in
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, mac
from tests.dashboard.steered import make_steerable, newest

pytestmark = pytest.mark.browser

CONFIRM = "dialog .buttons [type=submit]"
RULES = "document.querySelector('.rules').innerText"


async def test_a_miner_flashes_its_lights_from_its_own_page(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0)
    await farm.write(make_steerable, "locate")
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until="document.querySelector('[data-verb]')")
        assert await page.evaluate("document.querySelectorAll('.head [data-verb]').length") == 1
        await page.click("[data-verb=locate]")
        await page.wait_for("document.querySelector('dialog [name=seconds]')")
        await page.evaluate("document.querySelector('dialog [name=seconds]').select()")
        await page.type("30")
        await page.wait_for(f"!document.querySelector('{CONFIRM}').disabled")
        await page.click(CONFIRM)
        await page.wait_for("location.pathname === '/orders/1'")
        order, _ = await farm.write(newest)
        assert (order.verb, order.args) == ("locate", {"on": True, "seconds": 30})


async def test_a_foreign_pool_is_put_right_by_an_order_for_its_slot_alone(farm: Farm, open_page: OpenPage) -> None:
    pools = [
        PoolReading(0, "stratum+tcp://own.example:3333", "farm.a", status="active"),
        PoolReading(1, "stratum+tcp://thief.example:3333", "thief.x", status="working"),
        PoolReading(3, "DevFee", "DevFee", kind="devfee", status="working"),
    ]
    await farm.add(0, pools=tuple(pools))
    await farm.write(make_steerable)
    own = AllowedPool("stratum+tcp://own.example:3333", "farm.*")
    await farm.write(allowed_pools.add, own, by="anna", at=time.time())
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until="document.querySelector('.rightpools button')")
        await page.click(".rightpools button")
        await page.wait_for("document.querySelector('dialog').innerText.includes('thief.example')")
        assert await page.evaluate("document.querySelector('dialog [name=url1]').value") == pools[1].url
        await page.click("dialog fieldset:nth-of-type(2) .take")
        await page.evaluate("document.querySelector('dialog [name=user1]').select()")
        await page.type("farm.b")
        await page.wait_for(f"document.querySelector('{CONFIRM}').innerText === 'Set the pools of 1 miner'")
        assert "danger" in await page.evaluate(f"document.querySelector('{CONFIRM}').className")
        await page.wait_for(f"!document.querySelector('{CONFIRM}').disabled")
        await page.click(CONFIRM)
        await page.wait_for("location.pathname === '/orders/1'")
        order, _ = await farm.write(newest)
        assert order.args == {"pools": [{"slot": 1, "url": pools[0].url, "user": "farm.b"}]}
        await page.wait_for("document.querySelector('.head')?.innerText.includes('2: stratum+tcp://own.example:3333')")
        assert "as farm.b" in await page.text(".head")


async def test_the_rules_of_a_miner_are_shown_and_changed_by_who_may(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(0)
    await farm.write(make_steerable)
    await farm.require_login(olga="operator", anna="admin")
    path = f"/miners/{mac(0)}"
    async with open_page() as page:
        await log_in(page, farm, "olga", path, until="document.querySelector('.rules')")
        assert await page.evaluate("document.querySelectorAll('.rules button').length") == 1
        await page.click(".rules button")
        for name, text in (("group", "breaker 3"), ("tags", "noisy, north")):
            await page.evaluate(f"document.querySelector('dialog [name={name}]').select()")
            await page.type(text)
        await page.click(CONFIRM)
        await page.wait_for(f"{RULES}.includes('breaker 3') && {RULES}.includes('noisy north')")
    async with open_page() as page:
        await log_in(page, farm, "anna", path, until="document.querySelector('.rules')")
        await page.click("[data-hold=locked] button")
        await page.wait_for("document.activeElement.name === 'why'")
        await page.type("fan is being changed")
        await page.click(CONFIRM)
        await page.wait_for(f"{RULES}.includes('fan is being changed by anna')")
        await page.wait_for("document.querySelectorAll('.rules select option').length === 4")
        await page.evaluate(
            "(s => { s.value = '2700'; s.dispatchEvent(new Event('change', {bubbles: true})) })"
            "(document.querySelector('.rules select'))"
        )
        told = await page.text(".head [data-held=locked]")
        assert told.startswith("Locked: fan is being changed by anna")
        assert await page.evaluate("document.querySelector('[data-verb]')") is None, "it would take no order"
        await page.click("[data-hold=locked] button")
        await page.wait_for(f"!{RULES}.includes('fan is being changed')")
        view = next(iter(await farm.store.read(views.miners)))
        assert view.rules == replace(
            view.rules, group="breaker 3", tags=("noisy", "north"), locked=None, min_preset="2700"
        )
