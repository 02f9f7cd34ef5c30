"""Page, API and hivectl side by side with what the simulated site knows of itself: expected, now, lost by reason."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.miner import SimulatedMiner
from tests.dashboard.conftest import OpenPage, chromium, open_page
from tests.system.appliance import Appliance, until
from tests.system.test_end_to_end import ask

pytestmark = [pytest.mark.system, pytest.mark.browser]
__all__ = ["chromium", "open_page"]

SUBNET = "127.38.0.0/26"
SETUPS = {
    "auto-tuning": 1,
    "failure": 1,
    "failed-board": 1,
    "stopped": 2,
    "dead-board": 1,
    "lost-fan": 1,
    "starting": 1,
}
COUNT = 14
BOARDS = 3


def truth(miner: SimulatedMiner) -> tuple[float, float, dict[str, float]]:
    """Return what a simulated miner should give, what it gives and why it gives less, TH/s."""
    now = miner.snapshot()
    asked = next(preset.ths for preset in miner.spec.ladder if preset.name == miner.requested)
    rate = now.realtime_ghs / 1000
    if miner.state != "mining":
        whole = {"failure": "failure", "auto-tuning": "tuning"}.get(miner.state, "stopped")
        return asked, rate, {whole: asked - rate}
    dead = [board for board in now.boards if board.ideal_ghs == 0]
    lost = {"dead-board": asked * len(dead) / BOARDS - sum(board.rate_ghs for board in dead) / 1000} if dead else {}
    if miner.preset.ths < asked:  # its switcher went down by itself
        lost["limited"] = min(asked - miner.preset.ths, asked - rate - sum(lost.values()))
    rest = asked - rate - sum(lost.values())
    return asked, rate, lost | ({"weak": rest} if abs(rest) > 0.001 else {})


def of_all(miners: list[SimulatedMiner]) -> dict[str, Any]:
    """Return the truth of the whole site."""
    found = [truth(miner) for miner in miners]
    lost: Counter[str] = Counter()
    for _, _, reasons in found:
        lost.update(reasons)
    return {
        "expected": sum(expected for expected, _, _ in found), "now": sum(rate for _, rate, _ in found),
        "lost": dict(lost), "miners": Counter(reason for _, _, reasons in found for reason in reasons),
        "counts": {
            "online": len(miners), "failing": 0, "unreadable": 0, "silent": 0, "offline": 0, "unseen": 0,
            "failure": sum(miner.state == "failure" for miner in miners),
            "stopped": sum(miner.state == "stopped" for miner in miners),
            "hashing": sum(miner.state in ("mining", "auto-tuning") for miner in miners),
        },
    }  # fmt: skip


def said(fleet: dict[str, Any], counted: dict[str, int]) -> dict[str, Any]:
    """Return the same of what hived says."""
    return {
        "expected": pytest.approx(fleet["hashrate_expected_ths"], abs=0.01),
        "now": pytest.approx(fleet["hashrate_ths"], abs=0.01),
        "lost": pytest.approx({one["reason"]: one["hashrate_ths"] for one in fleet["lost"]}, abs=0.01),
        "miners": {one["reason"]: one["miners"] for one in fleet["lost"]},
        "counts": {mark: fleet["counts"][mark] for mark in counted},
    }


async def test_page_api_and_hivectl_say_what_the_site_knows_of_itself(
    appliance: Appliance, free_port: int, open_page: OpenPage, tmp_path: Path
) -> None:
    stands_still = time.time()  # so that no rate moves between two looks
    async with Fleet(COUNT, subnet=SUBNET, setups=SETUPS, clock=lambda: stands_still) as site:
        appliance.configure(
            network={"subnets": [SUBNET], "port": site.port},
            intervals={"discovery_seconds": 2, "status_seconds": 5, "telemetry_seconds": 30},
            http={"addr": f"127.0.0.1:{free_port}"},
        )
        for name in ("hive-discoverd", "hive-polld", "hive-apid"):
            appliance.start(name)
        url, known = f"http://127.0.0.1:{free_port}", of_all(site.miners)
        assert {"failure", "tuning", "stopped", "dead-board", "weak"} <= known["lost"].keys()

        async def all_is_known() -> bool:
            fleet = await ask(f"{url}/api/v1/fleet")
            return bool(fleet) and fleet["counts"]["online"] == COUNT and known == said(fleet, known["counts"])

        try:
            await until(all_is_known)
        except AssertionError:
            assert said(await ask(f"{url}/api/v1/fleet"), known["counts"]) == known  # in what they differ
            raise
        rows = {row["id"]: row for row in (await ask(f"{url}/api/v1/rows"))["rows"]}
        for miner in site.miners:
            expected, rate, reasons = truth(miner)
            row = rows[miner.mac]
            assert row["hashrate_expected_ths"] == pytest.approx(expected, abs=0.01)
            assert (row["hashrate_ths"] or 0) == pytest.approx(rate, abs=0.01)
            assert {one["reason"]: one["hashrate_ths"] for one in row["lost"]} == pytest.approx(reasons, abs=0.01)

        told = json.loads(appliance.hivectl("status", "--json"))["fleet"]
        assert known == said(told, known["counts"])
        words = appliance.hivectl("status")
        assert f"{known['now']:,.0f} TH/s of {known['expected']:,.0f} TH/s expected" in words

        async with open_page(width=2000, height=1200) as page:
            link = json.loads(appliance.hivectl("login-link", "--json"))["link"]
            await page.go(link, until=f"document.querySelectorAll('.miners tbody tr[data-mac]').length === {COUNT}")
            totals = await page.text(".totals")
            shown = {reason: float(ths) for ths, reason in re.findall(r"(-?[\d.]+) TH/s ([a-z-]+) ", totals)}
            assert shown == pytest.approx(known["lost"], abs=0.06)
            assert f"of {known['expected'] / 1000:.3f} PH/s expected" in totals
            chips: dict[str, int] = {}

            async def chips_say_so() -> bool:
                nonlocal chips
                chips = await page.evaluate(
                    "Object.fromEntries([...document.querySelectorAll('.chip')].map("
                    "c => [c.className.match(/chip-(\\w+)/)[1], Number(c.querySelector('b').innerText)]))"
                )
                return bool({mark: chips.get(mark, 0) for mark in known["counts"]} == known["counts"])

            try:
                await until(chips_say_so)  # a miner that was slow for a moment is asked again
            except AssertionError:
                assert {mark: chips.get(mark, 0) for mark in known["counts"]} == known["counts"]
                raise
            assert page.problems == []
