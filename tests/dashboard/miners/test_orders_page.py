"""Orders: what they would do, how far they are, cancelled and undone, in a real browser."""

from __future__ import annotations

import time

import pytest

from hived.store import audit
from hived.store.miners import miners, orders
from tests.dashboard.access.test_login_page import log_in, unexpected
from tests.dashboard.browser import Page
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, ip, mac, password_of
from tests.dashboard.steered import begin, box, end, line, make_steerable, newest

pytestmark = pytest.mark.browser

EFFECT = "document.querySelector('dialog .effect').innerText.replaceAll('\\u00a0', ' ')"
CONFIRM = "dialog .buttons [type=submit]"
STATE = "document.querySelector('.head .badge').innerText"

# The timers that ask again every two seconds.
LOOKING = """
  window.looking = new Set();
  const [set, clear] = [setInterval, clearInterval];
  window.setInterval = (tick, ms) => { const timer = set(tick, ms); if (ms === 2000) looking.add(timer); return timer };
  window.clearInterval = timer => { looking.delete(timer); clear(timer) };
"""


async def furnish(farm: Farm, count: int = 3) -> None:
    for number in range(count):
        await farm.add(number)
    await farm.write(make_steerable)


async def ask(page: Page, farm: Farm, *numbers: int, verb: str = "pause") -> None:
    """Select miners and open the dialog of a verb."""
    await page.go(farm.url, until=f"document.querySelector('{box(numbers[0])}')")
    for number in numbers:
        await page.click(box(number))
    await page.click(f".actionbar [data-verb={verb}]")


async def give(page: Page, farm: Farm, *numbers: int) -> None:
    """Pause miners; then the page of the order is shown."""
    await ask(page, farm, *numbers)
    await page.wait_for(f"!document.querySelector('{CONFIRM}').disabled")
    await page.click(CONFIRM)
    await page.wait_for(f"document.querySelectorAll('.targets tbody tr').length === {len(numbers)}")


async def test_before_an_order_is_given_its_effect_and_who_is_left_out_are_said(
    farm: Farm, open_page: OpenPage
) -> None:
    await furnish(farm, 5)
    await farm.add(3, state="stopped", hashrate_hs=0.0, power_w=20.0)
    await farm.write(miners.missed, [await farm.add(4)], time.time(), offline_after=1)
    async with open_page() as page:
        await ask(page, farm, 0, 1, 2, 3, 4)
        await page.wait_for(f"{EFFECT} === 'Pause 3 miners: -8.82 kW, -288.0 TH/s, 2 left out'")
        reasons = (await page.text("dialog .leftout ul")).splitlines()
        assert sorted(reasons) == ["It is offline: 1 miner", "It is so already: 1 miner"]
        await page.click("dialog .leftout li:last-child summary")
        await page.wait_for(f"document.querySelector('dialog .leftout').innerText.includes('{ip(4)}')")
        assert await page.text(CONFIRM) == "Pause 3 miners"
        assert await farm.write(orders.listing, limit=9) == []

        assert await page.text("dialog .advanced summary") == "All at once"
        await page.click("dialog .asked summary")
        await page.wait_for(f"document.querySelector('dialog .asked').innerText.includes('{ip(2)}')")
        await page.click("dialog .advanced summary")
        for name, text in (("size", "1"), ("interval", "60")):
            await page.evaluate(f"document.querySelector('dialog [name={name}]').select()")
            await page.type(text)
        await page.wait_for(
            "document.querySelector('.advanced summary').innerText === '1 at a time, 60 s apart: takes about 2 minutes'"
        )
        await page.wait_for(f"!document.querySelector('{CONFIRM}').disabled")
        await page.click(CONFIRM)
        await page.wait_for("location.pathname === '/orders/1'")
        order, targets = await farm.write(newest)
        assert (order.packet.size, order.packet.interval_s, order.counts) == (1, 60.0, {"pending": 3, "skipped": 2})
        assert [one.reason for one in targets] == [None, None, None, "same_already", "offline"]
        assert page.problems == []


async def test_an_order_is_followed_to_its_end_and_then_asked_for_no_more(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=LOOKING)
        await give(page, farm, 0, 1, 2)
        assert await page.evaluate("looking.size") == 1
        assert await page.evaluate("document.title") == "Pause 3 miners - hived"
        assert await page.evaluate(STATE) == "running"
        await farm.write(begin, 0)
        await page.wait_for(f"document.querySelector('{line(0)}').innerText.includes('running')")
        assert await page.evaluate("document.querySelector('[data-state=pending]').innerText") == "2 pending"
        await farm.write(lambda db: orders.end(db, newest(db)[1][0], "refused", time.time(), said="Denied: locked"))
        await farm.write(end, 1, "unconfirmed", reason="no_effect")
        await farm.write(end, 2)
        await page.wait_for(f"{STATE} === 'done'")
        assert "“Denied: locked”" in await page.text(line(0))
        assert "it said yes, and did not do it" in await page.text(line(1))
        assert "96.00 TH/s, 3.00 kW" in await page.text(f"{line(2)} [data-label=Before]")
        assert await page.text(f"{line(2)} [data-label=After]") == "stopped, 0.00 TH/s, 14 W"
        await page.click("[data-state=confirmed]")
        await page.wait_for("document.querySelectorAll('.targets tbody tr').length === 1")
        assert await page.evaluate("looking.size") == 0
        await page.click("nav a[href='/orders']")
        await page.wait_for("document.querySelector('.orders tbody')")
        listed = await page.text(".orders tbody")
        assert "Pause 3 miners" in listed
        assert "1 refused, 1 unconfirmed, 1 confirmed" in listed
        assert page.problems == []


async def test_a_running_order_is_cancelled_and_undone(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await give(page, farm, 0, 1, 2)
        assert await page.evaluate("document.querySelector('.undo')") is None
        await farm.write(end, 0)
        await page.wait_for("document.querySelector('.undo')")
        await page.click(".cancel")
        await page.wait_for(f"{STATE} === 'cancelled'")
        assert "cancelled" in await page.text(line(1))
        await farm.add(0, state="stopped", hashrate_hs=0.0, power_w=14.0)
        await page.click(".undo")
        await page.wait_for(f"{EFFECT} === 'Resume 1 miner: nobody can tell how much power that changes'")
        assert await page.text(CONFIRM) == "Resume 1 miner"
        assert len(await farm.store.read(orders.listing, limit=9)) == 1
        await page.click(CONFIRM)
        await page.wait_for("location.pathname === '/orders/2' && document.querySelector('.targets')")
        assert await page.text("h1") == "Resume 1 miner"
        assert "order 1" in await page.text(".facts")
        assert page.problems == []


async def test_a_preset_is_chosen_from_the_ladder_of_the_models(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await furnish(farm)
    async with open_page() as page:
        await ask(page, farm, 0, 1, verb="preset")
        await page.wait_for("document.querySelectorAll('dialog option').length === 4")
        assert await page.evaluate(f"document.querySelector('{CONFIRM}').disabled")
        await page.evaluate(
            "(s => { s.value = '2700'; s.dispatchEvent(new Event('change', {bubbles: true})) })"
            "(document.querySelector('dialog select'))"
        )
        await page.wait_for(f"{EFFECT}.startsWith('Set the preset of 2 miners to 2700: -600 W')")
        await page.click(CONFIRM)
        await page.wait_for("location.pathname === '/orders/1'")
        assert (await farm.write(newest))[0].args == {"name": "2700", "untuned": False}


async def test_what_the_server_refuses_is_said_in_the_dialog(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm, 1)
    async with open_page() as page:
        await ask(page, farm, 0, verb="pools")
        await page.click("dialog [name=url0]")
        await page.type("stratum+tcp://own.example:3333")
        await page.wait_for("document.querySelector('dialog .preview').innerText.includes('no pool is allowed yet')")
        assert await page.evaluate(f"document.querySelector('{CONFIRM}').disabled")
        assert await page.evaluate("document.querySelector('dialog [name=again]')") is None, "there is none to show"
        assert "a user who is an admin" in await page.text("dialog .preview")
        await page.click("dialog .preview a")
        await page.wait_for("location.pathname === '/site' && document.querySelector('#pools')")


async def test_a_number_out_of_bounds_says_its_bounds(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await ask(page, farm, 0, 1, verb="power")
        await page.wait_for("document.querySelector('dialog [name=watts]')")
        for text in ("10", "99999", "250.5"):
            await page.evaluate("document.querySelector('dialog [name=watts]').select()")
            await page.type(text)
            await page.wait_for("document.querySelector('dialog label [role=alert]')")
            said = await page.text("dialog label [role=alert]")
            assert said == "Expected a whole number from 100 to 50,000"
            assert await page.evaluate(f"document.querySelector('{CONFIRM}').disabled")
        await page.evaluate("document.querySelector('dialog [name=watts]').select()")
        await page.type("2500")
        await page.wait_for("!document.querySelector('dialog label [role=alert]')")


async def test_what_stops_miners_for_a_while_is_no_order_without_a_change(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await ask(page, farm, 0, 1, verb="restart")
        await page.wait_for(
            f"{EFFECT} === 'Restart mining on 2 miners: power drops while they restart, and comes back'"
        )


async def test_what_an_undoing_leaves_out_is_said_before(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await give(page, farm, 0, 1)
        for number in (0, 1):
            await farm.write(end, number)
        await farm.add(0, state="stopped", hashrate_hs=0.0, power_w=14.0)
        await farm.write(miners.missed, [await farm.add(1)], time.time(), offline_after=1)
        await page.click(".undo")
        await page.wait_for(f"{EFFECT}.endsWith('1 left out')")
        assert "It is offline: 1 miner" in await page.text("dialog .leftout ul")
        await page.click("dialog .buttons [type=button]")
        await page.wait_for("!document.querySelector('dialog')")
        assert len(await farm.store.read(orders.listing, limit=9)) == 1


async def test_as_long_as_no_pool_is_allowed_pools_are_ordered_and_undone_with_the_password_again(
    farm: Farm, open_page: OpenPage
) -> None:
    await furnish(farm, 1)
    await farm.require_login(anna="admin")
    async with open_page() as page:
        await log_in(page, farm, "anna", until=f"document.querySelector('{box(0)}')")
        await ask(page, farm, 0, verb="pools")
        await page.click("dialog [name=url0]")
        await page.type("stratum+tcp://own.example:3333")
        await page.wait_for(f"document.querySelector('dialog [name=again]') && {EFFECT}")
        await page.click("dialog [name=again]")
        await page.type("wrong")
        await page.wait_for(f"!document.querySelector('{CONFIRM}').disabled")
        await page.click(CONFIRM)
        await page.wait_for("document.querySelector('dialog [role=alert]').innerText.includes('password is wrong')")
        await page.evaluate("document.querySelector('dialog [name=again]').select()")
        await page.type(password_of("anna"))
        await page.click(CONFIRM)
        await page.wait_for("location.pathname === '/orders/1' && document.querySelector('.targets')")
        await farm.write(end, 0)
        await page.wait_for("document.querySelector('.undo')")
        await page.click(".undo")
        await page.wait_for(f"document.querySelector('dialog [name=again]') && {EFFECT}")
        await page.click("dialog [name=again]")
        await page.type(password_of("anna"))
        await page.click(CONFIRM)
        await page.wait_for("location.pathname === '/orders/2'")
        failed = [one for one in await farm.store.read(audit.listing, limit=9) if one["action"] == "login.failed"]
        assert len(failed) == 1, "only what was sent is a try"
        assert unexpected(page) == []


async def test_who_may_not_steer_sees_orders_and_gives_none(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await give(page, farm, 0, 1, 2)
    await farm.write(end, 0)
    await farm.require_login(vera="viewer")
    async with open_page() as page:
        await log_in(page, farm, "vera", until="document.querySelector('.miners .pick')")
        assert await page.evaluate("document.querySelectorAll('.c-select, .actionbar').length") == 0
        await page.go(f"{farm.url}/miners/{mac(0)}", until="document.querySelector('.rules')")
        assert await page.evaluate("document.querySelectorAll('[data-verb], .rules button, .rules select').length") == 0
        await page.go(f"{farm.url}/orders/1", until=f"document.querySelector('{line(0)}')")
        assert await page.evaluate("document.querySelectorAll('.head button').length") == 0
        assert unexpected(page) == []


async def test_nothing_is_wider_than_a_phone(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    async with open_page(width=390, height=844) as page:
        await ask(page, farm, 0, 1)
        await page.wait_for(EFFECT)
        assert await page.evaluate(fits)
        assert await page.evaluate("(d => d.scrollWidth <= d.clientWidth)(document.querySelector('dialog'))")
        await page.click(CONFIRM)
        await page.wait_for("document.querySelector('.targets')")
        await farm.write(end, 0, "unconfirmed", reason="no_effect", said="x" * 200)
        await page.wait_for(f"document.querySelector('{line(0)}').innerText.includes('xxx')")
        assert await page.evaluate(fits)
        for path, until in (("/orders", ".orders tbody"), (f"/miners/{mac(1)}", ".rules")):
            await page.go(farm.url + path, until=f"document.querySelector('{until}')")
            assert await page.evaluate(fits)
