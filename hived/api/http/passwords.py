"""Passwords as they are tried over HTTP: to log in, and to show once more who is there.

What can be guessed is counted before it is checked, by address and by user name, in rows. An address may fail five
times, then each failure brings a pause that doubles up to five minutes. A name may fail ten times from whatever
addresses, then each brings one of at most 30 seconds, which holds many guessers together to 2,880 guesses a day; it
does not hold those who logged in to it from the same address within the last months. A browser that somebody logged in
with before is known by a mark: for this name it has pauses of its own and nobody else's. So nobody can lock an admin
out of their usual place, not even from the same address, which behind a router or proxy all have. During a pause the
right password is refused, too. On the box itself `hivectl` always works.
"""

from __future__ import annotations

import logging

from aiohttp import web

from hived.api import context
from hived.api.http import access
from hived.errors import Forbidden, Throttled
from hived.records.logins import normal
from hived.records.net import network
from hived.store import Database, audit
from hived.store.access import attempts, users
from hived.store.access.attempts import Gate

log = logging.getLogger(__name__)


async def confirm(request: web.Request, password: object) -> bool:
    """Tell whether who sent this request showed their own password along with it: True, or False for None.

    Forbidden when it is wrong, and for programs and others that have none.
    """
    if password is None:
        return False
    who = access.principal(request)
    if who.kind != "user":
        raise Forbidden("only a user who logged in has a password to show", code="confirm_password")
    if await checked(request, who.name, normal(password)) is None:
        raise Forbidden("the password is wrong", code="confirm_password")
    return True


async def checked(request: web.Request, name: str, password: str) -> str | None:
    """Return the hash that a password fits, None when it is wrong. Throttled during a pause."""
    ctx = context.of(request)
    address = network(request.remote)
    at = ctx.clock()
    mark = marked(name, access.mark_of(request))
    if await ctx.store.admit(attempts.knows, mark, at, for_s=access.MARKED_S):
        gates = [Gate(f"login:{mark}", free=5, longest_s=300.0)]
    else:
        known = await ctx.store.admit(attempts.knows, _place(name, address), at, for_s=access.MARKED_S)
        # Names share 4,096 counters: invented ones fill no table, and whether a name exists makes no difference.
        of_name = Gate(f"user:{attempts.short(name, 3)}", free=10, longest_s=30.0, clears=True)
        gates = [address_gate(request, "login"), *([] if known else [of_name])]
    await count(request, gates)
    stored = await ctx.store.admit(users.password_hash, name)
    if not await ctx.passwords.check(stored, password):
        # Of one address at most what the gates let through: five, then one in pauses that double.
        log.warning("a login failed, from %s", request.remote)
        await ctx.store.write(_failed, name, stored is not None, request.remote, ctx.clock())
        return None
    await ctx.store.write(_right, gates, _place(name, address), ctx.clock())
    return stored


async def count(request: web.Request, gates: list[Gate]) -> None:
    """Count a try. Throttled during a pause; a try then costs us one look into the database."""
    ctx = context.of(request)
    at = ctx.clock()
    wait = await ctx.store.admit(attempts.waits, gates, at) or await ctx.store.write(attempts.begin, gates, at)
    if wait > 0:
        raise Throttled(f"too many failures: wait {max(1, round(wait))} s", wait)


def _failed(db: Database, name: str, exists: bool, address: str | None, at: float) -> None:
    # Who does not exist may be a password typed into the wrong field.
    who = name if exists else "unknown"
    audit.note(db, at=at, who=who, via="session", address=address, action="login.failed", target=who)


def _right(db: Database, gates: list[Gate], place: str, at: float) -> None:
    attempts.right(db, gates, at)
    attempts.remember(db, place, at)


def _place(name: str, address: str) -> str:
    return f"known:{attempts.short(f'{name} {address}')}"


def marked(name: str, mark: str) -> str:
    """Return what a browser that a user logged in with is counted by."""
    return f"marked:{attempts.short(f'{name} {mark}')}"


def address_gate(request: web.Request, kind: str) -> Gate:
    """Return what the tries of one address are counted by."""
    return Gate(f"{kind}:{network(request.remote)}", free=5, longest_s=300.0)
