"""Plans: orders that hive-controld gives by the clock of this box."""

from __future__ import annotations

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.api.miners import orders
from hived.documents import asked
from hived.documents import orders as order_documents
from hived.documents import plans as documents
from hived.records.commands import switch
from hived.services.miners import plans
from hived.services.miners.orders import Giver
from hived.store.miners import plans as rows


@answers(list[documents.PlanDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/plans: every *plan*, by name."""
    found = await context.of(request).store.read(rows.listing)
    return await responses.reply(request, [documents.plan(one) for one in found])


@answers(documents.PlanDocument, 201, body=asked.PlanWish, refuses=(404, 409))
async def add(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/plans {name, when, late?, order}: keep a plan. `when`: {at, until?} or {days, from, to?}.

    `order` is the body of an order without key, force and password; 409 for a name that is taken.
    """
    ctx, giver = context.of(request), _giver(request)
    body = await params.document(request, orders.MAX_BODY_BYTES)
    number = await ctx.store.write(plans.add, body, giver, ctx.steering, ctx.fleet.moment(), None)
    return await responses.reply(request, documents.plan(await ctx.store.read(rows.one, number)), status=201)


@answers(order_documents.WholeOrderDocument, 202, body=asked.Storm, refuses=(404, 409))
async def storm(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/plans/storm {name, until, order}: give an order now and bring it back then; 202 *order*."""
    ctx, giver = context.of(request), _giver(request)
    body = await params.document(request, orders.MAX_BODY_BYTES)
    number = await ctx.store.write(plans.storm, body, giver, ctx.steering, ctx.fleet.moment(), None)
    return await orders.answer(request, number, 202)


@answers(documents.PlanDocument, body=asked.PlanChange)
async def change(request: web.Request) -> web.StreamResponse:
    """PATCH /api/v1/plans/{id} {enabled}: let a plan rest, or go on with what comes next; reply *plan*."""
    ctx, number, giver = context.of(request), params.number(request, "plan"), _giver(request)
    wanted = await params.fields(request, {"enabled": lambda value: switch("enabled", value)}, needed=("enabled",))
    await ctx.store.write(plans.switch, number, wanted["enabled"], giver, giver.by["at"], None)
    return await responses.reply(request, documents.plan(await ctx.store.read(rows.one, number)))


@answers(None, 204)
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/plans/{id}: forget a plan; 204. What it has ordered goes on, and is not brought back."""
    ctx, number = context.of(request), params.number(request, "plan")
    await ctx.store.write(plans.remove, number, _giver(request))
    return web.Response(status=204)


def _giver(request: web.Request) -> Giver:
    return Giver(access.by(request), access.role(request))
