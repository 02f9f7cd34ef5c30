"""The inherited calls about models."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.documents import asked, miner_shapes
from hived.documents import miners as documents
from hived.errors import BadRequest, NotFound
from hived.records.commands import word_or_none
from hived.services.miners import steering
from hived.store.miners import models


@answers(list[miner_shapes.ModelDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/models: every *model*, by alias."""
    found = await context.of(request).store.read(models.views)
    return await responses.reply(request, [documents.model(one) for one in found])


@answers(miner_shapes.ModelDocument)
async def one(request: web.Request) -> web.StreamResponse:
    """GET /api/models/{alias}: one *model*."""
    alias = request.match_info["alias"]
    found = await context.of(request).store.read(models.views, alias)
    if not found:
        raise _unknown(alias)
    return await responses.reply(request, documents.model(found[0]))


@answers(miner_shapes.ModelDocument, body=asked.ModelChange)
async def change(request: web.Request) -> web.StreamResponse:
    """PATCH /api/models/{alias}: limit it to presets; `max_preset` and `min_preset`, null for no limit.

    Case does not matter. 403 for what needs an admin: a higher or no `max_preset`, and every `min_preset`.
    """
    ctx, alias = context.of(request), request.match_info["alias"]
    wishes = await params.fields(request, {name: partial(word_or_none, name) for name in ("max_preset", "min_preset")})
    if not wishes:
        raise BadRequest("nothing to change: expected max_preset or min_preset (the name of a preset, or null)")
    changed = await ctx.store.write(steering.set_model, alias, wishes, access.by(request), access.role(request))
    if changed is None:
        raise _unknown(alias)
    await context.follow(ctx)
    return await responses.reply(request, documents.model(changed))


def _unknown(alias: str) -> NotFound:
    return NotFound(f"there is no model {alias[:40]!r}")
