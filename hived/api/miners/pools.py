"""Where miners mine, and where they may."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.documents import asked
from hived.documents import pools as documents
from hived.services.miners import pools
from hived.store import Database
from hived.store.miners import allowed_pools, views


@answers(list[documents.PoolInUseDocument])
async def in_use(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/pools: every pool and account of a miner, those that are not allowed first."""
    return await responses.reply(request, await context.search(request, _in_use))


@answers(list[documents.AllowedPoolDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/pools/allowed: the pools that are allowed; none means that nothing is judged."""
    found = await context.of(request).store.read(allowed_pools.listing)
    return await responses.reply(request, [documents.allowed(entry) for entry in found])


@answers(documents.AllowedPoolDocument, 201, body=asked.PoolWish, refuses=(409,))
async def allow(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/pools/allowed {url, worker?}: allow a pool; 201 the entry, 409 when it is there."""
    ctx = context.of(request)
    wishes = await params.fields(request, {"url": params.text("url"), "worker": _worker}, needed=("url",))
    entry = await ctx.store.write(pools.allow, wishes["url"], wishes.get("worker"), access.by(request))
    await context.follow(ctx)
    return await responses.reply(request, documents.allowed(entry), status=201)


@answers(None, 204)
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/pools/allowed/{id}: allow a pool no longer; 204."""
    ctx = context.of(request)
    await ctx.store.write(pools.remove, params.whole("id", request.match_info["id"]), access.by(request))
    await context.follow(ctx)
    return web.Response(status=204)


def _worker(value: Any) -> str | None:
    return None if value is None else params.text("worker")(value)


def _in_use(db: Database) -> list[documents.PoolInUseDocument]:
    used = pools.in_use(views.miners(db), allowed_pools.listing(db))
    return [documents.in_use(one.url, one.account, is_allowed=one.allowed, miners=one.miners) for one in used]
