"""Programs that are told of events: shown masked, and tried."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.alerts.channels import OUTGOING
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.documents import alerts, asked
from hived.documents import webhooks as documents
from hived.errors import BadRequest
from hived.records.commands import switch
from hived.records.outgoing import MAX_URL
from hived.services.integrations import webhooks

MAX_KINDS = 100


def kinds(value: Any) -> list[str]:
    """Return kinds of events; BadRequest for what is no list of words."""
    if not isinstance(value, list) or len(value) > MAX_KINDS or not all(isinstance(one, str) for one in value):
        raise BadRequest("kinds: expected a list of kinds of event, such as ['miner_offline']; [] is all")
    return value


@answers(list[documents.WebhookDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/webhooks: programs that are told of events, by name; of a URL its host."""
    found = await context.of(request).store.read(webhooks.listing)
    return await responses.reply(request, [documents.webhook(one) for one in found])


@answers(documents.NewWebhookDocument, 201, body=asked.WebhookWish, refuses=(409,))
async def add(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/webhooks {name, url, kinds?, secret?}: tell a program of what happens from now on.

    The reply shows the secret that requests are signed with, this once. 409 for a name in use.
    """
    checks = {
        "name": params.text("name", 32), "url": params.text("url", MAX_URL), "kinds": kinds,
        "secret": params.text("secret", 100),
    }  # fmt: skip
    wanted = await params.fields(request, checks, needed=("name", "url"))
    name, url = wanted.pop("name"), wanted.pop("url")
    added = await context.of(request).store.write(webhooks.add, name, url, access.by(request), **wanted)
    return await responses.reply(request, documents.webhook(added) | {"secret": added.secret}, status=201)


@answers(documents.WebhookDocument, body=asked.WebhookChange)
async def change(request: web.Request) -> web.StreamResponse:
    """PATCH /api/v1/webhooks/{name} {kinds?, enabled?}: change what it gets; switched on again, from then on."""
    wanted = await params.fields(request, {"kinds": kinds, "enabled": partial(switch, "enabled")})
    name = request.match_info["name"]
    changed = await context.of(request).store.write(webhooks.change, name, access.by(request), **wanted)
    return await responses.reply(request, documents.webhook(changed))


@answers(None, 204)
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/webhooks/{name}: tell it nothing any more; 204."""
    await context.of(request).store.write(webhooks.remove, request.match_info["name"], access.by(request))
    return web.Response(status=204)


@answers(alerts.ChannelTestDocument, body=asked.Nothing)
async def test(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/webhooks/{name}/test: send a signed test now; reply what was answered, its first 200 characters.

    The status is 200 as well where it did not arrive: `ok` says so.
    """
    await params.fields(request, {})
    store, name = context.of(request).store, request.match_info["name"]
    answered = await webhooks.test(store, request.app[OUTGOING], name, access.by(request))
    return await responses.reply(request, alerts.answered(answered))
