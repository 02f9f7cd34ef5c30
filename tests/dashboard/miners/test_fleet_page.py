"""The fleet page in a real browser."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from hived.records.daemon import DaemonRow
from hived.store import daemon_rows
from hived.store.miners import miners
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import TH, Farm, grow_old, identity, ip, mac

pytestmark = pytest.mark.browser

ADDRESSES = "[...document.querySelectorAll('.miners .pick')].map(a => a.innerText)"


def cell(number: int, column: str) -> str:
    return f"document.querySelector('tr[data-mac=\"{mac(number)}\"] .c-{column}').innerText"


async def test_the_fleet_page_shows_totals_and_a_row_for_each_miner(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(0)
    await farm.add(1, hashrate_hs=48 * TH)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelectorAll('.miners .pick').length === 2")
        totals = await page.text(".totals")
        assert "144.0 TH/s" in totals
        assert "72.0 %" in totals
        assert "of 200.0 TH/s expected" in totals
        assert "6.00 kW" in totals
        assert "41.7 J/TH" in totals
        assert "254 addresses" in totals
        assert "2 other devices" in totals
        assert (await page.evaluate(cell(0, "hashrate"))).split() == ["96.0", "/", "100.0"]
        assert await page.evaluate(cell(0, "model")) == "S19j Pro"
        assert await page.evaluate(cell(0, "pool")) == "pool.example:3333"
        assert await page.evaluate("document.title") == "Fleet - hived"
        assert await page.text(".connection") == "live"
        assert page.problems == []
        assert page.foreign_requests(farm.url) == []


async def test_unknown_numbers_are_dashes_and_not_zeros(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0, hashrate_hs=None, power_w=None, chip_temp_max_c=None, pcb_temp_max_c=None, preset=None)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.miners .pick')")
        for column in ("power", "efficiency", "temp", "preset"):
            assert await page.evaluate(cell(0, column)) == "-"
        assert (await page.evaluate(cell(0, "hashrate"))).startswith("-")
        assert await page.text(".totals .figure:nth-child(3) .value") == "-"


async def test_the_worst_miners_come_first(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0)
    await farm.add(1, hashrate_hs=50 * TH)
    await farm.add(2)
    await farm.add(2, error="no answer within 5 s")
    await farm.add(3, state="failure", hashrate_hs=0.0)
    await farm.add(4)
    await farm.write(miners.missed, [(await farm.add(4))], time.time(), offline_after=1)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelectorAll('.miners .pick').length === 5")
        shown = await page.evaluate(ADDRESSES)
        assert shown == [ip(3), ip(2), ip(4), ip(1), ip(0)]
        assert "no answer within 5 s" in await page.evaluate(cell(2, "error"))
        assert await page.evaluate(cell(4, "state")) == "offline"
        # What it told before it went is no number of now.
        assert (await page.evaluate(cell(4, "hashrate"))).split() == ["-", "/", "100.0"]
        assert await page.evaluate(cell(4, "power")) == "-"


async def test_sorting_searching_and_filtering_are_kept_in_the_url(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0, hashrate_hs=99 * TH)
    await farm.add(1, hashrate_hs=97 * TH)
    await farm.add(2, state="stopped", hashrate_hs=0.0)
    who = identity(9, model_alias="s21", model_name="Antminer S21", hostname="cellar")
    await farm.add(9, who=who, hashrate_hs=90 * TH)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelectorAll('.miners .pick').length === 4")
        await page.click(".c-address button")
        await page.wait_for(f"{ADDRESSES}.join() === '{','.join(map(ip, (0, 1, 2, 9)))}'")
        heading = "document.querySelector('th.c-address').getAttribute('aria-sort')"
        assert await page.evaluate(heading) == "ascending"
        await page.click(".c-hashrate button")
        await page.wait_for(f"{ADDRESSES}.join() === '{','.join(map(ip, (0, 1, 9, 2)))}'")
        assert await page.evaluate("document.querySelectorAll('[aria-sort]').length") == 1
        await page.click(".chip-hashing")
        await page.wait_for(f"{ADDRESSES}.length === 3")
        await page.key("/", text="/")
        await page.wait_for("document.activeElement.type === 'search'")
        await page.type("S21 cell")
        await page.wait_for(f"{ADDRESSES}.join() === '{ip(9)}'")
        query = await page.evaluate("location.search")
        assert query == "?sort=-hashrate&show=hashing&q=S21+cell"
        await page.go(f"{farm.url}/{query}", until=f"{ADDRESSES}.length === 1")
        assert await page.evaluate("document.querySelector('.chip-hashing').getAttribute('aria-pressed')") == "true"
        assert await page.evaluate("document.querySelector('input[type=search]').value") == "S21 cell"
        await page.go(
            f"{farm.url}/?q=nobody", until="document.querySelector('main').innerText.includes('No miner matches')"
        )


async def test_a_new_status_changes_its_cell_without_a_reload(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.miners .pick')")
        await page.evaluate("window.sameDocument = true")
        await farm.add(0, hashrate_hs=42 * TH)
        await page.wait_for(f"{cell(0, 'hashrate')}.startsWith('42.0')")
        await page.wait_for("document.querySelector('.totals').innerText.includes('42.00 TH/s')")
        await farm.add(7)
        await page.wait_for(f"{ADDRESSES}.length === 2")
        assert await page.evaluate("window.sameDocument") is True


async def test_rows_keep_their_places_while_the_pointer_is_on_them(farm: Farm, open_page: OpenPage) -> None:
    for number in range(4):
        await farm.add(number)
    async with open_page() as page:
        await page.go(farm.url, until=f"{ADDRESSES}.length === 4")
        before = await page.evaluate(ADDRESSES)
        spot = await page.evaluate(
            "(b => [b.x + 20, b.y + 50])(document.querySelector('.miners tbody').getBoundingClientRect())"
        )
        await page.call("Input.dispatchMouseEvent", type="mouseMoved", x=spot[0], y=spot[1])
        await farm.add(3, error="HTTP 500")
        await page.wait_for(f"{cell(3, 'state')} === 'failing'")
        await page.wait_for("document.querySelector('.settle')")
        assert await page.evaluate(ADDRESSES) == before
        await page.click(".settle")
        await page.wait_for(f"{ADDRESSES}[0] === '{ip(3)}'")


async def test_a_lost_connection_is_said_and_heals_by_itself(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(0)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.connection').innerText === 'live'")
        await farm.stop()
        await page.wait_for("document.querySelector('.connection').innerText.startsWith('connection lost, retrying')")
        assert await page.evaluate(f"{ADDRESSES}.length") == 1
        await farm.add(0, hashrate_hs=11 * TH)
        await farm.start()
        await page.wait_for("document.querySelector('.connection').innerText === 'live'", within=20)
        await page.wait_for(f"{cell(0, 'hashrate')}.startsWith('11.0')")


async def test_a_poller_that_stands_still_is_said(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    num = await farm.add(0)
    old = time.time() - 300
    await farm.write(grow_old, num, old)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.miners .pick')")
        await page.wait_for("document.querySelector('.connection').innerText.startsWith('data is 5 min old')")
        assert await page.evaluate(cell(0, "state")) == "silent"
        assert "1 silent" in (await page.text(".chip-silent")).replace("\n", " ")


async def test_five_thousand_rows_scroll_with_a_small_document(farm: Farm, open_page: OpenPage) -> None:
    await farm.add_many(5000)
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.miners .pick')")
        await page.wait_for("document.querySelector('.miners').getAttribute('aria-rowcount') === '5001'")
        assert await page.evaluate("document.querySelectorAll('*').length") < 3000
        await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        await page.wait_for("document.querySelector('tr[aria-rowindex=\"5001\"]')")
        seen = (
            "[...document.querySelectorAll('.miners .pick')].map(a => a.getBoundingClientRect())"
            ".filter(b => b.top > 60 && b.bottom < innerHeight).length"
        )
        await page.wait_for(f"{seen} > 15")
        assert await page.evaluate("document.querySelectorAll('*').length") < 3000
        await page.evaluate("scrollTo(0, 60000)")
        await page.wait_for(f"{seen} > 15")
        await page.evaluate("document.querySelector('.c-power button').click()")
        await page.wait_for("document.querySelector('tr[aria-rowindex=\"2\"]').getBoundingClientRect().top > 0")
        most = await page.evaluate(_SCROLL)
        assert most < 3000, f"a frame had {most} elements to lay out"


_SCROLL = """new Promise(done => {
  let most = 0, steps = 0;
  const step = () => {
    most = Math.max(most, document.querySelectorAll('*').length);
    scrollBy(0, 400);
    if (++steps < 40) requestAnimationFrame(step); else done(most);
  };
  requestAnimationFrame(step);
})"""


async def test_the_keyboard_walks_the_rows_and_opens_one(farm: Farm, open_page: OpenPage) -> None:
    await farm.add_many(300)
    async with open_page() as page:
        await page.go(f"{farm.url}/?sort=address", until=f"{ADDRESSES}.length > 20")
        await page.evaluate("document.querySelector('.miners .pick').focus()")
        await page.key("ArrowDown", 40)
        await page.wait_for(f"document.activeElement.innerText === '{ip(1)}'")
        await page.key("End", 35)
        await page.wait_for(f"document.activeElement.innerText === '{ip(299)}'")
        assert await page.evaluate("document.activeElement.getBoundingClientRect().bottom < innerHeight")
        place = await page.evaluate("scrollY")
        await page.key("Enter", 13, "\r")
        await page.wait_for(f"location.pathname === '/miners/{mac(299)}'")
        await page.wait_for(f"document.title === '{ip(299)} - hived'")
        await page.evaluate("history.back()")
        await page.wait_for(f"document.querySelector('tr.chosen')?.dataset.mac === '{mac(299)}' && scrollY === {place}")


async def test_an_empty_site_says_what_was_done_and_what_to_do(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    async with open_page() as page:
        await page.go(farm.url, until="document.querySelector('.empty')")
        words = await page.text("main")
        assert "No miner found yet" in words
        assert "254 addresses" in words
        assert "subnets: [192.168.1.0/24]" in words
        assert "asks for a login" in words
        await farm.add(0)
        await page.wait_for("document.querySelector('.miners .pick')")
        assert page.problems == []


async def test_a_site_that_sweeps_nothing_says_so_and_names_the_daemons_own_words(
    farm: Farm, open_page: OpenPage
) -> None:
    status = "no subnets configured: nothing is scanned"
    now = time.time()
    await farm.write(daemon_rows.save_daemon, DaemonRow("hive-discoverd", 1, "0.1.0", now, now, status))
    async with open_page() as page:
        await page.go(farm.url, until=f"document.querySelector('.empty')?.innerText.includes({status!r})")
        words = await page.text("main")
        assert "has not swept" not in words
        assert "on an appliance /etc/hived/hived.yaml" in words
        assert page.problems == []


HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>${window.hacked=1}'


async def test_texts_from_outside_stay_texts(farm: Farm, open_page: OpenPage) -> None:
    who = replace(identity(0), hostname=HOSTILE, model_name=HOSTILE, serial=HOSTILE)
    num = await farm.add(0, who=who, preset=HOSTILE)
    await farm.add(0, error=HOSTILE)
    await farm.write(miners.failed, num, time.time(), "refused", f"{HOSTILE} again")
    async with open_page() as page:
        for path, place in (("/", ".miners"), (f"/miners/{mac(0)}", "#main"), ("/events", ".events")):
            await page.go(farm.url + path, until=f"document.querySelector('{place}')?.innerText.includes('onerror=')")
            assert await page.evaluate("window.hacked") is None
            assert await page.evaluate("document.querySelectorAll('#app img[src=x], #app script').length") == 0
        assert page.problems == []
        assert page.foreign_requests(farm.url) == []
