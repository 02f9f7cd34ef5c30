"""Models, site and events in a real browser; themes, phones and the way between pages."""

from __future__ import annotations

import time

import pytest

from hived.records.events import Event
from hived.store import commands, events
from hived.store.miners import models
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, ip, mac
from tests.waiting import until

pytestmark = pytest.mark.browser


async def test_the_models_page_shows_the_ladder_and_sets_the_limit(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(0)
    async with open_page() as page:
        await page.go(f"{farm.url}/models", until="document.querySelectorAll('.ladder tbody tr').length === 3")
        # How many run on it is known with the fleet, which may come after the ladder.
        second = "document.querySelector('.ladder tbody tr:nth-child(2)').innerText.trim().split(/\\s+/)"
        assert await page.wait_for(f"{second}.length === 5 && {second}") == ["3080", "3,080", "104", "29.6", "1"]
        assert "3 boards × 12 chips" in await page.text(".model header")
        assert await page.evaluate("document.querySelectorAll('.layoutgrid i:not(.hole)').length") == 12
        await page.evaluate(
            "(s => { s.value = '3080'; s.dispatchEvent(new Event('change', {bubbles: true})) })"
            "(document.querySelector('.maxpreset select'))"
        )
        await page.wait_for("document.querySelector('.maxpreset').innerText.includes('Saved: not above 3080')")
        await page.wait_for("document.querySelectorAll('.ladder .over').length === 1")
        assert (await farm.store.read(models.views, "s19jpro"))[0].max_preset == "3080"
        assert page.problems == []


async def test_every_page_says_what_is_wrong_with_the_box(farm: Farm, open_page: OpenPage) -> None:
    assert farm.store.path is not None
    aside = farm.store.path.with_name("hived.db.damaged-20260921T141320Z")
    aside.write_bytes(b"x")
    async with open_page() as page:
        for path in ("/", "/site"):
            await page.go(f"{farm.url}{path}", until="document.querySelector('.banner[role=alert]')")
            words = await page.text(".banner")
            assert "the database was damaged" in words
            assert aside.name in words
            assert "Next: hivectl restore" in words
        assert page.problems == []


async def test_the_site_page_shows_other_devices_sweeps_and_daemons(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    async with open_page() as page:
        await page.go(f"{farm.url}/site", until="document.querySelectorAll('.site tbody tr').length === 3")
        await page.wait_for("document.querySelector('.daemons li')")
        words = await page.text("main")
        for part in ("hive-polld", "4 polls, 0 failed", "10.20.0.251", "no answer within 3 s", "15 min ago", "254"):
            assert part in words, part
        assert "Next: check power and network: does `ping 10.20.0.251` answer?" in words
        assert "Next: systemctl start hive-minerd" in words
        assert page.problems == []


SEEN = {"addresses": 1254, "responders": 5, "miners": 3, "strangers": 1, "unreadable": 1}


async def test_scan_now_asks_the_daemon_and_tells_the_result(farm: Farm, open_page: OpenPage) -> None:
    async with open_page() as page:
        await page.go(f"{farm.url}/site", until="document.querySelector('.scan button')")
        await page.click(".scan button")
        asked = await _open_commands(farm)
        await farm.write(commands.finish, asked, SEEN, time.time())
        said = "Done: 1,254 addresses tried, 5 answered: 3 miners, 1 other device, 1 unreadable."
        await page.wait_for(f"document.querySelector('.scan').innerText.includes({said!r})")


async def _open_commands(farm: Farm) -> int:
    async def found() -> bool:
        return bool(await farm.store.read(commands.open_commands, "hive-discoverd", newer_than=0))

    await until(found, within_s=5)
    return (await farm.store.read(commands.open_commands, "hive-discoverd", newer_than=0))[0].id


async def test_events_are_sentences_and_new_ones_arrive(farm: Farm, open_page: OpenPage) -> None:
    num = await farm.add(0)
    async with open_page() as page:
        await page.go(f"{farm.url}/events", until="document.querySelector('.events li')")
        assert f"{ip(0)} was found: Antminer S19j Pro" in await page.text(".events")
        await farm.write(events.add, [Event("fan_lost", time.time(), {"fan": 2}, num=num)])
        await page.wait_for(f"document.querySelector('.events li').innerText.includes('{ip(0)} lost fan 2')")
        await page.go(f"{farm.url}/events?kind=fan_lost", until="document.querySelectorAll('.events li').length === 1")
        await page.click(".events a")
        await page.wait_for(f"location.pathname === '/miners/{mac(0)}'")
        assert page.problems == []


async def test_older_events_are_fetched_on_demand(farm: Farm, open_page: OpenPage) -> None:
    now = time.time()
    await farm.write(events.add, [Event("daemon_note", now + i, {"step": i}) for i in range(130)])
    async with open_page() as page:
        await page.go(f"{farm.url}/events", until="document.querySelectorAll('.events li').length === 100")
        await page.click(".center button")
        await page.wait_for("document.querySelectorAll('.events li').length === 130")
        assert await page.text(".events li:last-child .what") == "this node: daemon note: step 0"


async def test_the_theme_follows_the_system_until_one_is_chosen(farm: Farm, open_page: OpenPage) -> None:
    async with open_page(dark=True) as page:
        await page.go(farm.url)
        ground = "getComputedStyle(document.body).backgroundColor"
        dark = await page.evaluate(ground)
        await page.prefer(dark=False)
        await page.wait_for(f"{ground} !== '{dark}'")
        await page.click(".theme")
        await page.click(".theme")
        await page.wait_for(f"{ground} === '{dark}'")
        await page.go(f"{farm.url}/site")
        assert await page.evaluate("document.documentElement.dataset.theme") == "dark"


READ = "document.querySelector('table, .events') && !document.body.innerText.includes('Reading ')"

CONTRAST = """(() => {
  const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const e of document.querySelectorAll('#app *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    if (!e.getClientRects().length || e.closest('.hidden, .skip')) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${e.tagName}.${e.className} "${e.innerText.slice(0, 20)}" ${ratio.toFixed(2)}`);
  }
  return bad;
})()"""


async def test_every_text_is_readable_in_both_themes(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(0)
    await farm.add(1, state="failure")
    await farm.add(2, error="HTTP 500")
    await farm.add(3, state="stopped")
    async with open_page() as page:
        for path in ("/", f"/miners/{mac(0)}", "/models", "/site", "/events"):
            await page.go(farm.url + path, until=READ)
            for theme in ("light", "dark"):
                await page.prefer(dark=theme == "dark")
                await page.wait_for(f"document.documentElement.dataset.theme === '{theme}'")
                assert await page.evaluate(CONTRAST) == [], (path, theme)


async def test_no_page_scrolls_sideways_on_a_phone(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(0)
    await farm.add(1, error="a long reason " * 20)
    async with open_page(width=390, height=844) as page:
        for path in ("/", f"/miners/{mac(0)}", "/models", "/site", "/events"):
            await page.go(farm.url + path, until=READ)
            assert await page.evaluate("document.documentElement.scrollWidth") == 390, path
        assert page.problems == []


async def test_links_change_the_page_without_loading_it_anew(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.miners .pick')")
        await page.evaluate("window.sameDocument = true")
        for path, title in (("/models", "Models"), ("/site", "Site"), ("/events", "Events"), ("/", "Fleet")):
            await page.click(f"nav a[href='{path}']")
            await page.wait_for(f"document.title === '{title} - hived'")
            assert await page.evaluate("document.querySelector('nav [aria-current]').getAttribute('href')") == path
        await page.evaluate("scrollTo(0, 100)")
        await page.click(".miners .pick")
        await page.wait_for(f"document.title === '{ip(0)} - hived' && scrollY === 0")
        await page.wait_for("document.activeElement.tagName === 'H1' && document.querySelector('.facts')")
        await page.evaluate("history.back()")
        await page.wait_for("document.title === 'Fleet - hived'")
        assert await page.evaluate("window.sameDocument") is True


async def test_pages_that_were_left_keep_no_connection_from_those_that_come(farm: Farm, open_page: OpenPage) -> None:
    # A browser opens six to one host, and may keep a page that was left for Back.
    async with open_page() as page:
        for n in range(10):
            path = ("/models", "/site", "/events")[n % 3]
            await page.go(farm.url + path, until="document.querySelector('.connection')?.innerText === 'live'")
        await page.evaluate("setTimeout(() => history.back())")
        await page.wait_for(
            "location.pathname === '/events' && document.querySelector('.connection').innerText === 'live'"
        )
