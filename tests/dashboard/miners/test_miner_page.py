"""The page of one miner in a real browser."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from hived.records.miner import FanReading, PoolReading
from hived.records.miner_view import PollOutcome
from hived.store import Database
from hived.store.miners import miners, readings
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import BOARDS, CHIPS, TH, Farm, chips, give_settings, identity, ip, mac, status

pytestmark = pytest.mark.browser

CHIP_CELLS = "document.querySelectorAll('.chipcell').length"


async def test_a_miner_is_shown_with_boards_chips_fans_and_pools(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(0)
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until=f"{CHIP_CELLS} > 0")
        assert await page.evaluate("document.querySelectorAll('.boards tbody tr').length") == BOARDS
        assert await page.evaluate(CHIP_CELLS) == BOARDS * CHIPS
        # The layout of the model: its second row runs backwards.
        rows = (
            "[...document.querySelectorAll('.chipgrid')[0].children].map(r => [...r.children].map(c => c.dataset.chip))"
        )
        assert (await page.evaluate(rows))[1] == ["7", "6", "5", "4"]
        assert await page.evaluate("document.querySelectorAll('.chipgrid .hole').length") == BOARDS * 4
        words = await page.text("main")
        for part in (
            "96.00 TH/s", "96.0 % of 100.0 TH/s expected", "3.00 kW", "73 °C", "rack-0", "vnish 1.2.7",
            "pool.example:3333", "farm.worker01", "Fee of the firmware", "12.81", "4,530",
            "hottest board 58 °C, power supply 47 °C", "mining, restarted 2 times",
        ):  # fmt: skip
            assert part in words, part
        link = "document.querySelector('.facts a[target=_blank]').href"
        assert await page.evaluate(link) == f"http://{ip(0)}/"
        assert page.problems == []
        assert page.foreign_requests(farm.url) == []


async def test_fans_in_a_bath_and_pools_of_an_unknown_kind_are_shown_as_what_they_are(
    farm: Farm, open_page: OpenPage
) -> None:
    await farm.furnish()
    still = tuple(FanReading(i, 0, 6000, "lost") for i in range(4))
    whole = status(0, 0.0).hashboards
    wet = (*whole[:2], replace(whole[2], outlet_water_temp_c=38.0))
    pools = (PoolReading(0, "own.example:1"), PoolReading(1, "odd.example:1", kind="unknown"))
    await farm.add(0, fans=still, hashboards=wet, pools=pools, extra={"cooling_mode": "immersion"})
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until=f"{CHIP_CELLS} > 0")
        words = await page.text("main")
        assert "0 rpm, cooling: immersion" in words
        assert "- → 38" in words
        assert "of 4 lost" not in words
        assert "Fee of the firmware" not in words
        assert "Of a kind that hived does not know" in words
        assert await page.evaluate("document.querySelectorAll('section[aria-labelledby=fans] .tone-bad').length") == 0


async def test_the_chip_map_is_coloured_by_choice_and_walked_with_the_keyboard(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(0)
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until=f"{CHIP_CELLS} > 0")
        first = "document.querySelector('[data-chip=\"0\"]')"
        colour = await page.evaluate(f"{first}.style.background")
        assert await page.evaluate(f"{first}.innerText") == "60"
        assert colour != await page.evaluate("document.querySelector('[data-chip=\"11\"]').style.background")
        await page.click(".segments button:nth-child(3)")
        await page.wait_for(f"{first}.innerText === '545'")
        assert "MHz" in await page.text(".legend")
        await page.evaluate(f"{first}.focus()")
        await page.key("ArrowDown", 40)
        await page.wait_for("document.activeElement.dataset.chip === '7'")
        tip = await page.text(".tip")
        for part in ("Board 1, chip 7", "67 °C", "277.0 GH/s", "545 MHz", "305 mV", "good (grey)"):
            assert part in tip, part


async def test_a_chip_that_told_nothing_has_no_colour(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0, state="mining")
    await farm.write(_chips_without_temperature)
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until=f"{CHIP_CELLS} > 0")
        names = await page.evaluate("[...document.querySelectorAll('.segments button')].map(b => b.innerText)")
        assert "Temperature" not in names
        assert "Hashrate" in names


def _chips_without_temperature(db: Database) -> None:
    found = miners.by_mac(db, mac(0))
    assert found is not None
    boards = tuple(chips(i, temp_c=None) for i in range(1, BOARDS + 1))
    readings.save(db, [PollOutcome(num=found.num, at=time.time() + 1, boards=boards)])


async def test_charts_keep_the_gaps_of_the_data(farm: Farm, open_page: OpenPage) -> None:
    now = time.time()
    ago = [900.0 - 15 * i for i in range(10)] + [300.0 - 15 * i for i in range(10)]
    await farm.add(0, history=[status(0, now - s, hashrate_hs=(80 + s % 7) * TH) for s in ago])
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until="document.querySelectorAll('.chart canvas').length === 3")
        assert "21 statuses" in await page.text("#history")
        gaps = await page.evaluate(
            "import('/static/js/miners/charts.js')"
            ".then(m => m.columnsOf([{at: 0, v: 5}, {at: 15, v: 6}, {at: 300, v: 7}], ['v']))"
        )
        assert gaps == [[0, 15, 16, 300], [5, 6, None, 7]]
        assert page.problems == []


async def test_the_page_follows_the_miner_live(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0)
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until=f"{CHIP_CELLS} > 0")
        for rate in (77, 55):
            await farm.add(0, hashrate_hs=rate * TH)
            await page.wait_for(f"document.querySelector('.totals').innerText.includes('{rate}.00 TH/s')", within=12)


async def test_managed_and_the_password_are_set_and_the_password_is_never_shown(
    farm: Farm, open_page: OpenPage
) -> None:
    await farm.add(0)
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until="document.querySelector('.switch')")
        await page.click(".switch")
        await page.wait_for(
            "document.querySelector('.switch input').checked && !document.querySelector('.switch input').disabled"
        )
        await page.click(".head button")
        await page.wait_for("document.activeElement.type === 'password'")
        await page.type("s3cret-pw")
        await page.key("Enter", 13, "\r")
        await page.wait_for("document.querySelector('.head').innerText.includes('Password stored')")
        assert await page.evaluate("document.querySelector('input[type=password]')") is None
        assert await page.evaluate("document.documentElement.outerHTML.includes('s3cret-pw')") is False
        stored = await farm.store.read(miners.by_mac, mac(0))
        assert stored is not None
        assert stored.managed
        assert stored.unlock_password == "s3cret-pw"
        assert page.problems == []


async def test_a_page_offers_what_the_firmware_offers_and_nothing_else(farm: Farm, open_page: OpenPage) -> None:
    await farm.add(0)
    await farm.add(1)
    bare = miners.Sighting(identity(1), ip(1), time.time(), "toy", "")
    await farm.write(miners.saw, bare, node_id="n1")
    offered = (
        "[...document.querySelectorAll('#chips, .head button, h2')].map(h => h.innerText.trim().split(/\\s/)[0])"
        ".filter(word => ['Chips', 'Settings', 'Unlock'].includes(word)).sort().join()"
    )
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until="document.querySelector('.totals')")
        await page.wait_for(f"{offered} === 'Chips,Settings,Unlock'")
        await page.go(f"{farm.url}/miners/{mac(1)}", until="document.querySelector('.totals')")
        await page.wait_for("document.querySelector('.facts').innerText.includes('toy')")
        assert await page.evaluate(offered) == ""
        assert page.problems == []


async def test_settings_tell_what_was_asked_and_what_changed(farm: Farm, open_page: OpenPage) -> None:
    num = await farm.add(0)
    await farm.write(give_settings, num, "pool-a.example:3333", "3080")
    await farm.write(give_settings, num, "pool-b.example:3333", "2700")
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(0)}", until="document.querySelector('.settings')")
        words = await page.text(".settings")
        assert "asked for 2700, running 3080" in words
        assert "pool 1 url: pool-a.example:3333 -> pool-b.example:3333" in words
        assert "requested preset: 3080 -> 2700" in words


async def test_a_miner_nobody_knows_is_said(farm: Farm, open_page: OpenPage) -> None:
    async with open_page() as page:
        await page.go(f"{farm.url}/miners/{mac(77)}")
        await page.wait_for("document.querySelector('main').innerText.includes('No miner with this MAC')")
