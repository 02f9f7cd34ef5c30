"""Users, tokens and the audit in a real browser."""

from __future__ import annotations

import re
import time

import pytest

from hived.store import Database, audit
from hived.store.access import tokens, users
from tests.dashboard.access.test_login_page import fill, log_in, unexpected
from tests.dashboard.appliance.test_other_pages import CONTRAST
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm

pytestmark = pytest.mark.browser

READ = (
    "document.querySelector('#users') && document.querySelector('#audit')"
    " && !document.body.innerText.includes('Reading ')"
)
DISABLED = "document.querySelectorAll('[data-user=anna] :is(button, select):disabled')"
CHOOSE = (
    "(s => {{ s.value = {!r}; s.dispatchEvent(new Event('change', {{bubbles: true}})) }})(document.querySelector({!r}))"
)
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


async def test_users_are_added_changed_and_removed_and_the_last_admin_stays(farm: Farm, open_page: OpenPage) -> None:
    await farm.require_login(anna="admin")
    async with open_page() as page:
        await log_in(page, farm, "anna", "/access", until=READ)
        assert (
            await page.evaluate(
                "[...document.querySelectorAll('[data-user=anna] :is(button, select):disabled')].length"
            )
            == 2
        )
        assert "The last admin stays" in await page.evaluate("document.querySelector('[data-user=anna] select').title")
        await page.click(".sectionhead button")
        await page.wait_for("document.activeElement.name === 'user'")
        await fill(page, user="boris", password="a long enough one", again="a long enough one")
        await page.evaluate(CHOOSE.format("admin", "dialog select"))
        await page.click("dialog .primary")
        await page.wait_for("document.querySelector('[data-user=boris]') && !document.querySelector('dialog')")
        await page.wait_for(f"{DISABLED}.length === 0")
        await page.evaluate(CHOOSE.format("operator", "[data-user=boris] select"))
        await page.wait_for("document.querySelector('main').innerText.includes('boris is operator now')")
        assert (await farm.store.read(users.one, "boris")).role == "operator"
        await page.click("[data-user=boris] .actions button")
        await fill(page, password="another long one", again="another long one")
        await page.click("dialog .primary")
        await page.wait_for("document.querySelector('main').innerText.includes('boris has a new password')")
        await page.click("[data-user=boris] .actions button:last-child")
        await page.click("dialog .danger")
        await page.wait_for("!document.querySelector('[data-user=boris]')")
        assert [user.name for user in await farm.store.read(users.listing)] == ["anna"]
        await page.wait_for("document.querySelector('.audit').innerText.includes('user remove')", within=15)
        words = " ".join((await page.text(".audit tbody")).split())
        for part in (
            "user add boris role: admin",
            "user role boris role: admin → operator",
            "user password boris",
            "127.0.0.1 login",
        ):
            assert part in words, part
        assert "long" not in words
        assert unexpected(page) == []


async def test_a_token_is_shown_once_and_revoked(farm: Farm, open_page: OpenPage) -> None:
    await farm.require_login(anna="admin")
    async with open_page() as page:
        await log_in(page, farm, "anna", "/access", until=READ)
        await page.click("[aria-labelledby=tokens] .sectionhead button")
        await page.wait_for("document.activeElement.name === 'name'")
        await fill(page, name="grafana")
        await page.click("dialog input[name=miners]")
        await page.evaluate(CHOOSE.format("30", "dialog select[name=days]"))
        await page.click("dialog .primary")
        shown = await page.wait_for("document.querySelector('dialog .secret .line')?.innerText")
        assert shown.startswith("hived_")
        assert "This is the only time it is shown" in await page.text("dialog")
        await page.click("dialog .primary")
        await page.wait_for("!document.querySelector('dialog') && document.querySelector('[data-token]')")
        assert await page.evaluate(f"document.documentElement.outerHTML.includes('{shown}')") is False
        (kept,) = await farm.store.read(tokens.listing)
        assert (kept.name, kept.role, list(kept.scopes)) == ("grafana", "viewer", ["miners"])
        assert kept.expires_at is not None
        assert abs(kept.expires_at - time.time() - 30 * 86400) < 60
        assert "in 30 days" in await page.text("[data-token]")
        await page.click("[data-token] button")
        await page.click("dialog .danger")
        await page.wait_for("document.querySelector('[data-token]').innerText.includes('revoked')")
        assert not (await farm.store.read(tokens.listing))[0].valid(time.time())
        assert unexpected(page) == []


def _changes(db: Database, count: int) -> None:
    for n in range(count):
        audit.note(db, at=time.time(), who=HOSTILE, via="session", address="10.0.0.7", action="miner.change",
                   target=f"{n} {HOSTILE}", before={HOSTILE: n}, after={HOSTILE: n + 1, "managed": True})  # fmt: skip


async def test_older_changes_come_on_demand_and_words_stay_words(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(_changes, 70)
    async with open_page() as page:
        await page.go(f"{farm.url}/access", until="document.querySelectorAll('.audit tbody tr').length === 50")
        await page.click(".older")
        await page.wait_for(
            "document.querySelectorAll('.audit tbody tr').length > 69 && !document.querySelector('.older')"
        )
        words = await page.text(".audit tbody tr:last-child")
        assert f"{HOSTILE}: 0 → 1" in " ".join(words.split())
        assert "managed: yes" in words
        assert await page.evaluate("window.hacked") is None
        assert await page.evaluate("document.querySelectorAll('#app img[src=x], #app script').length") == 0
        assert page.problems == []


def _objects(db: Database) -> None:
    at = 1_796_106_830.79
    audit.note(
        db, at=at, who="root", via="command", address=None, action="order.give", target="order 5",
        after={"args": {}, "force": None, "miners": [f"02:0e:7e:00:00:0{n}" for n in range(9)], "expires_at": at},
    )  # fmt: skip
    audit.note(
        db, at=at, who="root", via="command", address=None, action="miner.change", target="m",
        before={"locked": None, "tags": []}, after={"locked": {"why": "repair", "by": "root", "at": at}, "tags": []},
    )  # fmt: skip


async def test_objects_times_and_lists_are_words(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(_objects)
    async with open_page() as page:
        await page.go(f"{farm.url}/access", until="document.querySelectorAll('.audit tbody tr').length === 2")
        rows = [" ".join((await page.text(f".audit tbody tr:nth-child({n}) .wide")).split()) for n in (1, 2)]
        when = r"\d{1,2} \w{3} 2026, \d\d:\d\d:\d\d"
        assert re.fullmatch(f"locked: none → why: repair, by: root, at: {when}", rows[0]), rows[0]
        macs = "02:0e:7e:00:00:00, 02:0e:7e:00:00:01, 02:0e:7e:00:00:02"
        assert re.fullmatch(f"miners: 9: {macs} and 6 more expires at: {when}", rows[1]), rows[1]
        assert page.problems == []


async def test_the_page_and_the_login_are_readable_in_both_themes_and_fit_a_phone(
    farm: Farm, open_page: OpenPage
) -> None:
    await farm.require_login(anna="admin", boris="operator")
    async with open_page() as page:
        await page.go(f"{farm.url}/login", until="document.querySelector('.credentials')")
        for dark in (False, True):
            await page.prefer(dark=dark)
            await page.wait_for(f"document.documentElement.dataset.theme === '{'dark' if dark else 'light'}'")
            assert await page.evaluate(CONTRAST) == [], dark
        await log_in(page, farm, "anna", "/access", until=READ)
        await page.click(".who")
        for dark in (False, True):
            await page.prefer(dark=dark)
            await page.wait_for(f"document.documentElement.dataset.theme === '{'dark' if dark else 'light'}'")
            assert await page.evaluate(CONTRAST) == [], dark
        await page.size(390, 844)
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        fits = "a => a.scrollWidth <= a.clientWidth && a.getBoundingClientRect().right <= innerWidth"
        assert await page.evaluate(f"[...document.querySelectorAll('nav a')].every({fits})")
        assert await page.evaluate("document.querySelectorAll('nav a').length") == 9


async def test_a_site_without_users_says_who_is_let_in(farm: Farm, open_page: OpenPage) -> None:
    async with open_page() as page:
        await page.go(f"{farm.url}/access", until=READ)
        words = await page.text("[aria-labelledby=users]")
        assert "None yet. A login link lets in one browser on this machine" in words
        assert page.problems == []
