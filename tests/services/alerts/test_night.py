"""A night at a site: much goes wrong, little is told, and nothing is missed, whoever is killed in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hived.records.alerts import Notice
from hived.records.host import HostTrouble
from hived.records.miner import PoolReading
from hived.store import Store
from tests.clock import FakeClock
from tests.databases import Databases
from tests.services.alerts.alertsite import POOL, AlertSite, board

ROW_A, ROW_B, BARN = range(1, 41), range(41, 53), range(53, 61)
DYING, FLAPPING, STOLEN = 45, 50, 52
BEGINS = 1_800_046_800.0
"""21:00 UTC."""
MOST = 12
BUSY_MIN, QUIET_MIN = 8, 4
"""So many minutes after something happened each is looked at; of the others every fourth."""
DOCS = Path(__file__).parents[3] / "docs" / "alerts.md"

Step = Callable[[AlertSite], Awaitable[None]]


def _dies(share: float, red: int, state: str = "mining") -> Step:
    """Let a board fade: its chips turn red, and its rate falls."""
    boards = (board(1), board(2), board(3, chips_red=red, state=state, hashrate_hs=34e12 * share))
    return lambda site: site.tells(DYING, hashboards=boards, hashrate_hs=68e12 + 34e12 * share)


def _mines_at(url: str, worker: str) -> Step:
    return lambda site: site.tells(STOLEN, pools=(PoolReading(0, url, worker, status="active"),))


def _happens(kind: str, **detail: object) -> Step:
    return lambda site: site.event(kind, STOLEN, **detail)


def _disk(*troubles: HostTrouble) -> Step:
    async def step(site: AlertSite) -> None:
        site.facts = replace(site.facts, troubles=troubles)

    return step


def _row_b(**answers: object) -> Step:
    async def step(site: AlertSite) -> None:
        for number in ROW_B:
            await site.tells(number, **answers)

    return step


FULL = HostTrouble(
    "disk_full", "the disk is full (3 MiB left): new data can no longer be stored, or soon cannot",
    "make room on the disk of /var/lib/hived; nothing needs a restart",
)  # fmt: skip
THEIRS = "stratum+tcp://pool.elsewhere.example:3333"
NIGHT: dict[int, list[Step]] = {
    10: [_dies(0.95, 1)],
    20: [_dies(0.9, 3)],
    60: [lambda site: site.offline(*ROW_A)],
    78: [lambda site: site.online(*ROW_A)],
    95: [_dies(0.6, 9)],
    110: [_dies(0.0, 60, "failure")],
    **{minute: [lambda site: site.offline(FLAPPING)] for minute in range(130, 190, 8)},
    **{minute + 3: [lambda site: site.online(FLAPPING)] for minute in range(130, 190, 8)},
    210: [
        _mines_at(THEIRS, "thief.1"),
        _happens("pool_changed", pool=1, before=f"{POOL} as farm.w1", after=f"{THEIRS} as thief.1"),
    ],
    211: [_happens("settings_changed", changes=[{"path": "pools.0.user", "before": "farm.w1", "after": "thief.1"}])],
    240: [_mines_at(POOL, "farm.w1")],
    260: [lambda site: site.cut_off("n-2")],
    300: [lambda site: site.reached("n-2")],
    320: [_row_b(state="stopped", hashrate_hs=0.0, power_w=60.0)],
    380: [_row_b(state="mining", hashrate_hs=102e12, power_w=3100.0), _dies(0.0, 60, "failure")],
    400: [_disk(FULL)],
    425: [_disk()],
}  # fmt: skip
EXPECTED = {
    ("chips-fading", "opened"), ("boards-lost", "opened"), ("group-offline", "opened"), ("group-offline", "ended"),
    ("unsteady", "opened"), ("unsteady", "ended"), ("foreign-pool", "opened"), ("foreign-pool", "ended"),
    ("node-silent", "opened"), ("node-silent", "ended"), ("disk", "opened"), ("disk", "ended"),
}  # fmt: skip


async def _night(store: Store, killed: Callable[[], bool] = lambda: False) -> list[Notice]:
    async with AlertSite(store, FakeClock(BEGINS)) as site:
        await site.allow()
        await site.miners(ROW_A, group="row A")
        await site.miners(ROW_B, group="row B")
        await site.node("n-2")
        await site.miners(BARN, node="n-2")
        site.killed = killed
        minute = 0
        while minute < 480:
            for step in NIGHT.get(minute, ()):
                await step(site)
            busy = any(at <= minute < at + BUSY_MIN or minute < at < minute + QUIET_MIN for at in NIGHT)
            await site.turn(minutes := 1 if busy else QUIET_MIN, every_s=60.0 * minutes)
            minute += minutes
        return await site.notices()


def _as_text(told: list[Notice]) -> str:
    return "\n\n".join(f"[{one.severity}] {one.title}\n{one.body}" for one in told)


@pytest.mark.sqlite_only("the same rows, and eight hours of them")
async def test_a_night_is_told_in_twelve_notices_and_none_is_missing(databases: Databases) -> None:
    async with Store.open(databases.make()) as store:
        told = await _night(store)
    text = _as_text(told)
    assert len(told) <= MOST, text
    assert {(one.rule, one.told) for one in told} == EXPECTED, text
    is_in_the_docs = text in DOCS.read_text()
    assert is_in_the_docs, text


@pytest.mark.sqlite_only("the same rows, and eight hours of them")
async def test_a_night_is_told_the_same_when_the_engine_is_killed_again_and_again(databases: Databases) -> None:
    random = Random(15)
    async with Store.open(databases.make()) as store:
        told = await _night(store, lambda: random.random() < 0.3)
    assert len(told) <= MOST, _as_text(told)
    assert {(one.rule, one.told) for one in told} == EXPECTED, _as_text(told)
