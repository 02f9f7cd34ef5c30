"""Users, for admins."""

from __future__ import annotations

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.documents import access as documents
from hived.documents import asked
from hived.errors import BadRequest
from hived.records.logins import as_password, as_user
from hived.services.access import accounts
from hived.store.access import users


@answers(list[documents.UserDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/users: every user by name."""
    found = await context.of(request).store.read(users.listing)
    return await responses.reply(request, [documents.user(one) for one in found])


@answers(documents.UserDocument, 201, body=asked.UserWish, refuses=(409,))
async def add(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/users {name, role, password}: make a user; 201, 409 for a name that is there."""
    ctx = context.of(request)
    checks = {"name": as_user, "role": users.as_role, "password": as_password}
    wishes = await params.fields(request, checks, needed=("name", "password", "role"))
    hashed = await ctx.passwords.hash(wishes["password"])
    made = await ctx.store.write(accounts.add_user, wishes["name"], hashed, wishes["role"], access.by(request))
    return await responses.reply(request, documents.user(made), status=201)


@answers(documents.UserDocument, body=asked.UserChange, refuses=(409,))
async def change(request: web.Request) -> web.StreamResponse:
    """PATCH /api/v1/users/{name} {role?, password?}: change a user, both or nothing; their sessions end."""
    ctx, name = context.of(request), request.match_info["name"]
    wishes = await params.fields(request, {"role": users.as_role, "password": as_password})
    if not wishes:
        raise BadRequest("nothing to change: expected role and/or password")
    hashed = await ctx.passwords.hash(wishes["password"]) if "password" in wishes else None
    changed = await ctx.store.write(accounts.change_user, name, wishes.get("role"), hashed, access.by(request))
    return await responses.reply(request, documents.user(changed))


@answers(None, 204, refuses=(409,))
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/users/{name}: remove a user; 204. Their sessions end at once, the tokens they made stay."""
    await context.of(request).store.write(accounts.remove_user, request.match_info["name"], access.by(request))
    return web.Response(status=204)
