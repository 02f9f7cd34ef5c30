"""Logging in and out, the first admin, and one's own password; how tries are counted: `http.passwords`."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, passwords, responses
from hived.api.http.answers import answers
from hived.documents import access as documents
from hived.documents import asked
from hived.documents.shared import rfc3339
from hived.errors import Conflict, Forbidden
from hived.records.access import LOCAL_USER, By, Principal, Role, new_cookie
from hived.records.logins import as_password, as_user, code_hash, normal
from hived.services.access import login_link
from hived.store import Database, audit
from hived.store.access import attempts, codes, sessions, users
from hived.store.access.attempts import Gate

log = logging.getLogger(__name__)

WRONG = "user name or password is wrong"
MAX_AGENT = 200
MAX_TEXT = 256  # characters of a name or a code


@answers(documents.SessionDocument)
async def current(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/session: who this is; `user` is null for nobody. `setup_needed`: no user was made yet."""
    found = await access.identify(request)
    return await responses.reply(request, await _described(request, found))


@answers(documents.SessionDocument, body=asked.LogIn, refuses=(401,))
async def log_in(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/session {user, password}: log in; the session that the browser came with ends."""
    ctx = context.of(request)
    checks = {"user": params.text("user", MAX_TEXT), "password": normal}
    wishes = await params.fields(request, checks, needed=("user", "password"))
    name = wishes["user"].strip().lower()
    checked = await passwords.checked(request, name, wishes["password"])
    if checked is None:
        return responses.error(401, WRONG)
    rehashed = await ctx.passwords.hash(wishes["password"]) if ctx.passwords.is_old(checked) else None
    return await _logged_in(request, _log_in, name, checked, rehashed)


@answers(documents.SessionDocument, body=asked.LogInByLink)
async def log_in_by_link(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/session/link {code}: log in as admin with the code of a login link, on this machine alone."""
    wishes = await params.fields(request, {"code": params.text("code", MAX_TEXT)}, needed=("code",))
    if not access.from_this_machine(request):
        raise Forbidden("a login link works in a browser on the machine itself only")
    code, ctx = code_hash(wishes["code"]), context.of(request)
    if not await ctx.store.admit(codes.is_open, code, ctx.clock()):  # a look: whoever guesses makes no writes
        raise Forbidden(login_link.SPENT)
    return await _logged_in(request, login_link.use, LOCAL_USER, code)


@answers(None, 204)
async def log_out(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/session: log out; 204 whether there was one or not."""
    ctx, found = context.of(request), await access.identify(request)
    reply = web.Response(status=204)
    access.drop_cookie(request, reply)
    if found is not None and found.via == "session":
        await ctx.store.write(_log_out, access.cookie_of(request), found.by(ctx.clock()))
    return reply


@answers(documents.SessionDocument, body=asked.SetUp, refuses=(409,))
async def set_up(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/setup {code, user, password}: make the first admin, with the code from the log, once."""
    ctx = context.of(request)
    checks = {"code": params.text("code", MAX_TEXT), "user": as_user, "password": as_password}
    wishes = await params.fields(request, checks, needed=("code", "user", "password"))
    gates = [passwords.address_gate(request, "setup")]
    await passwords.count(request, gates)
    hashed = await ctx.passwords.hash(wishes["password"])
    return await _logged_in(request, _set_up, wishes["user"], hashed, code_hash(wishes["code"]), gates)


@answers(documents.SessionDocument, body=asked.OwnPassword)
async def own_password(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/session/password {old, new}: change one's own; all other sessions of the user end."""
    ctx, who = context.of(request), access.principal(request)
    if who.kind != "user":
        raise Forbidden("only a user who logged in has a password to change")
    wishes = await params.fields(request, {"old": normal, "new": as_password}, needed=("old", "new"))
    checked = await passwords.checked(request, who.name, wishes["old"])
    if checked is None:
        raise Forbidden("the old password is wrong")
    hashed = await ctx.passwords.hash(wishes["new"])
    await ctx.store.write(_own_password, who.name, hashed, who.ref, access.by(request))
    return await responses.reply(request, await _described(request, who))


async def _logged_in(request: web.Request, made: Any, user: str, *args: Any) -> web.StreamResponse:
    """Begin a session in the transaction of `made(db, user, *args, by)`, which says the role, and hand it out."""
    ctx, cookie, at = context.of(request), new_cookie(), context.of(request).clock()
    mark = access.mark_of(request) or new_cookie()
    by = By(at=at, who=user, via="session", address=request.remote)
    agent = request.headers.get("User-Agent", "")[:MAX_AGENT]

    def begin(db: Database) -> tuple[Role, float] | None:
        role = made(db, user, *args, by)
        if role is None:
            return None
        old = access.cookie_of(request)
        attempts.remember(db, passwords.marked(user, mark), at)
        return role, sessions.begin(
            db, cookie, user=user, role=role if user == LOCAL_USER else None, at=at, address=request.remote,
            agent=agent, instead_of=old or None,
        )  # fmt: skip

    begun = await ctx.store.write(begin)
    if begun is None:  # the password was changed while it was checked
        return responses.error(401, WRONG)
    document = {
        "user": user, "role": begun[0], "setup_needed": False, "expires_at": rfc3339(begun[1]),
        "local": user == LOCAL_USER,
    }  # fmt: skip
    reply = await responses.reply(request, document)
    access.set_cookie(request, reply, cookie)
    access.set_mark(request, reply, mark)
    return reply


async def _described(request: web.Request, found: Principal | None) -> dict[str, Any]:
    ctx = context.of(request)
    needed = not await ctx.store.admit(users.any_there)
    session = None
    if found is not None and found.via == "session":
        session = await ctx.store.admit(sessions.find, access.cookie_of(request), ctx.clock())
    return {
        "user": found.name if found else None, "role": found.role if found else None, "setup_needed": needed,
        "expires_at": rfc3339(session.expires_at) if session else None,
        "local": found is not None and found.kind == "local",
    }  # fmt: skip


# What follows runs in one transaction.


def _log_in(db: Database, user: str, checked: str, rehashed: str | None, by: By) -> Role | None:
    if not users.logged_in(db, user, by["at"], checked=checked, rehashed=rehashed):
        return None
    audit.note(db, **by, action="login", target=user)
    return users.one(db, user).role


def _log_out(db: Database, cookie: str, by: By) -> None:
    if sessions.end(db, cookie):
        audit.note(db, **by, action="logout", target=by["who"])


def _set_up(db: Database, user: str, hashed: str, code: str, gates: list[Gate], by: By) -> Role:
    if users.any_there(db):
        raise Conflict("there are users already: log in, or have an admin make a user")
    if not codes.use(db, code, kind="setup", at=by["at"], by=user):
        raise Forbidden("this code is wrong or expired: the log of hive-apid says the one that is valid")
    attempts.right(db, gates, by["at"])
    codes.forget(db, "setup")
    users.add(db, user, hashed, "admin", by["at"])
    users.logged_in(db, user, by["at"], checked=hashed)
    audit.note(db, **by, action="user.add", target=user, after={"role": "admin", "first": True})
    return "admin"


def _own_password(db: Database, user: str, hashed: str, session: str, by: By) -> None:
    users.set_password(db, user, hashed, by["at"], but=session)
    audit.note(db, **by, action="user.password", target=user)
