"""Alerts: what is wrong, what was, and that somebody has it in hand."""

from __future__ import annotations

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import BEFORE, answers, limit
from hived.api.http.latest import Latest
from hived.documents import alerts as documents
from hived.documents import asked
from hived.errors import BadRequest
from hived.records import alert_wishes
from hived.records.alerts import Alert
from hived.services.alerts import attention, listing
from hived.store import Database
from hived.store.alerts import alerts

COUNTS: web.AppKey[Latest[dict[str, int]]] = web.AppKey("alert_counts")
"""For the stream."""
PAST = 50
STATES = ("open", "over")


@answers(list[documents.AlertDocument], query={**BEFORE, "state": asked.AlertState, "limit": limit(PAST)})
async def every(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/alerts[?state=][&before=ID][&limit=N]: those that are open, bad ones first, then those that are over.

    What an open one explains is listed under it. `state` is open or over; without it both. `limit` and `before` are of
    those that are over, newest first.
    """
    ctx = context.of(request)
    state = params.queries(request, "state").get("state")
    if state is not None and state not in STATES:
        raise BadRequest(f"state: expected {' or '.join(STATES)}")
    most, before = params.limit(request, PAST), params.count(request, "before")
    return await responses.reply(request, await context.search(request, _every, state, most, before, ctx.clock()))


def _every(db: Database, state: str | None, most: int, before: int | None, at: float) -> list[documents.AlertDocument]:
    found = listing.open_ones(db, at) if state != "over" and before is None else []
    return found + (listing.over(db, at, limit=most, before=before) if state != "open" else [])


@answers(documents.AlertCountsDocument)
async def counts(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/alerts/counts: how many are open by severity, without those that somebody has in hand."""
    return await responses.reply(request, await context.of(request).store.read(alerts.counts))


@answers(documents.WholeAlertDocument)
async def one(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/alerts/{id}: an alert with all its members, and what was told of it to whom."""
    ctx = context.of(request)
    found = await context.search(request, listing.one, params.number(request, "alert"), ctx.clock())
    return await responses.reply(request, found)


@answers(documents.WholeAlertDocument, body=asked.Nothing, refuses=(409,))
async def acknowledge(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/alerts/{id}/acknowledge: take an alert in hand: only its end is told now. 409 when it is over."""
    number = params.number(request, "alert")
    await params.fields(request, {})
    by = access.by(request)
    return await _answer(request, await context.of(request).store.write(attention.acknowledge, number, by))


@answers(documents.WholeAlertDocument, body=asked.Snooze, refuses=(409,))
async def snooze(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/alerts/{id}/snooze {seconds} or {until}: hear no more of an alert for a while, but of its end.

    A week at most; 409 when it is over.
    """
    ctx, number = context.of(request), params.number(request, "alert")
    until = alert_wishes.until(await params.document(request), ctx.clock())
    return await _answer(request, await ctx.store.write(attention.snooze, number, until, access.by(request)))


async def _answer(request: web.Request, changed: Alert) -> web.StreamResponse:
    ctx = context.of(request)
    return await responses.reply(request, await ctx.store.read(listing.one, changed.id, ctx.clock()))
