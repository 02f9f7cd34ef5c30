"""One site, three views: API, page and hivectl say the same words and numbers of the same odd fleet."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hived.records.condition import MARKS
from hived.records.miner import FanReading
from hived.store import Database
from hived.store.miners import miners
from hived.store.schema import Health, Miner, Node
from tests import access
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import TH, Farm, grow_old, mac, status
from tests.dashboard.nodes.test_nodes_page import join, own
from tests.waiting import until

pytestmark = pytest.mark.browser

BOARDS = status(0, 0.0).hashboards
STOPPED: dict[str, Any] = {"state": "stopped", "hashrate_hs": 0.0, "power_w": 30.0}
# {number: (word, what is wrong, {reason: TH/s lost})}; each should give 100 TH/s.
FLEET: dict[int, tuple[str, str | None, dict[str, float]]] = {
    0: ("mining", None, {"weak": 4}),
    1: ("offline", "the last sweeps did not find it", {"offline": 100}),
    2: ("failure", "failure: code 7", {"failure": 100}),
    3: ("mining", "board 3 is failure: no chips", {"dead-board": 100 / 3, "weak": 36 - 100 / 3}),
    4: ("mining", "fan 2 is lost", {"weak": 4}),
    5: ("silent", "its last status is old", {"unreadable": 100}),
    6: ("silent", "its last status is from the future: a clock was set back", {"unreadable": 100}),
    7: ("unreadable", "does not report its state", {"unreadable": 100}),
    8: ("failing", "no answer within 5 s", {"weak": 4}),
    9: ("unseen", "its node shed is dead", {"unseen": 100}),
    10: ("stopped", None, {"stopped": 100}),
    11: ("auto-tuning", None, {"tuning": 40}),
    12: ("failing", "wrong unlock password", {}),
    13: ("mining", None, {"weak": -2}),
    14: ("mining", None, {"limited": 30}),
}


async def fill(farm: Farm) -> None:
    """Let there be the fleet."""
    await farm.write(access.admit, at=time.time())
    await farm.furnish()
    for number in set(FLEET) - {12}:
        await farm.add(number)
    await farm.write(miners.missed, [await _num(farm, 1)], time.time(), offline_after=1)
    await farm.add(2, state="failure", hashrate_hs=0.0, extra={"failure_code": 7})
    dead = {"state": "failure", "description": "no chips", "hashrate_hs": None, "power_w": None}
    await farm.add(3, hashrate_hs=64 * TH, hashboards=(*BOARDS[:2], _changed(BOARDS[2], **dead)))
    await farm.add(4, fans=(FanReading(1, 4500, 6000, "ok"), FanReading(2, 0, 6000, "lost")))
    await farm.write(grow_old, await _num(farm, 5), time.time() - 120)
    await farm.write(grow_old, await _num(farm, 6), time.time() + 7200)
    await farm.add(7, state=None, hashrate_hs=None, power_w=None)
    await farm.add(8, error="no answer within 5 s")
    await farm.add(10, **STOPPED)
    await farm.add(11, state="auto-tuning", hashrate_hs=60 * TH)
    await farm.add(12, error="wrong unlock password")
    await farm.add(13, hashrate_hs=102 * TH)
    await farm.add(14, hashrate_hs=70 * TH, extra={"throttle_percent": 70})
    await farm.write(_away)


async def _num(farm: Farm, number: int) -> int:
    known = await farm.store.read(miners.by_mac, mac(number))
    assert known is not None
    return known.num


def _changed(board: Any, **changes: Any) -> Any:
    return type(board)(**{**{name: getattr(board, name) for name in board.__slots__}, **changes})


def _away(db: Database) -> None:
    own(db)
    join(db, "shed-1", "shed", ago=3600)
    Node.update(state="dead").where(Node.id == "shed-1").execute(db)
    Miner.update(node_id="shed-1", remote=True).where(Miner.mac == mac(9)).execute(db)
    Health.update(rev=Health.rev + 1000).execute(db)


async def hivectl(farm: Farm, folder: Path, *argv: str) -> str:
    """Run hivectl beside the API."""
    config = folder / "hived.yaml"
    await asyncio.to_thread(config.write_text, f"database: {{url: 'sqlite:///{farm.store.path}'}}\nnode: {{id: n1}}\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hived.cli.main", *argv, "--config", str(config), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0 or argv[0] == "status"  # two daemons have never run here
    return out.decode()


async def api(farm: Farm, path: str) -> Any:
    async with aiohttp.ClientSession(headers=access.BEARER) as http, http.get(f"{farm.url}{path}") as reply:
        assert reply.status == 200
        return await reply.json()


def lost_of(text: str) -> dict[str, tuple[float, int]]:
    """Read {reason: (TH/s, miners)} from what people are shown."""
    found = re.findall(r"(-?[\d.]+) TH/s ([a-z-]+)\s+\(?(\d+) miner", text)
    return {reason: (float(hashrate), int(count)) for hashrate, reason, count in found}


async def test_all_three_say_the_same(farm: Farm, open_page: OpenPage, tmp_path: Path) -> None:
    await fill(farm)

    async def followed() -> bool:
        return bool((await api(farm, "/api/v1/fleet"))["unseen"]["miners"])

    await until(followed)
    rows = {row["id"]: row for row in (await api(farm, "/api/v1/rows"))["rows"]}
    for number, (word, why, lost) in FLEET.items():
        row = rows[mac(number)]
        assert (row["condition"]["word"], row["condition"]["why"]) == (word, why), number
        assert (row["condition"]["next_step"] is None) == (why is None), number
        assert {one["reason"]: one["hashrate_ths"] for one in row["lost"]} == pytest.approx(lost), number

    listed = json.loads(await hivectl(farm, tmp_path, "miners", "list", "--json"))
    judged = ("condition", "failing", "hashrate_expected_ths", "lost")
    for theirs in (listed, await api(farm, "/api/miners"), [await api(farm, f"/api/miners/{id_}") for id_ in rows]):
        assert {one["id"]: [one[name] for name in judged] for one in theirs} == {
            id_: [row[name] for name in judged] for id_, row in rows.items()
        }
    lines = (await hivectl(farm, tmp_path, "miners", "list", "--sort", "address")).splitlines()
    words = [line.split()[0] for line in lines[1 : len(FLEET) + 1]]
    assert sorted(words) == sorted(word for word, _, _ in FLEET.values())

    fleet = await api(farm, "/api/v1/fleet")
    told = json.loads(await hivectl(farm, tmp_path, "status", "--json"))["fleet"]
    assert told == {name: fleet[name] for name in told}
    missing = {one["reason"]: (one["hashrate_ths"], one["miners"]) for one in fleet["lost"]}
    assert sum(hashrate for hashrate, _ in missing.values()) == pytest.approx(
        fleet["hashrate_expected_ths"] - fleet["hashrate_ths"]
    )
    assert {reason: hashrate for reason, (hashrate, _) in missing.items()} == pytest.approx({
        reason: sum(all_lost.get(reason, 0) for _, _, all_lost in FLEET.values())
        for reason in {name for _, _, all_lost in FLEET.values() for name in all_lost} - {"unseen"}
    })  # fmt: skip
    assert (fleet["unseen"]["miners"], fleet["unseen"]["hashrate_ths"]) == (1, 100)
    assert (fleet["failing"], fleet["silent"], fleet["online"]) == (2, 3, 13)
    shown = {reason: (round(hashrate, 1), count) for reason, (hashrate, count) in missing.items()}
    overview = await hivectl(farm, tmp_path, "status")
    assert lost_of(overview) == shown
    numbers = ", ".join(
        f"{fleet['counts'][mark]} {mark}"
        for mark in ("online", "hashing", "failing", "failure", "silent", "unreadable", "offline", "unseen")
    )
    assert f"{len(FLEET)} known, {numbers}" in " ".join(overview.split())
    assert "shed is dead" in overview
    assert f"{fleet['hashrate_ths']:.1f} TH/s of {fleet['hashrate_expected_ths']:,.0f} TH/s expected" in overview

    async with open_page(width=2400, height=1400) as page:
        await page.go(
            farm.url, until=f"document.querySelectorAll('.miners tbody tr[data-mac]').length === {len(FLEET)}"
        )
        cells: dict[str, list[str]] = await page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('tr[data-mac]')].map("
            "r => [r.dataset.mac, [r.querySelector('.c-state').innerText.trim(), r.querySelector('.c-state').title]]))"
        )
        for number, (word, why, _) in FLEET.items():
            assert cells[mac(number)][0] == word, number
            assert (why or "") in cells[mac(number)][1], number
            step = rows[mac(number)]["condition"]["next_step"]
            assert (f"next: {step}" if step else "") in cells[mac(number)][1], number
        await page.wait_for(f"document.querySelector('.chip-failing b')?.innerText === '{fleet['failing']}'")
        chips: dict[str, str] = await page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('.chip')].map("
            "c => [c.className.match(/chip-(\\w+)/)[1], c.querySelector('b').innerText]))"
        )
        assert {mark: int(chips.get(mark, "0")) for mark in MARKS} == fleet["counts"]
        totals = await page.text(".totals")
        assert {why: (round(hs, 1), n) for why, (hs, n) in lost_of(totals).items()} == shown
        assert re.search(r"100.0 TH/s unknown since .* 1 miner", totals)
        assert "shed is dead, last heard of" in await page.text(".note.warning")
        await page.click(".chip-failing")
        await page.wait_for(f"document.querySelectorAll('tr[data-mac]').length === {fleet['failing']}")
        await page.go(f"{farm.url}/miners/{mac(3)}", until="document.querySelector('.note.trouble')")
        step = rows[mac(3)]["condition"]["next_step"]
        assert await page.text(".note.trouble") == f"board 3 is failure: no chips Next: {step}"
        assert page.problems == []
