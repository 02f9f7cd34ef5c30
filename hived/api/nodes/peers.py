"""Other boxes of the fleet, as zeroconf shows them."""

from __future__ import annotations

from aiohttp import web

from hived.api import context
from hived.api.http import responses
from hived.documents import nodes as documents
from hived.store.nodes import peers


async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/peers: those that are here first, then by name; nothing of a peer in state "sighted" is proven."""
    found = await context.of(request).store.read(peers.rows)
    return await responses.reply(request, [documents.peer(one) for one in found])
