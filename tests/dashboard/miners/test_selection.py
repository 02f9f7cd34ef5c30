"""Selecting miners in the fleet's table, in a real browser."""

from __future__ import annotations

import pytest

from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, ip, mac
from tests.dashboard.steered import box, make_steerable, selected

pytestmark = pytest.mark.browser

DRAWN = "document.querySelectorAll('.miners .pick').length"
ALL = "document.querySelector('thead .c-select input')"
VERBS = "[...document.querySelectorAll('.actionbar [data-verb]')].map(b => b.dataset.verb).join(' ')"


def is_selected(number: int) -> str:
    return f"document.querySelector('{box(number)} input').checked"


async def test_rows_are_selected_singly_in_a_range_and_all_that_match(farm: Farm, open_page: OpenPage) -> None:
    await farm.add_many(5000)
    await farm.write(make_steerable)
    async with open_page() as page:
        await page.go(f"{farm.url}/?sort=address", until=f"{DRAWN} > 20")
        assert await page.evaluate("document.querySelector('.actionbar')") is None
        await page.click(box(1))
        await selected(page, 1)
        await page.click(box(6), shift=True)
        await selected(page, 6)
        assert await page.evaluate("String(getSelection())") == ""
        await page.click(box(3))
        await selected(page, 5)
        assert not await page.evaluate(is_selected(3))
        assert await page.evaluate(f"{ALL}.indeterminate")

        # Sorted, changed and filtered: they stay.
        await page.click(".c-hashrate button")
        await page.wait_for("document.querySelector('th.c-hashrate').ariaSort === 'descending'")
        await farm.add(2, state="stopped", hashrate_hs=0.0)
        await page.go_to("?sort=address&q=rack-49")
        await page.wait_for("document.querySelector('.found').innerText.startsWith('111 of 5,000')")
        await selected(page, 5)
        assert "5 of them not shown" in await page.text(".picked")
        await page.click(".actionbar .all")
        await selected(page, 116)
        assert await page.evaluate(f"{ALL}.checked && !{ALL}.indeterminate")
        await page.click("thead .c-select input")
        await selected(page, 5)
        await page.go_to("?sort=address")
        await page.wait_for(is_selected(2))
        await page.click("thead .c-select input")
        await selected(page, 5000)
        assert await page.evaluate("document.querySelectorAll('*').length") < 3000
        await page.click(".actionbar .clear")
        await page.wait_for("!document.querySelector('.actionbar')")
        assert page.problems == []


async def test_a_row_is_selected_by_keyboard_and_not_opened(farm: Farm, open_page: OpenPage) -> None:
    await farm.add_many(30)
    await farm.write(make_steerable)
    async with open_page() as page:
        await page.go(f"{farm.url}/?sort=address", until=f"{DRAWN} === 30")
        await page.evaluate(f"document.querySelector('{box(0)} input').focus()")
        assert await page.evaluate("document.activeElement.ariaLabel") == f"Select {ip(0)}"
        await page.key("ArrowDown", 40)
        await page.wait_for(f"document.activeElement.ariaLabel === 'Select {ip(1)}'")
        await page.key(" ", 32, " ")
        await selected(page, 1)
        for step in (2, 3, 4):
            await page.key("ArrowDown", 40)
            await page.wait_for(f"document.activeElement.ariaLabel === 'Select {ip(step)}'")
        await page.key(" ", 32, " ", shift=True)
        await selected(page, 4)
        assert await page.evaluate("location.pathname") == "/"
        # Nothing that has the focus stays behind the bar.
        await page.key("End", 35)
        await page.wait_for(f"document.activeElement.ariaLabel === 'Select {ip(29)}'")
        await page.wait_for(
            "document.activeElement.getBoundingClientRect().bottom"
            " <= document.querySelector('.actionbar').getBoundingClientRect().top"
        )


async def test_what_none_of_them_can_do_is_not_offered(farm: Farm, open_page: OpenPage) -> None:
    for number in range(3):
        await farm.add(number)
    await farm.write(make_steerable, "pause", 0)
    await farm.write(make_steerable, "reboot pause", 1)
    await farm.write(make_steerable, "chips", 2)
    async with open_page() as page:
        await page.go(farm.url, until=f"{DRAWN} === 3")
        await page.click(box(0))
        await page.wait_for(f"{VERBS} === 'pause resume'")
        await page.click(box(1))
        await page.wait_for(f"{VERBS} === 'pause resume reboot'")
        assert "danger" in await page.evaluate("document.querySelector('[data-verb=reboot]').className")
        await page.click(".actionbar .clear")
        await page.click(box(2))
        await page.wait_for("document.querySelector('.actionbar').innerText.includes('cannot be steered')")
        await page.click(f'tr[data-mac="{mac(2)}"] .pick')
        await page.wait_for("document.querySelector('.rules')")
        assert await page.evaluate("document.querySelectorAll('[data-verb]').length") == 0
