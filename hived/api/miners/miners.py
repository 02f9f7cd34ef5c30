"""The inherited calls about miners, and their settings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import NODE, UNCHANGED, answers, limit
from hived.documents import asked, miner_shapes
from hived.documents import miners as documents
from hived.documents.fleet import judged
from hived.errors import BadRequest, NotFound
from hived.records.commands import address, mac, password, switch
from hived.records.condition import Moment, condition
from hived.records.miner import HashboardChips
from hived.records.miner_view import MinerView
from hived.services.miners import steering
from hived.services.miners.rules import RULES
from hived.store import Database
from hived.store.miners import fleet, models, readings, settings, telemetry, views
from hived.store.miners import miners as miner_rows

CHIPS_AT_MOST_S = 90.0  # chips are read once a minute: older ones say nothing about this status
WITH_CHIPS = 10  # statuses of a list that carry chips: one has 50 KB of them, a thousand would have 50 MB
CHIP_BOARDS = 40  # boards looked through for them: ten readings of four
STATUS_NEAR_S = 30.0  # two polls
MAX_TIMES = 20_000  # statuses looked through: a thousand boards are five hours, which are 1,300 statuses at 15 s


@answers(list[miner_shapes.ListedDocument], query=NODE, also=UNCHANGED)
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/miners[?node=ID]: every *miner*, or those that one node watches.

    Inside `latest_status`, `chains[].chips` is [] here (it would be 30 MB for 1,000 miners), and `model` goes without
    `presets_power`; both are complete in the calls for one miner and for models.
    """
    return await responses.send(request, context.of(request).fleet.page("miners", params.node(request)))


@answers(miner_shapes.ListedDocument)
async def one(request: web.Request) -> web.StreamResponse:
    """GET /api/miners/{mac}: one *miner* as the database has it now, with the chips of its latest status."""
    ctx = context.of(request)
    found = await ctx.store.read(_miner, params.mac(request), ctx.fleet.moment())
    return await responses.reply(request, found)


CHANGES: Mapping[str, params.Check] = {
    "managed": partial(switch, "managed"), "unlock_pass": partial(password, "unlock_pass"),
    **{name: partial(read, name) for name, read in RULES.items()},
}  # fmt: skip


@answers(miner_shapes.ListedDocument, body=asked.MinerChange, refuses=(409,))
async def change(request: web.Request) -> web.StreamResponse:
    """PATCH /api/miners/{mac}: change some of it; all of that or nothing is stored. Reply *miner*.

    `managed` and `unlock_pass`; `group` (a word or null), `tags`, `locked` and `protected` ({why, until?} or null),
    `min_preset` (the name of a preset of its model, or null). 403 for what needs an admin, 409 for what another node
    has to be told.
    """
    ctx, mac = context.of(request), params.mac(request)
    wishes = await params.fields(request, CHANGES)
    if not wishes:
        raise BadRequest(f"nothing to change: expected one or more of {', '.join(CHANGES)}")
    await ctx.store.write(steering.set_miner, mac, wishes, access.by(request), access.role(request))
    await context.follow(ctx)
    return await responses.reply(request, await ctx.store.read(_miner, mac, ctx.fleet.moment()))


@answers(None, 204, refuses=(409,))
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/miners/{mac}: forget a miner; 204. 409 while it is there."""
    ctx = context.of(request)
    await ctx.store.write(steering.remove_miner, params.mac(request), access.by(request))
    await context.follow(ctx)
    return web.Response(status=204)


@answers(miner_shapes.ListedDocument, also={202: None}, body=asked.Merge, refuses=(409,))
async def merge(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/miners/{mac}/merge {into}: have the machine go on as `into`, its new control board; reply *miner*.

    202 without a body for miners of another node, which is asked.
    """
    ctx, old = context.of(request), params.mac(request)
    into = (await params.fields(request, {"into": partial(mac, "into")}, needed=("into",)))["into"]
    await ctx.store.write(steering.merge_miners, old, into, access.by(request))
    return await _changed(request, into)


@answers(miner_shapes.ListedDocument, also={202: None}, body=asked.Agreement, refuses=(409,))
async def agree(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/miners/{mac}/agree {ip?}: what answers there (null: where it is) is this miner; reply *miner*.

    202 without a body for a miner of another node, which is asked.
    """
    ctx, mac = context.of(request), params.mac(request)
    ip = (await params.fields(request, {"ip": _address_or_none})).get("ip")
    await ctx.store.write(steering.agree, mac, access.by(request), ip=ip)
    return await _changed(request, mac)


async def _changed(request: web.Request, mac: str) -> web.StreamResponse:
    ctx = context.of(request)
    await context.follow(ctx)
    if await ctx.store.read(miner_rows.watched_by, mac) is not None:
        return web.Response(status=202)
    return await responses.reply(request, await ctx.store.read(_miner, mac, ctx.fleet.moment()))


def _address_or_none(value: Any) -> str | None:
    return None if value is None else address("ip", value)


@answers(list[miner_shapes.StatusDocument], query={"limit": limit(10)})
async def statuses(request: web.Request) -> web.StreamResponse:
    """GET /api/miners/{mac}/statuses?limit=10: its statuses, newest first.

    Chips are those stored nearest before a status, at most 90 s earlier; only the newest ten statuses have any.
    """
    mac, limit = params.mac(request), params.limit(request, 10)
    return await responses.reply(request, await context.search(request, _statuses, mac, limit))


@answers(list[miner_shapes.TelemetryDocument], query={"limit": limit(30)})
async def chips(request: web.Request) -> web.StreamResponse:
    """GET /api/miners/{mac}/telemetry?limit=30: its chips, newest first, one entry for each board and time."""
    mac, limit = params.mac(request), params.limit(request, 30)
    return await responses.reply(request, await context.search(request, _telemetry, mac, limit))


@answers(miner_shapes.SettingsDocument)
async def own_settings(request: web.Request) -> web.StreamResponse:
    """GET /api/miners/{mac}/settings: its own settings as last read; `version` is null before the first time."""
    return await responses.reply(request, await context.of(request).store.read(_settings, params.mac(request)))


@answers(list[miner_shapes.SettingsVersionDocument], query={"limit": limit(20)})
async def settings_versions(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/miners/{mac}/settings/versions?limit=20: its settings as they were, newest first, with changes."""
    mac, limit = params.mac(request), params.limit(request, 20)
    return await responses.reply(request, await context.search(request, _versions, mac, limit))


# What follows runs on the database's thread, encoding included: a thousand statuses would hold up the loop.


def _miner(db: Database, mac: str, moment: Moment) -> bytes:
    known = views.miners(db, mac=mac)
    if not known:
        raise NotFound(f"there is no miner {mac}")
    view = known[0]
    ladder = models.views(db, view.model_alias) if view.model_alias is not None else []
    model = documents.model(ladder[0]) if ladder else documents.unknown_model(view)
    found = documents.miner(view, model, _latest_chips(db, view))
    return responses.encode({**found, **judged(condition(view, moment))})


def _latest_chips(db: Database, view: MinerView) -> Sequence[HashboardChips]:
    if view.status is None:
        return ()
    return _chips_for(view.status.at, telemetry.newest(db, view.num, limit=CHIP_BOARDS))


def _statuses(db: Database, mac: str, limit: int) -> bytes:
    num = miner_rows.one(db, mac).num
    found = readings.newest(db, num, limit=limit)
    stored = telemetry.newest(db, num, limit=CHIP_BOARDS) if found else []
    return responses.encode(
        [documents.status(now, _chips_for(now.at, stored) if i < WITH_CHIPS else ()) for i, now in enumerate(found)]
    )


def _chips_for(at: float, stored: Sequence[tuple[float, HashboardChips]]) -> list[HashboardChips]:
    """Return the boards of the newest reading at or before a time, none when it is too old; `stored` newest first."""
    nearest = next((then for then, _ in stored if then <= at), None)
    if nearest is None or at - nearest > CHIPS_AT_MOST_S:
        return []
    return [board for then, board in stored if then == nearest]


def _telemetry(db: Database, mac: str, limit: int) -> bytes:
    num = miner_rows.one(db, mac).num
    found = telemetry.newest(db, num, limit=limit)
    times = fleet.status_times(db, num, back_to=found[-1][0] - STATUS_NEAR_S, limit=MAX_TIMES) if found else []
    times.reverse()
    return responses.encode([documents.telemetry(num, at, board, _near(at, times)) for at, board in found])


def _near(at: float, times: Sequence[float]) -> float | None:
    """Return the time nearest to `at` if it is near enough; `times` grow."""
    place = bisect_left(times, at)
    nearest = min(times[max(0, place - 1) : place + 1], key=lambda then: abs(then - at), default=None)
    return nearest if nearest is not None and abs(nearest - at) <= STATUS_NEAR_S else None


def _settings(db: Database, mac: str) -> bytes:
    return responses.encode(documents.settings(settings.newest(db, miner_rows.one(db, mac).num)))


def _versions(db: Database, mac: str, limit: int) -> bytes:
    found = settings.versions(db, miner_rows.one(db, mac).num, limit=limit)
    return responses.encode([documents.version(one) for one in found])
