"""Other boxes of the fleet, as zeroconf shows them."""

from __future__ import annotations

from aiohttp import web

from hived.api import context
from hived.api.http import responses
from hived.api.http.answers import answers
from hived.documents import nodes as documents
from hived.store.nodes import peers


@answers(list[documents.PeerDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/peers: other boxes on the network; nothing of one in state "sighted" is proven."""
    found = await context.of(request).store.read(peers.rows)
    return await responses.reply(request, [documents.peer(one) for one in found])
