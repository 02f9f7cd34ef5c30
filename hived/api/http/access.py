"""Who may call what. A handler asks `principal(request)` for whom it works, `by(request)` for its audit row.

The route table names for every route who may call it; `admit` holds every request to that before its handler runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeVar, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from hived.api import context
from hived.api.http import responses
from hived.api.http.shares import Known
from hived.api.http.turns import WHO
from hived.errors import Transient
from hived.records.access import STEER, ApiSecret, By, Principal, Role, read_token
from hived.records.joining import NodeKey, read_key
from hived.records.net import is_in, is_loopback
from hived.store import Database
from hived.store.access import node_keys, sessions, tokens

BEARER = {"WWW-Authenticate": "Bearer"}
LOG_IN = "log in, or send a token: Authorization: Bearer ..."
NOT_VALID = "this token is not valid"
MARKED_S = 90 * 86_400.0  # how long a browser and an address count as a user's own
MAX_CREDENTIALS = 200  # characters; ours have fewer

# What a proxy adds: then the connection's own address says nothing of who asks.
PROXY = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


T = TypeVar("T")


class Who(Enum):
    """Who may call a route. The value of the first four is the least role."""

    PUBLIC = ""
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    NODE = "node"
    """A node's key of the scope node."""
    INGEST = "ingest"
    """A node's key of either scope."""
    METRICS = "metrics"
    """A viewer, and whoever asks from a network that `http.metrics_from` names."""


PUBLIC, VIEWER, OPERATOR, ADMIN, NODE, INGEST, METRICS = Who


@dataclass(frozen=True, slots=True)
class Rules:
    """The route table as the access check reads it: (method, path) -> who, and the area for tokens."""

    who: Mapping[tuple[str, str], Who]
    areas: Mapping[str, str]
    plain_ingest: bool
    """Whether keys of collectors that are not ours are taken without TLS."""
    metrics_from: tuple[IPv4Network | IPv6Network, ...] = ()
    """From where metrics are read without a token."""


RULES = web.AppKey("rules", Rules)
KNOWN = web.AppKey("known", Known)
"""From where somebody was let in lately."""
_PRINCIPAL = web.RequestKey("principal", Principal)


def principal(request: web.Request) -> Principal:
    """Return who sent this request. On a route that is PUBLIC nobody is known: use `identify` there."""
    return request[_PRINCIPAL]


async def still(request: web.Request) -> bool:
    """Tell whether who sent this request is still let in as the same: for replies that last."""
    try:
        return await identify(request) == principal(request)
    except Transient:  # the database is busy: nothing was said against it
        return True


def node_id(request: web.Request) -> str:
    """Return the node that sent this request, on a route that only nodes may call."""
    own = principal(request).node_id
    assert own is not None
    return own


def role(request: web.Request) -> Role:
    """Return what role who sent this request has, on a route that no node may call."""
    own = principal(request).role
    assert own is not None
    return own


def by(request: web.Request) -> By:
    """Return who, when and from where for the audit row of a change."""
    return principal(request).by(context.of(request).clock())


@web.middleware
async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through to its handler, or answer 401 (who are you?) or 403 (not you)."""
    if request.match_info.http_exception is not None:  # no such path, or not this method
        if holds_data(request.path) and request.method != "OPTIONS" and await identify(request) is None:
            return _who_are_you(request)
        return await handler(request)
    who = needed(request)
    if who is PUBLIC:
        return await handler(request)
    if who is METRICS:
        if _is_open_to(request):
            return await handler(request)
        who = VIEWER
    found = await identify(request)
    if found is None:
        return _who_are_you(request)
    if why := why_not(found, who, request.app[RULES].areas.get(_canonical(request))):
        return responses.error(403, why)
    if found.scope == "ingest" and not request.secure and not request.app[RULES].plain_ingest:
        return responses.error(403, f"this key is taken over TLS alone: https://{request.host}, on the same port")
    request[_PRINCIPAL] = found
    request[WHO] = f"{found.kind} {found.name}"
    request.app[KNOWN].note(request.remote)
    return await handler(request)


def _is_open_to(request: web.Request) -> bool:
    """Tell whether metrics are open to who is at the other end: never to a proxy, which speaks for anybody."""
    if any(name in request.headers for name in PROXY):
        return False
    return is_in(request.remote, request.app[RULES].metrics_from)


def needed(request: web.Request) -> Who | None:
    """Return who may call what a request asks for; None: the table does not say, or there is no such path."""
    return request.app[RULES].who.get((request.method, _canonical(request)))


def _canonical(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


async def identify(request: web.Request) -> Principal | None:
    """Return who sent a request, None for nobody we know. A header Authorization is taken alone, else the cookie.

    Asks the database each time: what was revoked in any process opens nothing from then on.
    """
    if "Authorization" in request.headers:
        return await _by_bearer(request, request.headers.getall("Authorization"))
    cookie = cookie_of(request)
    return await _by_cookie(request, cookie) if cookie else None


def holds_data(path: str) -> bool:
    """Tell whether a path is one of the API, known or not."""
    return path.startswith("/api/") or path.lstrip("/").partition("/")[0] in INHERITED


INHERITED = frozenset(("status", "scrape", "artifacts", "stats", "sources", "master"))
"""First parts of the predecessor's paths for the auto-miner."""


def _who_are_you(request: web.Request) -> web.Response:
    return responses.error(401, NOT_VALID if "Authorization" in request.headers else LOG_IN, BEARER)


def why_not(found: Principal, who: Who | None, area: str | None) -> str | None:
    """Return why somebody may not call a route, None when they may."""
    if who is None:
        return "the table of routes does not say who may do this"
    if who in (NODE, INGEST):
        if found.kind != "node":
            return "only a node may do this, with its key"
        return None if who is INGEST or found.scope == "node" else "this key may send contributions only"
    if not found.may(cast(Role, who.value)):
        return f"only {_article(who)} may do this"
    return _why_no_token(found, who, area) if found.kind == "token" else None


def _why_no_token(found: Principal, who: Who, area: str | None) -> str | None:
    """Return why a token may not be used in an area: one without scopes may everywhere, but it never gives orders.

    What became of orders belongs to the miners, too.
    """
    named = area in found.areas or (area == STEER and who is VIEWER and "miners" in found.areas)
    if named or (not found.areas and (area != STEER or who is VIEWER)):
        return None
    if not found.areas:
        return f"this token is for everything but orders: these take one with the scope {STEER}"
    return f"this token is for {', '.join(sorted(found.areas))} only"


def _article(who: Who) -> str:
    return "a user or a token" if who is VIEWER else f"an {who.value}"


async def _by_bearer(request: web.Request, given: list[str]) -> Principal | None:
    scheme, _, text = given[0].partition(" ")
    text = text.strip()
    if len(given) != 1 or scheme.lower() != "bearer" or len(text) > MAX_CREDENTIALS:
        return None
    token, key = read_token(text), read_key(text)
    if token is not None:
        return await _by_token(request, token)
    return await _by_key(request, key) if key is not None else None


async def _note_use(
    ctx: context.Context, last: float | None, every_s: float, write: Callable[[Database, T, float], object], row: T
) -> None:
    """Note that a row let somebody in, now and then; a busy database does not keep them out."""
    now = ctx.clock()
    if last is None or now - last >= every_s:
        with suppress(Transient):
            await ctx.store.write(write, row, now)


async def _by_token(request: web.Request, shown: ApiSecret) -> Principal | None:
    ctx = context.of(request)
    known = await ctx.store.admit(tokens.find, shown, ctx.clock())
    if known is None:
        return None
    await _note_use(ctx, known.used_at, tokens.USED_EVERY_S, tokens.used, known.id)
    return Principal(
        "token", known.name, known.role, "token", request.remote, areas=frozenset(known.scopes), ref=known.id
    )


async def _by_key(request: web.Request, shown: NodeKey) -> Principal | None:
    ctx = context.of(request)
    known = await ctx.store.admit(node_keys.find, shown)
    if known is None:
        return None
    await _note_use(ctx, known.used_at, node_keys.USED_EVERY_S, node_keys.used, known)
    return Principal(
        "node", known.node_name, None, "node", request.remote, node_id=known.node_id, scope=known.scope, ref=known.id
    )


async def _by_cookie(request: web.Request, cookie: str) -> Principal | None:
    ctx = context.of(request)
    known = await ctx.store.admit(sessions.find, cookie, ctx.clock())
    if known is None or (known.local and not from_this_machine(request)):
        return None
    await _note_use(ctx, known.seen_at, sessions.SEEN_EVERY_S, sessions.seen, known.token_hash)
    return Principal(
        "local" if known.local else "user", known.user, known.role, "session", request.remote, ref=known.token_hash
    )


def from_this_machine(request: web.Request) -> bool:
    """Tell whether a request came from this machine itself, as far as can be told: no proof of who sent it.

    Over a loopback connection, to a loopback name, without the headers of a proxy: a page that bent its own name to
    127.0.0.1 has its own name in Host. A proxy that adds nothing passes for it, and so does everybody who can log in on
    this machine.
    """
    if any(name in request.headers for name in PROXY):
        return False
    return is_loopback(request.remote or "") and is_loopback(request.headers.get("Host", ""))


def _cookie_name(request: web.Request) -> str:
    """Return the name of the session's cookie: browsers send it to every port of a host, and each may have its own.

    A browser guards names that begin with __Host- itself.
    """
    return f"{'__Host-' if request.secure else ''}hived-{_port(request)}"


def _mark_name(request: web.Request) -> str:
    """Return the name of the cookie by which a browser is known that somebody has logged in with before."""
    return f"{'__Secure-' if request.secure else ''}hived-mark-{_port(request)}"


def _port(request: web.Request) -> int:
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return int(name[1]) if name else 0  # 0: who asked has left, and hears nothing of it


def cookie_of(request: web.Request) -> str:
    """Return the session's secret that a browser sent, "" for none."""
    return _sent(request, _cookie_name(request))


def mark_of(request: web.Request) -> str:
    """Return the mark that a browser got at an earlier login, "" for none."""
    return _sent(request, _mark_name(request))


def _sent(request: web.Request, name: str) -> str:
    cookie = request.cookies.get(name, "")
    return cookie if len(cookie) <= MAX_CREDENTIALS else ""


def set_cookie(request: web.Request, reply: web.StreamResponse, value: str) -> None:
    """Hand a session to the browser."""
    reply.set_cookie(_cookie_name(request), value, max_age=int(sessions.LONGEST_S), path="/", **_strict(request))


def set_mark(request: web.Request, reply: web.StreamResponse, value: str) -> None:
    """Hand a browser the mark by which it is known at the next login. It opens nothing."""
    reply.set_cookie(_mark_name(request), value, max_age=int(MARKED_S), path="/api/v1/session", **_strict(request))


def drop_cookie(request: web.Request, reply: web.StreamResponse) -> None:
    """Have the browser forget its session."""
    reply.del_cookie(_cookie_name(request), path="/", **_strict(request))


def _strict(request: web.Request) -> Any:
    return {"secure": request.secure, "httponly": True, "samesite": "Strict"}
