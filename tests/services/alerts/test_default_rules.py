"""Each rule that hived begins with: what fires it, and what ends it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from hived.records.alerts import DAY_S, DEFAULTS
from hived.records.daemon import APID, MINERD, POLLD
from hived.records.host import HostTrouble
from hived.records.miner import FanReading, PoolReading
from hived.store import daemon_rows
from hived.store.alerts import outlook
from hived.store.collecting import collector
from hived.store.schema import Node
from tests.services.alerts.alertsite import AlertSite, board

MINERS = range(1, 9)
Step = Callable[[AlertSite], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """`fires` makes it wrong; after `minutes` it is told, and not before `not_before`; `ends` makes it well again."""

    fires: Step
    ends: Step
    minutes: float
    says: str
    """What stands in its first notice."""
    not_before: float = 0
    over: float = 4
    """After so many minutes it is over."""


def tells(number: int, well: dict[str, Any], **wrong: Any) -> tuple[Step, Step]:
    return lambda site: site.tells(number, **wrong), lambda site: site.tells(number, **well)


async def _all_low(site: AlertSite) -> None:
    for number in MINERS:
        await site.tells(number, hashrate_hs=70e12)


async def _all_well(site: AlertSite) -> None:
    for number in MINERS:
        await site.tells(number, hashrate_hs=102e12)


async def _comes_and_goes(site: AlertSite) -> None:
    for _ in range(4):
        await site.event("miner_offline", 3)
        await site.turn(1)


async def _foreign(site: AlertSite) -> None:
    await site.allow()
    await site.tells(2, pools=(PoolReading(0, "stratum+tcp://evil.example:1", "thief.1", status="active"),))


async def _nothing(_site: AlertSite) -> None:
    """What happened is over by itself."""


def happens(kind: str, **detail: Any) -> Step:
    return lambda site: site.event(kind, 5, **detail)


def trouble(kind: Any, text: str) -> tuple[Step, Step]:
    async def fires(site: AlertSite) -> None:
        site.facts = replace(site.facts, troubles=(HostTrouble(kind, text, "make room"),))

    async def ends(site: AlertSite) -> None:
        site.facts = replace(site.facts, troubles=())

    return fires, ends


def free(percent: float) -> Step:
    async def step(site: AlertSite) -> None:
        site.facts = replace(site.facts, disk_free_percent=percent)

    return step


def node(**fields: Any) -> Step:
    async def step(site: AlertSite) -> None:
        if not await site.store.read(outlook.nodes):
            await site.node("n-2")
        await site.write(lambda db: Node.update(**fields).where(Node.id == "n-2").execute(db))

    return step


async def _polld_ends(site: AlertSite) -> None:
    site.running.remove(POLLD)


async def _polld_runs(site: AlertSite) -> None:
    site.running.append(POLLD)


def certificate(days: float) -> Step:
    async def step(site: AlertSite) -> None:
        site.running = [*site.running, APID]
        await site.write(daemon_rows.note, daemon_rows.CERTIFICATE_UNTIL, site.clock() + days * DAY_S)

    return step


async def _a_month_passes(site: AlertSite) -> None:
    site.clock.advance(31 * DAY_S)
    site.engine = site.fresh()


async def _backed_up(site: AlertSite) -> None:
    await site.write(daemon_rows.note, daemon_rows.BACKUP_AT, site.clock())


def model(state: str | None) -> Step:
    async def step(site: AlertSite) -> None:
        site.running = [*{*site.running, MINERD}]
        await site.write(collector.start, site.clock())
        await site.write(
            collector.tell, site.clock(), status="Running", current_source=None, model_state=state, describer=None
        )

    return step


CASES: dict[str, Case] = {
    "group-offline": Case(
        lambda site: site.offline(*MINERS), lambda site: site.online(*MINERS), 2, "8 miners offline, all at once"
    ),
    "miners-offline": Case(
        lambda site: site.offline(1, 2, 3), lambda site: site.online(1, 2, 3), 5, "3 miners offline", not_before=3
    ),
    "unsteady": Case(_comes_and_goes, _nothing, 1, "4 losses of contact and reboots in an hour", over=65),
    "site-low": Case(_all_low, _all_well, 12, "67 % of what the site should give", not_before=9),
    "miner-low": Case(
        *tells(4, {"hashrate_hs": 102e12}, hashrate_hs=70e12), 17, "67 % of what it should give", not_before=14
    ),
    "powered-idle": Case(
        *tells(4, {"hashrate_hs": 102e12}, hashrate_hs=0.0), 17, "mining, and gives nothing", not_before=14
    ),
    "failure": Case(
        *tells(4, {"state": "mining", "hashrate_hs": 102e12}, state="failure", hashrate_hs=0.0), 7, "failure",
        not_before=4,
    ),
    "too-hot": Case(*tells(4, {"chip_temp_max_c": 80.0}, chip_temp_max_c=99.0), 7, "99 °C hottest chip", not_before=4),
    "fans-lost": Case(
        *tells(4, {"fans": (FanReading(0, 4200, 6000, "ok"),)}, fans=(FanReading(0, 0, 6000, "lost"),)), 4,
        "fan 0 is lost", not_before=1,
    ),
    "boards-lost": Case(
        *tells(
            4, {"hashboards": (board(1), board(2)), "hashrate_hs": 102e12},
            hashboards=(board(1), board(2, state="failure", hashrate_hs=0.0)), hashrate_hs=68e12,
        ),
        7, "board 2: failure", not_before=4,
    ),
    "chips-fading": Case(
        *tells(4, {"hashboards": (board(1),)}, hashboards=(board(1, chips_red=3),)), 32,
        "3 chips marked red on one board", not_before=29, over=32,
    ),
    "foreign-pool": Case(
        _foreign, lambda site: site.tells(2, pools=()), 1,
        "pool 1 is stratum+tcp://evil.example:1 as thief.1",
    ),
    "firmware-changed": Case(happens("firmware_changed", after="1.2.7"), _nothing, 1, "now runs firmware 1.2.7", 0, 20),
    "pools-changed": Case(happens("pool_changed", pool=1, before="a", after="b"), _nothing, 1, "pool 1 is b", over=20),
    "settings-changed": Case(
        happens("settings_changed", changes=[{"path": "cooling.mode", "before": "auto", "after": "manual"}]), _nothing,
        1, "cooling mode: auto -> manual", over=20,
    ),
    "disk": Case(*trouble("disk_full", "the disk is full (3 MiB left)"), 1, "the disk is full (3 MiB left)"),
    "disk-low": Case(free(4.0), free(50.0), 12, "4 % of the disk free", not_before=9),
    "clock": Case(node(skew_s=-90.0), node(skew_s=0.0), 12, "90 s off the clock", not_before=9),
    "database": Case(*trouble("database_replaced", "the database was damaged"), 1, "the database was damaged"),
    "certificate": Case(certificate(10), certificate(300), 1, "10 d until the certificate runs out"),
    "daemon-down": Case(_polld_ends, _polld_runs, 4, "hive-polld on shed: not running", not_before=1),
    "node-silent": Case(node(state="dead"), node(state="alive"), 1, "n-2: silent"),
    "node-full": Case(node(full=json.dumps({"miners": 1.0})), node(full="{}"), 1, "more than is kept"),
    "backup-old": Case(_a_month_passes, _backed_up, 1, "31 d without a backup"),
    "model-server": Case(model("ollama pull llama3.2:1b"), model(None), 32, "ollama pull llama3.2:1b", not_before=29),
}  # fmt: skip


def test_every_rule_is_tried() -> None:
    assert CASES.keys() == DEFAULTS.keys()


@pytest.mark.sqlite_only("the rules say nothing in SQL: test_engine.py tries what the engine does on both")
@pytest.mark.parametrize("name", CASES)
async def test_a_rule_fires_and_ends(site: AlertSite, name: str) -> None:
    case = CASES[name]
    await site.miners(MINERS, group="row A")
    await site.turn(2)
    await case.fires(site)
    if case.not_before:
        await site.turn(case.not_before)
        assert await site.said() == []
    await site.turn(case.minutes - case.not_before)
    assert await site.said() == [(name, "opened")]
    (notice,) = await site.notices()
    assert case.says in notice.body
    assert "Next step: " in notice.body
    assert (notice.severity, notice.link) == (DEFAULTS[name].severity, "https://shed.example/alerts/1")
    await case.ends(site)
    await site.turn(case.over)
    assert await site.open() == []
    is_event = name.endswith("-changed")
    assert await site.said() == [(name, "opened"), *([] if is_event else [(name, "ended")])]
