"""Where the auto-miner collects: list, add, remove."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.documents import collecting as documents
from hived.errors import BadRequest
from hived.records.sources import new_source, presets
from hived.services.collecting import auto_miner
from hived.store import Database
from hived.store.collecting import sources


@answers(list[documents.SourceDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /sources: every *source*, newest first, with its counts and why objects were refused."""
    return await responses.reply(request, await context.of(request).store.read(_listing))


@answers(documents.SourceDocument, 201, body=documents.SourceWish, refuses=(409, 422))
async def add(request: web.Request) -> web.StreamResponse:
    """POST /sources {name, base_url, kind?}: add a source; 409 for a URL that is there, 422 for none.

    Fields that are not known here are left alone: the predecessor's page sends one more.
    """
    ctx = context.of(request)
    try:
        checks = {"name": params.text("name"), "base_url": params.text("base_url"), "kind": _kind}
        new = new_source(**await params.fields(request, checks, needed=("name", "base_url"), others=True))
    except BadRequest as err:
        return responses.error(422, str(err))
    found = await ctx.store.write(auto_miner.add_source, new, access.by(request))
    return await responses.reply(request, documents.source(found), status=201)


@answers(None, 204)
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /sources/{id}: remove a source; 204. Its artifacts stay."""
    ctx = context.of(request)
    await auto_miner.remove_source(ctx.store, params.number(request, "source"), access.by(request))
    return web.Response(status=204)


@answers(list[documents.CollectionDocument])
async def known(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/collections: the collections that are known by name, ready to be added as sources."""
    return await responses.reply(request, [documents.preset(one) for one in presets()])


def _listing(db: Database) -> bytes:
    found = sources.every(db)
    why = {one.id: sources.refusals(db, one.id) for one in found if one.refused}
    return responses.encode([documents.source(one, why.get(one.id, ())) for one in found])


def _kind(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise BadRequest("kind: expected a text, or null to have it detected from the base URL")
    return value
