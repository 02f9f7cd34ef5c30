"""A miner's numbers over time, in columns: raw for hours, 5-minute rollups for days, hourly ones for months."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import params, responses
from hived.errors import BadRequest
from hived.records.units import ths
from hived.store.engine.db import Database
from hived.store.miners import history, miners, readings

HOUR_S, DAY_S = 3600.0, 86_400.0
RAW_UP_TO_S = 4 * HOUR_S
FIVE_MINUTES_UP_TO_S = 4 * DAY_S
LONGEST_H = 24 * 366
MAX_POINTS = 9_000  # a year of hours


async def columns(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/miners/{mac}/history?hours=4: {step_s, at, <quantity>: [...]}, oldest first, equally long columns.

    `step_s` null means statuses as they came; else every entry sums up so many seconds from `at` (epoch seconds) on.
    A stretch without a status has no entry.
    """
    mac, hours = params.mac(request), _hours(request)
    here = context.of(request)
    return await responses.reply(request, await here.store.read(_columns, mac, hours, here.clock()))


def _hours(request: web.Request) -> float:
    text = request.query.get("hours", "4")
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= LONGEST_H:
        raise BadRequest(f"hours: expected a number above 0 and up to {LONGEST_H}, got {text[:40]!r}")
    return hours


def _columns(db: Database, mac: str, hours: float, now: float) -> bytes:
    num, since = context.miner_num(db, mac), now - hours * HOUR_S
    # Of a miner that another node watches only its sums are here.
    if hours * HOUR_S <= RAW_UP_TO_S and miners.watched_by(db, mac) is None:
        return responses.encode(_raw(db, num, since))
    width_s = history.FIVE_MINUTES_S if hours * HOUR_S <= FIVE_MINUTES_UP_TO_S else history.HOUR_S
    rows = history.rollups(db, num, since=since, width_s=width_s, limit=MAX_POINTS)
    return responses.encode(
        {
            "step_s": width_s,
            "at": [row["at"] for row in rows],
            "hashrate_ths": [ths(row["hashrate_mean_hs"]) for row in rows],
            "hashrate_min_ths": [ths(row["hashrate_min_hs"]) for row in rows],
            "hashrate_max_ths": [ths(row["hashrate_max_hs"]) for row in rows],
            "hashrate_nominal_ths": [ths(row["expected_hashrate_mean_hs"]) for row in rows],
            "power_w": [row["power_mean_w"] for row in rows],
            "chip_temp_max_c": [row["chip_temp_max_c"] for row in rows],
            "statuses": [row["n"] for row in rows],
        }
    )


def _raw(db: Database, num: int, since: float) -> dict[str, Any]:
    rows = readings.columns(db, num, since=since, limit=MAX_POINTS)
    return {
        "step_s": None,
        "at": [row[0] for row in rows],
        "hashrate_ths": [ths(row[1]) for row in rows],
        "hashrate_nominal_ths": [ths(row[2]) for row in rows],
        "power_w": [row[3] for row in rows],
        "chip_temp_max_c": [row[4] for row in rows],
        "pcb_temp_max_c": [row[5] for row in rows],
    }
