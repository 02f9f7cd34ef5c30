"""How this appliance is: for people, and for what watches it."""

from __future__ import annotations

import asyncio
from datetime import datetime

from aiohttp import web

from hived.api import context
from hived.api.http import responses
from hived.api.http.answers import answers
from hived.documents import appliance as documents
from hived.documents import sent
from hived.documents.shared import rfc3339
from hived.errors import Transient, problem
from hived.records.daemon import DAEMONS, alive
from hived.services.appliance.host_troubles import host_troubles, stored_troubles
from hived.store import Database, daemon_rows
from hived.store.engine import dialect, migrations
from hived.store.miners import views

VIEW_DEAD_S = 30.0  # the runner's first retries take as long; later it is not a hiccup
ANSWER_S = 5.0  # what watches us gives up not much later
SCHEMA = max(path.stem for path in migrations.CHANGES.glob("[0-9]*.py"))  # a store opens with exactly this one


@answers(documents.HealthDocument)
async def whole(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/health: daemons, database, view of the fleet, what is wrong; `status`: ok or degraded."""
    ctx = context.of(request)
    now = ctx.clock()
    rows = {row.name: row for row in await ctx.store.read(daemon_rows.daemons)}
    daemons = [documents.daemon(row, alive=alive(row.beat_at, now)) for row in rows.values()]
    daemons += [documents.daemon_without_row(name) for name in (daemon.name for daemon in DAEMONS) if name not in rows]
    daemons.sort(key=lambda one: one["name"])
    fresh = _is_fresh(ctx, now)
    wrong = await asyncio.to_thread(host_troubles, ctx.store.path)
    wrong += await ctx.store.read(stored_troubles)
    well = (
        fresh and all(one["alive"] for one in daemons) and not any(problem(one.kind).severity == "bad" for one in wrong)
    )
    return await responses.reply(request, {
        "status": "ok" if well else "degraded", "problems": [documents.problem(one) for one in wrong],
        "at": rfc3339(now), "clock": _wall(now), "node": ctx.node_name, "version": ctx.version, "daemons": daemons,
        "database": {"schema": SCHEMA, **await ctx.store.read(_sizes)},
        "view": {
            "fresh": fresh, "refreshed_at": rfc3339(ctx.fleet.refreshed_at), "rev": ctx.fleet.rev,
            "miners": len(ctx.fleet),
        },
    })  # fmt: skip


@answers(sent.OkDocument)
async def short(request: web.Request) -> web.StreamResponse:
    """GET /healthz: 200 while the database answers and can be written and the view of the fleet follows, else 503."""
    ctx = context.of(request)
    for one in await asyncio.to_thread(host_troubles, ctx.store.path):
        if problem(one.kind).severity == "bad":
            return responses.error(503, problem(one.kind).words)  # no login: no paths of this box
    if not _is_fresh(ctx, ctx.clock()):
        return responses.error(503, "the view of the fleet does not follow the database")
    try:
        async with asyncio.timeout(ANSWER_S):
            await ctx.store.admit(views.newest_rev)
    except (Transient, TimeoutError):
        return responses.error(503, "the database does not answer")
    return await responses.reply(request, {"status": "ok"})


def _wall(now: float) -> str:
    return datetime.fromtimestamp(now).astimezone().isoformat(timespec="seconds")


def _is_fresh(ctx: context.Context, now: float) -> bool:
    return ctx.fleet.refreshed_at is not None and abs(now - ctx.fleet.refreshed_at) < VIEW_DEAD_S


def _sizes(db: Database) -> dict[str, int | None]:
    """Return the bytes of the database and of the log beside it; the log of a PostgreSQL server is not ours: null."""
    size, log = dialect.sizes(db)
    return {"bytes": size, "wal_bytes": log}
