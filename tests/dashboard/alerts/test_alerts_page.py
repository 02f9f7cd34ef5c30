"""The page of alerts in a real browser: what is open, in whose hands it is, and what decides who is told of what."""

from __future__ import annotations

import time

import pytest

from hived.records.daemon import ALERTD, DaemonRow
from hived.store import Database, daemon_rows
from hived.store.alerts import alerts as rows
from hived.store.alerts import rules, windows
from tests import alerts
from tests.dashboard.access.test_login_page import log_in, unexpected
from tests.dashboard.browser import Page
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm

pytestmark = pytest.mark.browser

WORDS = "document.body.innerText"


async def furnish(farm: Farm) -> tuple[int, int, int]:
    """A farm with two open alerts, one that is over, and hive-alertd at work."""

    def write(db: Database) -> tuple[int, int, int]:
        now = time.time()
        daemon_rows.save_daemon(db, DaemonRow(ALERTD, 7, "0.2.0", now - 900, now, "2 alerts open"))
        return alerts.furnish(db, now)

    await farm.furnish()
    for number in range(3):
        await farm.add(number)
    found: tuple[int, int, int] = await farm.write(write)
    return found


async def fill(page: Page, name: str, value: str) -> None:
    """Type a value into a field of the dialog, or choose it."""
    script = (
        f"(() => {{ const field = document.querySelector('dialog [name={name}]'); field.value = {value!r};"
        " for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {bubbles: true}));"
        " return field.value !== '' })()"
    )
    assert await page.evaluate(script), name


async def test_what_is_open_is_shown_with_what_it_explains_and_taken_in_hand(farm: Farm, open_page: OpenPage) -> None:
    dark, hot, over = await furnish(farm)
    card = f'[data-alert="{dark}"]'
    async with open_page() as page:
        await page.go(f"{farm.url}/alerts", until="document.querySelectorAll('.alert').length === 2")
        await page.wait_for("document.querySelector('.pill')?.textContent === '2 alerts'")
        shown = await page.text(card)
        for words in ("12 miners offline, all at once: group row A", "since 18 min", "1.200 PH/s now",
                      "Next: check the breaker", "It explains 3 more"):  # fmt: skip
            assert words in shown, shown
        await page.click(f"{card} summary")
        assert "127.20.0.1: 0 % of what it should give" in await page.text(f"{card} .explains")
        await page.wait_for("document.querySelector('.past')?.innerText.includes('fans lost, well again after')")
        await page.click(f"{card} .acknowledge")
        await page.wait_for(f"document.querySelector('{card}').innerText.includes('in the hands of')")
        await page.wait_for("document.querySelector('.pill').innerText.startsWith('1')")
        await page.click(f'[data-alert="{hot}"] .snooze')
        await page.wait_for("document.querySelector('dialog')")
        await fill(page, "seconds", "14400")
        await page.click("dialog [type=submit]")
        await page.wait_for(f"document.querySelector('[data-alert=\"{hot}\"]').innerText.includes('snoozed by')")
        asleep = await farm.store.read(rows.one, hot)
        assert asleep.snoozed_until is not None
        assert 14_000 < asleep.snoozed_until - time.time() < 14_401
        await page.click(f"{card} h3 a")
        await page.wait_for("document.querySelector('.alertmembers tbody tr')")
        assert await page.evaluate("document.querySelectorAll('#members').length && "
                                   "document.querySelectorAll('.alertmembers')[0].rows.length") == 13  # fmt: skip
        assert "ops: not arrived" in await page.text(".deliveries")
        await page.go_to(f"/alerts/{over}")
        await page.wait_for("document.querySelector('.head .badge')?.innerText === 'over'")
        await page.go_to("/alerts/999")
        await page.wait_for(f"{WORDS}.includes('There is no such alert')")
        assert [one for one in unexpected(page) if "404" not in one] == []


async def test_rules_are_switched_changed_made_and_reset(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    row = "[data-rule=too-hot]"
    async with open_page() as page:
        await page.go(f"{farm.url}/alerts?view=rules", until=f"document.querySelector('{row}')")
        assert "over 95 °C, well again at 90 °C" in await page.text(row)
        await page.click(f"{row} .actions button:nth-of-type(1)")
        await page.wait_for(f"{WORDS}.includes('too-hot is off.')")
        assert not (await farm.store.read(rules.one, "too-hot")).enabled
        await page.click(f"{row} .actions button:nth-of-type(2)")
        await page.wait_for("document.querySelector('dialog [name=threshold]')")
        await fill(page, "threshold", "80")
        await page.click("dialog [type=submit]")
        await page.wait_for("document.querySelector('dialog [role=alert]').innerText.includes('Not done: ')")
        await fill(page, "clear", "75")
        await fill(page, "for", "2")
        await page.click("dialog [type=submit]")
        await page.wait_for(f"document.querySelector('{row}').innerText.includes('over 80 °C, well again at 75 °C')")
        changed = await farm.store.read(rules.one, "too-hot")
        assert (changed.threshold, changed.clear, changed.for_s, changed.changed_by) == (80, 75, 120, "local")
        await page.click(f"{row} .actions button:nth-of-type(3)")
        await page.click("dialog .danger")
        await page.wait_for(f"{WORDS}.includes('too-hot is as it came.')")
        await page.click(".addrule")
        await page.wait_for("document.querySelector('dialog [name=sign] option[value=\"measure.power_w\"]')")
        for name, value in (("name", "hungry"), ("sign", "measure.power_w")):
            await fill(page, name, value)
        await page.wait_for("document.querySelector('dialog [name=threshold]')")
        for name, value in (("threshold", "3600"), ("model", "s19jpro"), ("miners", "2")):
            await fill(page, name, value)
        await page.click("dialog [type=submit]")
        await page.wait_for("document.querySelector('[data-rule=hungry]')")
        made = await farm.store.read(rules.one, "hungry")
        assert (made.threshold, made.miners, made.scope.model, made.enabled) == (3600, 2, "s19jpro", True)
        assert unexpected(page) == [one for one in unexpected(page) if "400" in one]


async def test_maintenance_and_quiet_hours_are_announced_and_taken_back(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await page.go(f"{farm.url}/alerts?view=windows", until="document.querySelector('.addwindow')")
        await page.click(".addwindow")
        await fill(page, "name", "rewiring")
        await page.click("dialog [type=submit]")
        await page.wait_for("document.querySelector('[data-window=rewiring]')")
        assert "now" in await page.text("[data-window=rewiring]")
        await page.click(".addquiet")
        await fill(page, "name", "night")
        await page.click("dialog [type=submit]")
        await page.wait_for("document.querySelector('[data-window=night]')")
        assert "every day 22:00 to 06:00" in await page.text("[data-window=night]")
        kept = await farm.store.read(windows.listing)
        assert [(one.name, one.kind) for one in kept] == [("night", "quiet"), ("rewiring", "maintenance")]
        await page.click("[data-window=rewiring] .actions button")
        await page.wait_for("!document.querySelector('[data-window=rewiring]')")
        assert unexpected(page) == []


async def test_a_channel_is_added_and_tried_and_says_what_did_not_arrive(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    async with open_page() as page:
        await page.go(f"{farm.url}/alerts?view=channels", until="document.querySelector('[data-channel=ops]')")
        assert "2 notices not arrived" in await page.text("[data-channel=ops]")
        assert "502: bad gateway" in await page.text(".undelivered")
        await page.click(".addchannel")
        for name, value in (("name", "hook"), ("url", "json://127.0.0.1:9/very-secret")):
            await fill(page, name, value)
        await page.click("dialog [type=submit]")
        await page.wait_for("document.querySelector('[data-channel=hook]')")
        await page.click("[data-channel=hook] .test")
        await page.wait_for(f"{WORDS}.includes('hook did not take it: 127.0.0.1, loopback')")  # nothing may go there
        assert "very-secret" not in await page.evaluate("document.documentElement.outerHTML")
        assert unexpected(page) == []


async def test_a_viewer_sees_alerts_and_rules_without_a_button(farm: Farm, open_page: OpenPage) -> None:
    await furnish(farm)
    await farm.require_login(vera="viewer")
    async with open_page(width=390, height=780) as page:
        await log_in(page, farm, "vera", until="document.querySelector('.pill')")
        assert await page.text(".pill") == "2"  # on a phone there is room for no more
        for view, until in (("", ".alert"), ("?view=rules", "[data-rule]"), ("?view=windows", "#windows")):
            await page.go(f"{farm.url}/alerts{view}", until=f"document.querySelector({until!r})")
            assert await page.evaluate("document.querySelectorAll('main button').length") == 0, view
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
            assert "Channels" not in await page.text(".tabs")
        assert unexpected(page) == []


async def test_without_hive_alertd_the_page_says_that_nobody_is_told(farm: Farm, open_page: OpenPage) -> None:
    async with open_page() as page:
        await page.go(f"{farm.url}/alerts", until=f"{WORDS}.includes('hive-alertd has never run')")
        await page.wait_for(f"{WORDS}.includes('Nothing is wrong that a rule would tell of.')")
        assert await page.evaluate("document.querySelector('.pill')") is None
