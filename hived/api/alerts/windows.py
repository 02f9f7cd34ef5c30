"""When nobody is told: maintenance and quiet hours."""

from __future__ import annotations

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.documents import alerts as documents
from hived.documents import asked
from hived.services.alerts import windows


@answers(list[documents.AlertWindowDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/alerts/windows: maintenance and quiet hours, by name."""
    ctx = context.of(request)
    return await responses.reply(request, await ctx.store.read(windows.listing, ctx.clock()))


@answers(documents.AlertWindowDocument, 201, body=asked.WindowWish, refuses=(409,))
async def add(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/alerts/windows {name, kind?, when, scope?, severity?}: tell nobody for a time, once or every week.

    `kind` maintenance (the usual one): of what is in `scope`. quiet: of anything up to `severity`, and it is told when
    the hours are over. `when`: {at?, until} or {days?, from, to}, by the clock of this box. 409 for a name in use.
    """
    ctx = context.of(request)
    added = await ctx.store.write(windows.add, await params.document(request), access.by(request))
    return await responses.reply(request, windows.document(added, ctx.clock()), status=201)


@answers(None, 204)
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/alerts/windows/{id}: take a window away; 204."""
    await context.of(request).store.write(windows.remove, params.number(request, "window"), access.by(request))
    return web.Response(status=204)
