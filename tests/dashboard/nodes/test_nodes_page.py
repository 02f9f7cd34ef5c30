"""The page of the nodes, and joining, in a real browser."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hived.records.joining import new_key
from hived.records.node import Wish
from hived.records.peers import Peer
from hived.store import Database
from hived.store.nodes import contacts, nodes, peers
from tests import nodes as fleet
from tests.dashboard.access.test_login_page import fill
from tests.dashboard.appliance.test_other_pages import CONTRAST
from tests.dashboard.browser import Page
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import OWN_ID, Farm

pytestmark = pytest.mark.browser

NODES = "document.querySelectorAll('.node').length"
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
HEALTH: dict[str, Any] = {
    "disk_free_bytes": 2e9, "disk_total_bytes": 64e9, "database_bytes": 4e8, "load_1m": 0.5, "cpus": 4,
    "memory_used_bytes": 1e9, "memory_total_bytes": 4e9, "temperature_c": 54.0, "uptime_s": 90000.0,
    "daemons": {
        "hive-polld": {"alive": True, "status": "20 polls, 0 failed"}, "hive-minerd": {"alive": False, "status": None},
    },
}  # fmt: skip


def own(db: Database) -> None:
    """Write the master's own row, as hive-apid does."""
    contacts.own(db, OWN_ID, name="farm-north", site="North", version="0.1.0", now=time.time())
    contacts.own_health(db, OWN_ID, HEALTH)


def ask(db: Database, node_id: str = "shed-1", name: str = "shed") -> str:
    """Let a node ask to join; return its phrase."""
    key = new_key()
    wish = Wish(node_id, name, "South field", "0.1.0", key.id, key.secret_hash)
    return nodes.ask(db, wish, own_id=OWN_ID, pin=None, address="10.20.0.7", now=time.time()).phrase


def hear(db: Database, node_id: str, *, at: float, ahead_s: float = 0.0, secure: bool = True, **told: Any) -> None:
    """Let a node say how it is, by a clock that is ahead."""
    said = fleet.contact(at + ahead_s, **{"site": "South field", "health": HEALTH, **told})
    contacts.save(db, node_id, said, address="10.20.0.7", secure=secure, now=at)


def join(db: Database, node_id: str = "shed-1", name: str = "shed", *, ago: float = 1.0, **told: Any) -> None:
    """Let a node be one of the fleet, last in contact a while ago."""
    now = time.time()
    fleet.let_in(db, node_id, now - 3600, name=name)
    hear(db, node_id, at=now - ago, **{"name": name, **told})


async def go(page: Page, farm: Farm, n: int, query: str = "") -> None:
    await page.go(f"{farm.url}/nodes{query}", until=f"{NODES} === {n}")


async def test_who_sends_without_tls_is_shown_with_what_to_do(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    await farm.write(join, "safe-1", "safe")
    await farm.write(join, "open-1", "open", secure=False)
    async with open_page() as page:
        await go(page, farm, 3)
        shown = await page.evaluate(
            "[...document.querySelectorAll('.plain')].map((one) => one.closest('[data-node]').dataset.node)"
        )
        assert shown == ["open-1"]
        assert "sudo hivectl secure" in await page.text(".plain")


async def test_a_waiting_node_is_approved_by_its_phrase(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    async with open_page() as page:
        await go(page, farm, 1)
        words = await page.text("main")
        assert "No other node yet" in words
        assert "No box joins by itself" in words
        said = await farm.write(ask)
        other = await farm.write(ask, "shed-1", "shed")  # somebody else asks under the same id
        await page.wait_for("document.querySelectorAll('[data-request]').length === 2", within=15)
        words = await page.text(".join-requests")
        assert "journalctl -u hive-syncd" in words
        assert "10.20.0.7" in words
        phrases = await page.evaluate("[...document.querySelectorAll('.phrase')].map(e => e.innerText)")
        assert sorted(phrases) == sorted([said, other])
        await page.click(f"button[aria-label='Approve shed, phrase {said}']")
        await page.wait_for("document.querySelector('[data-node=shed-1]')")
        assert "shed is approved" in await page.text("main")
        keys = (await farm.store.read(contacts.listing))[1].keys
        assert {key.phrase: key.status for key in keys} == {said: "active", other: "pending"}
        # Refusing the other one leaves the key that was approved alone.
        await page.click("button[aria-label='Refuse shed']")
        await page.click("dialog .danger")
        await page.wait_for("!document.querySelector('.join-requests') && !document.querySelector('dialog')")
        one = (await farm.store.read(contacts.listing))[1]
        assert {key.phrase: key.status for key in one.keys} == {said: "active", other: "revoked"}
        assert one.status == "approved"
        assert page.problems == []
        assert page.foreign_requests(farm.url) == []


async def test_all_that_wait_are_refused_after_a_question(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    await farm.write(join)
    for n in range(3):
        await farm.write(ask, f"x{n}", f"stranger {n}")
    async with open_page() as page:
        await go(page, farm, 2)
        await page.wait_for("document.querySelectorAll('[data-request]').length === 3", within=15)
        assert "hivectl join" in await page.text(".join-requests")
        await page.click(".join-requests > .controls button")
        await page.click("dialog .danger")
        await page.wait_for("!document.querySelector('.join-requests') && !document.querySelector('dialog')")
        assert "3 refused" in await page.text("main")
        assert [one.node_id for one in await farm.store.read(contacts.listing)][1:] == ["shed-1"]
        assert page.problems == []


async def test_a_node_tells_how_it_is_and_what_waits_on_it(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    now = time.time()
    await farm.write(join, "shed-1", "shed", newest={"events": 12}, oldest_at={"events": now - 7200}, ahead_s=400)
    await farm.write(join, "hill-1", "hill", ahead_s=-8)
    await farm.write(nodes.add, "old-1", "old collector", by="tests", now=now)
    async with open_page() as page:
        await go(page, farm, 4)
        words = " ".join((await page.text("[data-node=shed-1]")).split())
        for part in (
            "shed South field", "alive", "Last contact", "version 0.1.0", "ahead of the master's: its times cannot be",
            "0 / 0", "3 %", "0.13", "54 °C", "25 %", "20 polls, 0 failed", "is not running", "events 12 2 h",
        ):  # fmt: skip
            assert part in words, part
        assert await page.evaluate("!!document.querySelector('[data-node=shed-1] .skew.tone-bad')") is True
        assert await page.evaluate("!!document.querySelector('[data-node=hill-1] .skew.tone-warn')") is True
        assert await page.evaluate("!!document.querySelector('[data-node=n1] .skew')") is False
        assert "reports no health" in await page.text("[data-node=old-1]")
        assert await page.evaluate("document.querySelector('[data-node=n1] .actions')") is None
        # It is read again by itself, and the cards stay the same elements.
        await page.evaluate("document.querySelector('[data-node=shed-1]').mark = 1")
        await farm.write(hear, "shed-1", at=time.time(), name="shed")
        await page.wait_for("!document.querySelector('[data-node=shed-1] .skew')", within=15)
        assert await page.evaluate("document.querySelector('[data-node=shed-1]').mark") == 1
        assert page.problems == []


async def test_old_data_is_said(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    async with open_page() as page:
        await go(page, farm, 1)
        await farm.stop()
        await page.wait_for(
            "document.querySelector('main .note.tone-warn')?.innerText.includes('cannot be reached')", within=15
        )
        assert "This is from" in await page.text("main .note.tone-warn")
        assert await page.evaluate(NODES) == 1


async def test_a_node_is_revoked_and_removed_after_a_question(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    await farm.write(join)
    async with open_page() as page:
        await go(page, farm, 2)
        await page.click("button[aria-label='Revoke shed']")
        await page.wait_for("document.querySelector('dialog[open]') && document.activeElement.innerText === 'Cancel'")
        await page.key("Escape", 27)
        await page.wait_for("!document.querySelector('dialog')")
        assert await page.evaluate("document.activeElement.innerText") == "Revoke…"
        assert (await farm.store.read(contacts.listing))[1].status == "approved"
        await page.click("button[aria-label='Revoke shed']")
        await page.click("dialog .danger")
        await page.wait_for("document.querySelector('[data-node=shed-1] .state').innerText.includes('revoked')")
        assert (await farm.store.read(contacts.listing))[1].status == "revoked"
        await page.click("button[aria-label='Remove shed']")
        await page.click("dialog .danger")
        await page.wait_for(f"{NODES} === 1")
        assert page.problems == []


async def test_an_enrol_code_comes_with_the_line_to_type(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    async with open_page() as page:
        await go(page, farm, 1)
        await page.click(".pageactions .primary")
        line = await page.wait_for("document.querySelector('dialog .secret-line .line')?.innerText")
        assert line.startswith(f"sudo hivectl join {farm.url} ")
        await page.wait_for("/^1[45]:\\d\\d$/.test(document.querySelector('dialog .countdown').innerText)")
        assert "On the other box, put this machine's name or address in place of 127.0.0.1" in await page.text("dialog")
        code = line.split()[-1]
        assert await farm.write(nodes.use_code, code, "n9", by="k", now=time.time())
        assert page.problems == []


async def test_the_key_of_a_collector_is_shown_once(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    async with open_page() as page:
        await go(page, farm, 1)
        await page.click(".pageactions button:not(.primary)")
        await page.wait_for("document.activeElement.name === 'node_id'")
        await fill(page, node_id="collector-7", name="Old collector")
        await page.click("dialog .primary")
        key = await page.wait_for("document.querySelector('dialog .secret .line')?.innerText")
        assert key.startswith("hive_")
        assert "This is the only time it is shown" in await page.text("dialog")
        await page.click("dialog .primary")
        await page.wait_for(f"!document.querySelector('dialog') && {NODES} === 2")
        assert await page.evaluate(f"document.documentElement.outerHTML.includes('{key}')") is False
        assert page.problems == []


async def test_what_zeroconf_sees_is_a_table(farm: Farm, open_page: OpenPage) -> None:
    now = time.time()
    seen = Peer("barn", "barn-1", "node", "0.1.0", ("10.20.0.9",), 0, None, False, None, "alive", now - 60, now)
    left = Peer("mill", "mill-1", "node", "0.1.0", ("10.20.0.8",), 0, None, False, None, "left", now - 7200, now)
    await farm.write(own)
    await farm.write(peers.save, [seen, left])
    async with open_page() as page:
        await go(page, farm, 1)
        await page.wait_for("document.querySelector('.peers tbody tr')")
        words = await page.text(".peers tbody")
        for part in ("barn", "node", "alive for 6", "10.20.0.9", "0.1.0", "left 2 h ago"):
            assert part in words, part
        assert page.problems == []


async def test_words_of_nodes_stay_words(farm: Farm, open_page: OpenPage) -> None:
    def poison(db: Database) -> None:
        own(db)
        health = {"daemons": {HOSTILE: {"alive": True, "status": HOSTILE}}, "temperature_c": HOSTILE, "cpus": {"a": 1}}
        join(db, "shed-1", HOSTILE, health=health, version=HOSTILE, site=HOSTILE)
        ask(db, "evil-1", HOSTILE)

    await farm.write(poison)
    async with open_page() as page:
        await go(page, farm, 2)
        await page.wait_for("document.querySelector('[data-request]')")
        assert (await page.text("main")).count(HOSTILE) >= 5
        await page.click("[data-node=shed-1] .actions button")
        await page.wait_for("document.querySelector('dialog h2').innerText.includes('onerror=')")
        assert await page.evaluate("window.hacked") is None
        assert await page.evaluate("document.querySelectorAll('#app img[src=x], #app script').length") == 0
        assert page.problems == []


async def test_the_page_is_readable_in_both_themes_and_fits_a_phone(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    await farm.write(join, "shed-1", "shed with a name that is rather long", ahead_s=999)
    await farm.write(ask, "b" * 60, "another")
    async with open_page() as page:
        await go(page, farm, 2, "?node=shed-1")
        await page.wait_for("document.querySelector('.node.chosen').dataset.node === 'shed-1'")
        for dark in (False, True):
            await page.prefer(dark=dark)
            await page.wait_for(f"document.documentElement.dataset.theme === '{'dark' if dark else 'light'}'")
            assert await page.evaluate(CONTRAST) == [], dark
        await page.size(390, 844)
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
