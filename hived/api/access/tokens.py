"""API tokens and the audit rows, for admins."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import BEFORE, answers, limit
from hived.documents import access as documents
from hived.documents import asked
from hived.errors import BadRequest
from hived.records.access import AREAS, new_token
from hived.services.access import accounts
from hived.store import audit
from hived.store.access import tokens, users


@answers(list[documents.TokenDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/tokens: every token, newest first, those that ended lately included."""
    ctx = context.of(request)
    return await responses.reply(
        request, [documents.token(one, ctx.clock()) for one in await ctx.store.read(tokens.listing)]
    )


@answers(documents.NewTokenDocument, 201, body=asked.TokenWish, refuses=(409,))
async def add(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/tokens {name, role, scopes?, expires_at?}: make a token; 201 with its text, once."""
    ctx, made = context.of(request), new_token()
    checks = {"name": params.text("name"), "role": users.as_role, "scopes": _scopes, "expires_at": _time}
    wishes = await params.fields(request, checks, needed=("name", "role"))
    kept = await ctx.store.write(
        accounts.add_token, made, wishes["name"], wishes["role"], wishes.get("scopes", ()), wishes.get("expires_at"),
        access.by(request),
    )  # fmt: skip
    return await responses.reply(request, {**documents.token(kept, ctx.clock()), "token": made.text}, status=201)


@answers(None, 204, id=str)
async def revoke(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/tokens/{id}: revoke a token; 204. From now on it opens nothing."""
    await context.of(request).store.write(accounts.revoke_token, request.match_info["id"], access.by(request))
    return web.Response(status=204)


@answers(list[documents.AuditDocument], query={"limit": limit(100), **BEFORE})
async def changes(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/audit?limit=100&before=ID: who changed what, newest first."""
    limit, before = params.limit(request, 100), params.count(request, "before")
    found = await context.search(request, audit.listing, limit=limit, before=before)
    return await responses.reply(request, [documents.audit(row) for row in found])


def _scopes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one in AREAS for one in value):
        raise BadRequest(f"scopes: expected a list of {', '.join(AREAS)}")
    return tuple(value)


def _time(value: Any) -> float | None:
    return None if value is None else params.time("expires_at", value)
