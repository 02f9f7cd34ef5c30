"""The ways to people: shown masked, and tried."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.documents import alerts as documents
from hived.documents import asked
from hived.records.alert_wishes import severity
from hived.records.commands import switch
from hived.records.outgoing import MAX_URL
from hived.services.alerts import channel_listing, channels
from hived.services.alerts.outgoing import Outgoing

OUTGOING = web.AppKey("outgoing", Outgoing)
"""The way out of this box."""


@answers(list[documents.ChannelDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/channels: the ways to people by name, with what did not arrive; of a URL its kind and its server."""
    found = await context.of(request).store.read(channel_listing.documents_of, request.app[OUTGOING].channels)
    return await responses.reply(request, found)


@answers(documents.ChannelDocument, 201, body=asked.ChannelWish, refuses=(409,))
async def add(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/channels {name, url, least?}: add a way to people, and send nothing yet. 409 for a name in use.

    It reaches no loopback or link-local address, none of `network.subnets` and no miner, unless `alerts.allow_hosts`
    of the configuration names it.
    """
    ctx = context.of(request)
    wanted = await params.fields(
        request,
        {"name": params.text("name", 32), "url": params.text("url", MAX_URL), "least": partial(severity, "least")},
        needed=("name", "url"),
    )
    added = await channels.add(
        ctx.store, request.app[OUTGOING], wanted["name"], wanted["url"], access.by(request), wanted.get("least", "warn")
    )
    return await responses.reply(request, documents.channel(added), status=201)


@answers(documents.ChannelDocument, body=asked.ChannelChange)
async def change(request: web.Request) -> web.StreamResponse:
    """PATCH /api/v1/channels/{name} {least?, enabled?}: change what goes there, also of one of the configuration."""
    wanted = await params.fields(request, {"least": partial(severity, "least"), "enabled": partial(switch, "enabled")})
    changed = await context.of(request).store.write(
        channels.change, request.app[OUTGOING].channels, request.match_info["name"], access.by(request), **wanted
    )
    return await responses.reply(request, documents.channel(changed))


@answers(None, 204, refuses=(409,))
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/channels/{name}: forget a way to people; 204. 409 for one of the configuration: its file can."""
    await context.of(request).store.write(
        channels.remove, request.app[OUTGOING].channels, request.match_info["name"], access.by(request)
    )
    return web.Response(status=204)


@answers(documents.ChannelTestDocument, body=asked.Nothing)
async def test(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/channels/{name}/test: send a message now; reply what was answered, its first 200 characters.

    The status is 200 as well where it did not arrive: `ok` says so.
    """
    ctx = context.of(request)
    await params.fields(request, {})
    answered = await channels.test(
        ctx.store, request.app[OUTGOING], request.match_info["name"], access.by(request), ctx.node_name
    )
    return await responses.reply(request, documents.answered(answered))
