"""Orders to miners: given, looked at, cancelled and undone. hive-controld carries them out.

Of tokens only those give orders that are made for it; `http.access` sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, passwords, responses
from hived.api.http.answers import BEFORE, answers, limit
from hived.api.miners.live_miners import LiveMiners
from hived.documents import asked
from hived.documents import orders as documents
from hived.documents.shape import Mac
from hived.errors import Forbidden
from hived.records import commands
from hived.records.commands import switch
from hived.records.condition import Moment
from hived.records.order_request import read
from hived.records.orders import Order, Target
from hived.services.miners import orders
from hived.services.miners.orders import Giver, Rules
from hived.store import Database
from hived.store.miners import miners
from hived.store.miners import orders as rows

MAX_BODY_BYTES = 192 * 1024  # 5,000 MACs are 105 KiB, eight pools are 6
CONFIRM = {"password": lambda value: value}
"""What the body may hold that is no more than a confirmation."""
Preview = Callable[..., tuple[Order, Sequence[Target]]]
"""What an order would be, of the database, `giver`, `rules` and `moment`."""


@answers(
    documents.WholeOrderDocument, 202, also={200: documents.PreviewDocument}, body=asked.OrderWish, refuses=(404, 409)
)
async def give(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/orders: an order of `records.order_request`; 202 *order*, or 200 for a dry run, which keeps nothing.

    {verb, miners: [MAC] or where: {...}, args?, dry_run?, packet?: {size, interval_seconds}, expires_seconds?, key?,
    force?, password?}. The same `key` again is the same order, 409 with another body. 403 with the code
    confirm_password where a user has to show the own password again, as `password`; a dry run only says so, by
    `needs_password`.
    """
    ctx = context.of(request)
    body = await params.document(request, MAX_BODY_BYTES)
    wanted = read(body)
    giver = await _giver(request, body)
    if wanted.dry_run:
        return await _dry(request, giver, partial(orders.preview, request=wanted))
    number, _ = await ctx.store.write(orders.give, wanted, giver, ctx.steering, ctx.fleet.moment())
    return await answer(request, number, 202)


@answers(
    list[documents.OrderDocument | documents.WholeOrderDocument],
    query={"limit": limit(50), **BEFORE, "miner": Mac},
    refuses=(404,),
)
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/orders?limit=50&before=ID: orders, newest first, without what becomes of each miner.

    ?miner=MAC: the last ones of a miner, each with what became of it there.
    """
    if "miner" in request.query:
        mac, limit = commands.mac("miner", request.query["miner"]), params.limit(request, 10)
        return await responses.reply(request, await context.search(request, _of_miner, mac, limit))
    limit, before = params.limit(request, 50), params.count(request, "before")
    found = await context.search(request, rows.listing, limit=limit, before=before)
    return await responses.reply(request, [documents.order(one) for one in found])


@answers(documents.WholeOrderDocument)
async def one(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/orders/{id}: one *order* with its targets."""
    return await answer(request, params.number(request, "order"), 200)


@answers(documents.WholeOrderDocument, 202, body=asked.Nothing, refuses=(409,))
async def cancel(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/orders/{id}/cancel: ask no more miners; 202 *order*. What was asked already goes on to its end."""
    ctx, number = context.of(request), params.number(request, "order")
    await params.fields(request, {})
    giver = await _giver(request, {})
    await ctx.store.write(orders.cancel, number, giver, giver.by["at"])
    return await answer(request, number, 202)


@answers(documents.WholeOrderDocument, 202, also={200: documents.PreviewDocument}, body=asked.UndoWish, refuses=(409,))
async def undo(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/orders/{id}/undo {dry_run?, password?}: bring back what it changed; 202 the *order* that does.

    200 for a dry run, which keeps nothing; 409 where there is nothing to bring back.
    """
    ctx, number = context.of(request), params.number(request, "order")
    body = await params.fields(request, {**CONFIRM, "dry_run": partial(switch, "dry_run")})
    giver = await _giver(request, body)
    if body.get("dry_run"):
        return await _dry(request, giver, partial(orders.preview_undo, number=number))
    back = await ctx.store.write(orders.undo, number, giver, ctx.steering, ctx.fleet.moment())
    return await answer(request, back, 202)


async def _dry(request: web.Request, giver: Giver, preview: Preview) -> web.StreamResponse:
    ctx, asks = context.of(request), access.principal(request).kind == "user"
    found = await context.search(request, _preview, preview, giver, asks, ctx.steering, ctx.fleet.moment(), ctx.fleet)
    return await responses.reply(request, found)


async def _giver(request: web.Request, body: dict[str, Any]) -> Giver:
    confirmed = await passwords.confirm(request, body.get("password"))
    return Giver(access.by(request), access.role(request), confirmed)


async def answer(request: web.Request, number: int, status: int) -> web.StreamResponse:
    """Return an order as the answer to what was done about it."""
    ctx = context.of(request)
    if status == 202:
        await context.follow(ctx)
    found = await context.search(request, _whole, number, ctx.fleet)
    return await responses.reply(request, found, status=status)


# What follows runs on the database's thread, encoding included: five thousand targets would hold up the loop.


def _preview(
    db: Database, preview: Preview, giver: Giver, asks: bool, rules: Rules, moment: Moment, fleet: LiveMiners
) -> bytes:
    """Return a dry run. `asks`: whoever could show a password is told that it takes one, instead of being refused."""
    needs_password = False
    try:
        found = preview(db, giver=giver, rules=rules, moment=moment)
    except Forbidden as err:
        if err.code != "confirm_password" or not asks:
            raise
        needs_password = True
        found = preview(db, giver=replace(giver, confirmed=True), rules=rules, moment=moment)
    told = documents.whole(*found, _name(fleet))
    return responses.encode({**told, "needs_password": needs_password, "warnings": found[0].doubts})


def _whole(db: Database, number: int, fleet: LiveMiners) -> bytes:
    return responses.encode(documents.whole(*rows.one(db, number), _name(fleet)))


def _of_miner(db: Database, mac: str, limit: int) -> bytes:
    known = miners.one(db, mac)
    found = rows.of_miner(db, known.num, limit=limit)
    return responses.encode([documents.whole(order, [target], lambda _: known.ip) for order, target in found])


def _name(fleet: LiveMiners) -> Any:
    return lambda mac: fleet.whereabouts(mac)[0]
