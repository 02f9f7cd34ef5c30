"""The site: totals, rows, strangers, sweeps, daemons, and the wish to look again."""

from __future__ import annotations

import ipaddress
from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.documents import appliance
from hived.documents import miners as documents
from hived.errors import BadRequest, NotFound
from hived.records.daemon import alive
from hived.services.miners import steering
from hived.store import commands, daemon_rows
from hived.store.miners import discovery

MAX_TARGETS = 64
WIDEST = 16  # bits: a /16 is 65,536 addresses, a minute's work; more is a typing error


async def totals(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/fleet: sums over the fleet."""
    return await responses.reply(request, context.of(request).fleet.totals())


async def rows(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/rows[?node=ID]: every miner in its small form, and the rev from which the stream goes on."""
    return await responses.send(request, context.of(request).fleet.page("rows", params.node(request)))


async def strangers(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/strangers: every address that answers but is no miner we can read."""
    found = await context.of(request).store.read(discovery.strangers)
    found.sort(key=lambda who: _by_address(who.ip))
    return await responses.reply(request, [documents.stranger(who) for who in found])


async def sweeps(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/sweeps?limit=20: newest first."""
    found = await context.of(request).store.read(discovery.sweeps, limit=params.limit(request, 20))
    return await responses.reply(request, [documents.sweep(one) for one in found])


async def daemons(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/daemons: what each daemon last said of itself."""
    ctx = context.of(request)
    now = ctx.clock()
    found = await ctx.store.read(daemon_rows.daemons)
    return await responses.reply(request, [appliance.daemon(one, alive=alive(one.beat_at, now)) for one in found])


async def scan(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/scan {"targets": [...], "node_id"?}: ask hive-discoverd to look now, here or on another node.

    Without targets it looks at all its networks.
    """
    ctx = context.of(request)
    wishes = await params.fields(request, {"targets": _targets, "node_id": _node})
    args = {"targets": wishes["targets"]} if wishes.get("targets") else {}
    other = wishes.get("node_id") if wishes.get("node_id") != ctx.node_id else None
    wish = await ctx.store.write(steering.ask_scan, args, access.by(request), node_id=other)
    return await responses.reply(request, {"id": wish}, status=202)


async def command(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/commands/{id}: what came of a wish."""
    text = request.match_info["id"]
    found = await context.of(request).store.read(commands.command, params.whole("id", text))
    if found is None:
        raise NotFound(f"there is no command {text}")
    return await responses.reply(request, appliance.command(found))


def _node(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= params.MAX_NODE_ID):
        raise BadRequest("node_id: expected the id of a node")
    return value


def _targets(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_TARGETS:
        raise BadRequest(f"targets: expected a list of at most {MAX_TARGETS} addresses or networks")
    return [_target(one) for one in value]


def _target(value: Any) -> str:
    """Return an IPv4 network that may be looked at, as its owner writes it."""
    if not isinstance(value, str):
        raise BadRequest("targets: expected texts such as 192.168.1.0/24")
    try:
        network = ipaddress.IPv4Network(value.strip(), strict=False)
    except ValueError:
        raise BadRequest(f"targets: {value[:40]!r} is not an IPv4 address or network") from None
    if network.prefixlen < WIDEST:
        raise BadRequest(f"targets: {network} has more than {2 ** (32 - WIDEST)} addresses")
    first = network.network_address
    if first.is_multicast or first.is_reserved or first.is_unspecified or first in ipaddress.IPv4Network("0.0.0.0/8"):
        raise BadRequest(f"targets: {network} holds no addresses of single machines")
    return str(network)


def _by_address(ip: str) -> tuple[int, int, str]:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return (99, 0, ip)
    return (address.version, int(address), ip)
