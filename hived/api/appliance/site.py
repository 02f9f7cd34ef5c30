"""The site: totals, rows, other devices, sweeps, daemons, and the wish to look again."""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import NODE, UNCHANGED, answers, limit
from hived.documents import appliance, asked, fleet, miner_shapes
from hived.documents import miners as documents
from hived.errors import BadRequest, NotFound
from hived.records.commands import switch, targets, verb_for, word
from hived.records.daemon import alive
from hived.services.commands import ask
from hived.store import commands, daemon_rows
from hived.store.miners import discovery


@answers(fleet.WholeFleetDocument)
async def totals(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/fleet: sums over the fleet."""
    return await responses.reply(request, context.of(request).fleet.totals())


@answers(miner_shapes.RowsDocument, query=NODE, also=UNCHANGED)
async def rows(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/rows[?node=ID]: every miner in its small form, and the rev from which the stream goes on."""
    return await responses.send(request, context.of(request).fleet.page("rows", params.node(request)))


@answers(fleet.LegendDocument)
async def legend(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/legend: what the words mean that miners and losses are counted under."""
    return await responses.reply(request, fleet.legend())


@answers(list[miner_shapes.OtherDeviceDocument])
async def other_devices(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/strangers: every address that answers but is no miner we can read."""
    found = await context.search(request, discovery.other_devices)
    found.sort(key=lambda who: _by_address(who.ip))
    return await responses.reply(request, [documents.other_device(who) for who in found])


@answers(list[fleet.SweepDocument], query={"limit": limit(20)})
async def sweeps(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/sweeps?limit=20: what sweeps found, newest first."""
    found = await context.of(request).store.read(discovery.sweeps, limit=params.limit(request, 20))
    return await responses.reply(request, [fleet.sweep(one) for one in found])


@answers(list[appliance.DaemonDocument])
async def daemons(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/daemons: what each daemon last said of itself."""
    ctx = context.of(request)
    now = ctx.clock()
    found = await ctx.store.read(daemon_rows.daemons)
    return await responses.reply(request, [appliance.daemon(one, alive=alive(one.beat_at, now)) for one in found])


@answers(appliance.AskedDocument, 202, body=asked.ScanWish, refuses=(404, 409))
async def scan(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/scan {"targets"?, "outside"?, "node_id"?}: ask hive-discoverd to look now, here or on another node.

    Targets that are not in its network.subnets are refused by its result; `outside`, which says that they are meant, is
    403: only who works on the box itself may say so.

    Without targets it looks at all its networks.
    """
    ctx = context.of(request)
    wishes = await params.fields(
        request, {"targets": partial(targets, "targets"), "outside": partial(switch, "outside"), "node_id": _node}
    )
    wanted: dict[str, Any] = {name: wishes[name] for name in ("targets", "outside") if name in wishes}
    number = await ctx.store.write(ask, "scan", wanted, access.by(request), node_id=_other(ctx, wishes))
    return await responses.reply(request, {"id": number}, status=202)


@answers(appliance.AskedDocument, 202, body=asked.CommandWish, refuses=(404, 409))
async def order(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/commands {"verb", "args"?, "node_id"?}: an order for a daemon, here or on another node.

    The verbs and who may give them stand in one table, `records.commands`.
    """
    ctx = context.of(request)
    wishes = await params.fields(request, {"verb": partial(word, "verb"), "args": _args, "node_id": _node})
    verb = verb_for(wishes.get("verb", ""))
    if verb.between_boxes:
        raise BadRequest("orders to miners are given at /api/v1/orders")
    if why := access.why_not(access.principal(request), access.Who(verb.role(wishes.get("args", {}))), verb.area):
        return responses.error(403, why)
    number = await ctx.store.write(
        ask, verb.name, wishes.get("args", {}), access.by(request), node_id=_other(ctx, wishes)
    )
    return await responses.reply(request, {"id": number}, status=202)


@answers(appliance.CommandDocument)
async def command(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/commands/{id}: what came of a wish."""
    number = params.whole("id", request.match_info["id"])
    found = await context.of(request).store.read(commands.command, number)
    if found is None:
        raise NotFound(f"there is no command '{number}'")
    return await responses.reply(request, appliance.command(found))


def _other(ctx: context.Context, wishes: dict[str, Any]) -> str | None:
    return wishes.get("node_id") if wishes.get("node_id") != ctx.node_id else None


def _args(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest("args: expected an object")
    return value


def _node(value: Any) -> str | None:
    return None if value is None else params.node_id("node_id", value)


def _by_address(ip: str) -> tuple[int, int, str]:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return (99, 0, ip)
    return (address.version, int(address), ip)
