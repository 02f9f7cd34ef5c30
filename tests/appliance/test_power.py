"""The power goes at a random moment, and the same disk boots again."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.conftest import LONG
from tests.appliance.machine import Machine, machine, wait
from tests.appliance.tools import Packages

CUTS = 100 if LONG else 5
MINERS = 200
COMMITTED_S = 1.0


@pytest.fixture
def site(packages: Packages, folder: Path) -> Iterator[Machine]:
    with machine("bookworm", folder) as made:
        made.boot()
        made.simulate(packages, miners=MINERS)
        made.configure("intervals: {status_seconds: 5}\n")
        made.install(packages)
        made.all_active()
        yield made


def test_nothing_that_was_stored_is_lost_when_the_power_goes(site: Machine, packages: Packages) -> None:
    """SIGKILL of the whole system. What the kernel had not written yet is not lost by it: that is not shown here."""
    newest = "SELECT COALESCE(MAX(at), 0) * 1000 FROM status"
    wait(lambda: site.number("SELECT COUNT(DISTINCT num) FROM status") == MINERS, "all are polled", 60)
    chance = random.Random(5)
    for cut in range(CUTS):
        stored_ms = site.number(newest)
        wait(lambda before=stored_ms: site.number(newest) > before, "polling goes on", 60)
        until = time.monotonic() + chance.uniform(0.0, 5.0)
        stored_ms, rows = site.number(newest), site.number("SELECT COUNT(*) FROM status")
        while time.monotonic() < until:
            stored_ms, rows = site.number(newest), site.number("SELECT COUNT(*) FROM status")
        site.cut_power()
        site.boot()
        site.all_active(within_s=60)
        assert site.text("PRAGMA integrity_check") == "ok", f"cut {cut}"
        assert site.number(newest) >= stored_ms - COMMITTED_S * 1000
        assert site.number("SELECT COUNT(*) FROM status") >= rows
        site.simulate(packages, miners=MINERS)
    assert site.number("SELECT COUNT(*) FROM miner") == MINERS
