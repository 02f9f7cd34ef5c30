"""The rules of alerts, and what a rule can watch."""

from __future__ import annotations

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.documents import alerts as documents
from hived.documents import asked
from hived.errors import BadRequest
from hived.records.signs import SIGNS
from hived.services.alerts import rules
from hived.store.alerts import rules as rows

MAX_BODY_BYTES = 512 * 1024  # as many rules as there may be, with the longest names


@answers(documents.AlertRulesDocument)
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/alerts/rules: every rule, those that came with hived first."""
    return await responses.reply(request, documents.rules(await context.of(request).store.read(rows.listing)))


@answers(documents.AlertRulesDocument, body=asked.RulesWish)
async def change(request: web.Request) -> web.StreamResponse:
    """PUT /api/v1/alerts/rules {rules}: change the rules that are named, and make those that are new; all or none.

    Rules that are not named stay as they are, and so does of each what is not said. What is read can be sent back as it
    is. Reply: the rules that were named, as they are now.
    """
    ctx = context.of(request)
    body = await params.document(request, MAX_BODY_BYTES)
    if unknown := body.keys() - {"rules"}:
        raise BadRequest(f"expected rules: {min(unknown)[:40]!r} is none of them")
    changed = await ctx.store.write(rules.change, body.get("rules"), access.by(request))
    return await responses.reply(request, documents.rules(changed))


@answers(None, 204)
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/alerts/rules/{name}: take a rule away; one that came with hived is again as it came. 204."""
    await context.of(request).store.write(rules.remove, request.match_info["name"], access.by(request))
    return web.Response(status=204)


@answers(list[documents.AlertSignDocument])
async def signs(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/alerts/signs: what a rule can watch: measures, conditions, events, and what is made of them."""
    return await responses.reply(request, [documents.sign(one) for one in SIGNS.values()])
