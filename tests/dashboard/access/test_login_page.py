"""Logging in, the first admin, and what happens when a session ends, in a real browser."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote

import pytest

from hived.records.access import By
from hived.records.logins import code_hash
from hived.services.access import login_link
from hived.services.appliance.tls import Tls
from hived.store import Database
from hived.store.access import codes, sessions, users
from tests.dashboard.browser import Page
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, password_of

pytestmark = pytest.mark.browser

WORDS = "document.querySelector('main').innerText"


async def fill(page: Page, **fields: str) -> None:
    """Type into the fields of these names."""
    for name, text in fields.items():
        await page.evaluate(f"document.querySelector('[name={name}]').select()")
        await page.type(text)


async def log_in(
    page: Page, farm: Farm, user: str, path: str = "/", *, until: str = "document.querySelector('.who')"
) -> None:
    """Open a path, log in where that is asked for, and wait until the page is there."""
    await page.go(farm.url + path, until="document.querySelector('.credentials')")
    await fill(page, user=user, password=password_of(user))
    await page.click(".credentials button")
    await page.wait_for(until)


def unexpected(page: Page) -> list[str]:
    """Return the problems of a page without what the browser says of refused calls."""
    return [p for p in page.problems if not any(status in p for status in ("401", "403", "429"))]


async def test_nobody_gets_in_without_a_password_and_then_is_where_they_wanted_to_be(
    farm: Farm, open_page: OpenPage
) -> None:
    await farm.require_login(anna="admin")
    await farm.add(0)
    async with open_page() as page:
        await page.go(f"{farm.url}/events?kind=miner_found", until="document.querySelector('.credentials')")
        assert (
            await page.evaluate("location.pathname + location.search") == "/login?next=%2Fevents%3Fkind%3Dminer_found"
        )
        await page.wait_for("document.title === 'Log in - hived'")
        assert await page.evaluate("document.activeElement.name") == "user"
        assert [url for url in page.requests if "/api/v1/rows" in url or "/api/v1/events" in url] == []
        await fill(page, user="anna", password="not the right one")
        await page.key("Enter", 13, "\r")
        await page.wait_for(f"{WORDS}.includes('Not logged in: user name or password is wrong.')")
        assert await page.evaluate("document.querySelector('[name=password]').value") == ""
        assert await page.evaluate("document.activeElement.name") == "password"
        await page.type(password_of("anna"))
        await page.key("Enter", 13, "\r")
        await page.wait_for("location.search === '?kind=miner_found' && document.querySelector('.events li')")
        assert (await page.text(".who")).split()[:3] == ["Account:", "anna", "admin"]
        assert unexpected(page) == []
        assert page.foreign_requests(farm.url) == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example", "/login?next=/setup", "/.//evil.example:1/x",
        "/x/..//evil.example", "/./\\evil.example", "/%2e//evil.example", "HERE//evil.example/", "HERE\\\\evil.example",
        "\t//evil.example", "/\n/evil.example", "/.\t//evil.example", "///evil.example", "javascript:alert(1)",
        "http:///evil.example", "/..//evil.example?x#y",
    ],
)  # fmt: skip
async def test_the_way_back_leads_to_no_other_site(farm: Farm, open_page: OpenPage, elsewhere: str) -> None:
    await farm.require_login(anna="admin")
    async with open_page() as page:
        way = quote(elsewhere.replace("HERE", farm.url), safe="")
        await log_in(page, farm, "anna", f"/login?next={way}")
        await page.wait_for(f"location.href === '{farm.url}/'")
        await page.go(
            f"{farm.url}/login?next={way}", until=f"document.querySelector('.gate a')?.href === '{farm.url}/'"
        )
        assert page.foreign_requests(farm.url) == []


@pytest.mark.parametrize("path", ["/login", "/setup"])
async def test_a_page_for_passwords_says_where_it_is_to_be_had_over_tls(
    farm: Farm, open_page: OpenPage, tmp_path: Path, path: str
) -> None:
    farm.tls = Tls(None, tmp_path, "farm-north")
    await farm.require_login(**({"anna": "admin"} if path == "/login" else {}))
    async with open_page() as page:
        await page.go(f"{farm.url}{path}", until="document.querySelector('.tls-hint')")
        place = farm.url.replace("http:", "https:")
        assert await page.evaluate("document.querySelector('.tls-hint a').href") == f"{place}{path}"
        assert await page.text(".tls-hint code") == farm.tls.current().fingerprint
        assert unexpected(page) == []


async def test_who_guesses_is_told_how_long_to_wait(farm: Farm, open_page: OpenPage) -> None:
    await farm.require_login(anna="admin")
    async with open_page() as page:
        await page.go(f"{farm.url}/login", until="document.querySelector('.credentials')")
        await fill(page, user="anna")
        for guess in range(7):
            await fill(page, password=f"guess number {guess}")
            await page.key("Enter", 13, "\r")
            await page.wait_for(
                "document.querySelector('.credentials [role=alert]').innerText"
                " && !document.querySelector('[name=password]').value"
            )
            if await page.evaluate("!!document.querySelector('.countdown')"):
                break
        assert "Too many failures" in await page.text("main")
        assert await page.evaluate("document.querySelector('.credentials button').disabled") is True
        assert "You can try again in" in await page.text(".countdown")
        await page.wait_for("document.querySelector('.countdown').innerText === 'You can try again now.'")
        await fill(page, password=password_of("anna"))
        await page.click(".credentials button")
        await page.wait_for("document.querySelector('.who')")
        assert unexpected(page) == []


async def test_the_first_admin_is_made_with_the_code_from_the_log(farm: Farm, open_page: OpenPage) -> None:
    await farm.require_login()
    now = time.time()
    await farm.write(codes.add, code_hash("abcde-fghjk"), kind="setup", at=now, expires_at=now + 600, by=None, most=4)
    async with open_page() as page:
        await page.go(farm.url, until="location.pathname === '/setup' && document.querySelector('.credentials')")
        assert "journalctl -u hive-apid" in await page.text("main")
        await fill(page, code="wrong", user="Anna", password="short")
        assert "5 more to go" in await page.text("#strength")
        await fill(page, password="long enough words", again="long enough word")
        assert "The two differ." in await page.text("main")
        await fill(page, again="long enough words")
        assert "17 characters: good." in await page.text("#strength")
        await page.click(".credentials button")
        await page.wait_for(f"{WORDS}.includes('Not made: this code is wrong or expired')")
        await fill(page, code="ABCDE FGHJK")
        await page.click(".credentials button")
        await page.wait_for("location.pathname === '/' && document.querySelector('.who')")
        assert "anna admin" in " ".join((await page.text(".who")).split())
        assert [user.name for user in await farm.store.read(users.listing)] == ["anna"]
        await page.go(f"{farm.url}/setup", until=f"{WORDS}.includes('there is an admin already')")
        assert unexpected(page) == []


async def test_a_session_that_ends_leaves_the_page_and_goes_on_after_a_new_login(
    farm: Farm, open_page: OpenPage
) -> None:
    await farm.furnish()
    await farm.add(0)
    await farm.require_login(anna="admin")
    async with open_page() as page:
        await log_in(page, farm, "anna", "/models", until="document.querySelectorAll('.ladder tbody tr').length === 3")
        await page.evaluate("window.sameDocument = true")
        await farm.write(sessions.end_of, "anna")
        await page.evaluate(
            "(s => { s.value = '3080'; s.dispatchEvent(new Event('change', {bubbles: true})) })"
            "(document.querySelector('.maxpreset select'))"
        )
        await page.wait_for("document.querySelector('dialog[open]')?.innerText.includes('Your session ended')")
        assert await page.evaluate("document.querySelectorAll('.ladder tbody tr').length") == 3
        assert await page.evaluate("document.querySelector('dialog [name=user]').value") == "anna"
        assert await page.evaluate("document.activeElement.name") == "password"
        await page.wait_for("document.querySelector('.connection').innerText === 'logged out'")
        await page.type(password_of("anna"))
        await page.key("Enter", 13, "\r")
        await page.wait_for("!document.querySelector('dialog[open]')")
        await page.wait_for("document.querySelector('.connection').innerText === 'live'")
        assert await page.evaluate("window.sameDocument && location.pathname") == "/models"
        assert unexpected(page) == []


async def test_who_loses_the_session_with_the_database_is_not_asked_for_a_password_that_is_lost(
    farm: Farm, open_page: OpenPage
) -> None:
    await farm.add(0)
    await farm.require_login(anna="admin")

    def replace(db: Database) -> None:
        for table in ("session", "user"):
            db.execute_sql(f'DELETE FROM "{table}"')

    async with open_page() as page:
        await log_in(page, farm, "anna", until="document.querySelector('.miners .pick')")
        await farm.write(replace)
        await page.wait_for(
            "document.querySelector('dialog[open]')?.innerText.includes('no users any more')", within=15
        )
        assert "sudo hivectl doctor" in await page.text("dialog")
        await page.click("dialog button.primary")
        await page.wait_for("location.pathname === '/setup' && document.querySelector('[name=code]')")
        assert unexpected(page) == []


async def test_who_puts_the_login_away_can_still_read_and_log_in_later(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0)
    await farm.require_login(anna="viewer")
    async with open_page() as page:
        await log_in(page, farm, "anna", "/?q=rack", until="document.querySelector('.miners .pick')")
        await farm.write(sessions.end_of, "anna")
        await page.wait_for("document.querySelector('dialog[open]')", within=15)
        await page.key("Escape", 27)
        await page.wait_for("!document.querySelector('dialog') && document.querySelector('.miners .pick')")
        await page.click(".account a")
        await page.wait_for("location.search === '?next=%2F%3Fq%3Drack' && document.querySelector('.credentials')")
        assert "You are logged in" not in await page.text("main")
        await fill(page, user="anna", password=password_of("anna"))
        await page.click(".credentials button")
        await page.wait_for("location.search === '?q=rack' && document.querySelector('.miners .pick')")
        assert unexpected(page) == []


async def test_logging_out_leaves_nothing_behind(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0)
    await farm.require_login(anna="operator")
    async with open_page() as page:
        await log_in(page, farm, "anna", until="document.querySelector('.miners .pick')")
        await page.click(".who")
        await page.wait_for("document.querySelector('.menu').innerText.includes('Logged in as anna, operator.')")
        await page.click(".menu button:last-of-type")
        await page.wait_for("location.pathname === '/login' && document.querySelector('.credentials')")
        await page.go(farm.url, until="location.pathname === '/login' && document.querySelector('.credentials')")
        assert unexpected(page) == []


async def test_the_own_password_is_changed_with_the_old_one(farm: Farm, open_page: OpenPage) -> None:
    await farm.require_login(anna="viewer")
    async with open_page() as page:
        await log_in(page, farm, "anna", "/events")
        await page.click(".who")
        await page.click(".menu button")
        await page.wait_for("document.activeElement.name === 'old'")
        await fill(page, old="not the old one", password="another good one", again="another good one")
        await page.click("dialog .primary")
        await page.wait_for(
            "document.querySelector('dialog').innerText.includes('Not changed: the old password is wrong')"
        )
        await fill(page, old=password_of("anna"))
        await page.click("dialog .primary")
        await page.wait_for("document.querySelector('dialog').innerText.includes('Password changed')")
        await page.click("dialog .primary")
        await page.wait_for("!document.querySelector('dialog')")
        assert unexpected(page) == []


async def link_of(farm: Farm, path: str = "/login") -> str:
    """Return a login link as `hivectl login-link` prints it."""
    code, _ = await farm.write(login_link.make, By(at=time.time(), who="root", via="command", address=None))
    return f"{farm.url}{path}#code={code}"


async def test_a_login_link_lets_its_browser_in_and_leaves_the_address(farm: Farm, open_page: OpenPage) -> None:
    await farm.require_login()
    async with open_page() as page:
        link = await link_of(farm, "/login?next=%2Fevents%3Fkind%3Dminer_found")
        await page.go(link, until="document.querySelector('.who')")
        assert await page.evaluate("location.href") == f"{farm.url}/events?kind=miner_found"
        assert "local admin" in " ".join((await page.text(".who")).split())
        code = link.partition("#code=")[2]
        assert [url for url in page.requests[1:] if code in url] == []
        visited = await page.call("Page.getNavigationHistory")
        assert [one["url"] for one in visited["entries"] if "code" in one["url"]] == []
        await page.go(farm.url, until="document.querySelector('.who')")
        await page.click(".who")
        assert "A login link let this browser in." in await page.text(".menu")
        await page.key("Escape", 27)
        await page.wait_for("!document.querySelector('.menu') && document.activeElement.matches('.who')")
        await page.click(".who")
        await page.click(".menu button")
        await page.wait_for("location.pathname === '/setup'")
        assert unexpected(page) == []


async def test_a_link_that_was_used_says_so_and_the_next_one_works_in_the_same_page(
    farm: Farm, open_page: OpenPage
) -> None:
    await farm.require_login()
    link = await link_of(farm)
    async with open_page() as first:
        await first.go(link, until="document.querySelector('.who')")
    async with open_page() as page:
        await page.go(link, until=f"{WORDS}.includes('Not logged in: this link was used')")
        assert "sudo hivectl login-link" in await page.text("main")
        assert await page.evaluate("document.querySelector('main a[href=\"/setup\"]').innerText")
        assert await page.evaluate("location.href") == f"{farm.url}/login"
        await page.evaluate(f"location.hash = '{(await link_of(farm)).partition('#')[2]}'")
        await page.wait_for("location.pathname === '/' && document.querySelector('.who')")
        assert unexpected(page) == []


async def test_when_the_session_of_a_link_ends_the_way_to_another_is_told(farm: Farm, open_page: OpenPage) -> None:
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.who')")
        await farm.write(sessions.end_all)
        await page.wait_for("document.querySelector('dialog[open]')", within=15)
        assert "sudo hivectl login-link" in await page.text("dialog")
        await page.click("dialog a")
        await page.wait_for("location.pathname === '/setup'")
        assert unexpected(page) == []
