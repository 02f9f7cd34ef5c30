"""A miner's numbers over time, in columns: raw for hours, 5-minute rollups for days, hourly ones for months."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from aiohttp import web

from hived.api import context
from hived.api.http import params, responses
from hived.api.http.answers import answers
from hived.documents import miner_shapes
from hived.documents.shape import shape
from hived.errors import BadRequest
from hived.records import measures
from hived.records.measures import Measure, Rolled
from hived.store.engine.db import Database
from hived.store.miners import history, miners, readings

HOUR_S, DAY_S = 3600.0, 86_400.0
RAW_UP_TO_S = 4 * HOUR_S
FIVE_MINUTES_UP_TO_S = 4 * DAY_S
LONGEST_H = 24 * 366
MAX_POINTS = 9_000  # a year of hours

Hours = Annotated[float, shape(exclusiveMinimum=0, maximum=LONGEST_H, default=4)]


@answers(miner_shapes.HistoryDocument, query={"hours": Hours})
async def columns(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/miners/{mac}/history?hours=4: its numbers over time, in columns, oldest first.

    Columns are equally long. `step_s` null means statuses as they came; else every entry sums up so many seconds from
    `at` (epoch seconds) on. A stretch without a status has no entry. `series` says which columns make the lines of a
    chart, and in which unit.
    """
    mac, hours = params.mac(request), _hours(request)
    now = context.of(request).clock()
    return await responses.reply(request, await context.search(request, _columns, mac, hours, now))


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
    num, since = miners.one(db, mac).num, now - hours * HOUR_S
    # Of a miner that another node watches only its sums are here.
    if hours * HOUR_S <= RAW_UP_TO_S and miners.watched_by(db, mac) is None:
        statuses = readings.columns(db, num, since=since, limit=MAX_POINTS)
        return _encoded(None, statuses, {measure.name: measure for measure in measures.CHARTED})
    width_s = history.FIVE_MINUTES_S if hours * HOUR_S <= FIVE_MINUTES_UP_TO_S else history.HOUR_S
    rows = history.rollups(db, num, since=since, width_s=width_s, limit=MAX_POINTS)
    sums = {rolled.column: rolled for rolled in measures.ROLLED}
    return _encoded(width_s, rows, sums, statuses=[row["n"] for row in rows])


def _encoded(
    step_s: float | None, rows: list[dict[str, Any]], wanted: Mapping[str, Measure | Rolled], **more: list[int]
) -> bytes:
    columns = {of.outside: [of.shown(row[name]) for row in rows] for name, of in wanted.items()}
    series = [_series(measure) for measure in measures.CHARTED if measure.title and measure.outside in columns]
    return responses.encode({"step_s": step_s, "series": series, "at": [row["at"] for row in rows], **columns, **more})


def _series(measure: Measure) -> dict[str, Any]:
    unit = measure.unit
    return {
        "name": measure.outside, "title": measure.title, "quantity": unit.quantity, "unit": unit.symbol,
        "places": unit.places, "from_zero": unit.from_zero, "reference": measure.reference,
    }  # fmt: skip
