"""Other boxes of the fleet, as zeroconf shows them."""

from __future__ import annotations

from aiohttp import web

from hived.api import context
from hived.api.dto import Json, rfc3339
from hived.api.http import responses
from hived.records.peers import Peer
from hived.store.nodes import peers


async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/peers: those that are here first, then by name; nothing of a peer in state "sighted" is proven."""
    found = await context.of(request).store.read(peers.rows)
    return await responses.reply(request, [document(one) for one in found])


def document(peer: Peer) -> Json:
    """Return a peer; `since` is when it came to its state."""
    return {
        "name": peer.name, "node_id": peer.id, "role": peer.role, "state": peer.state, "since": rfc3339(peer.since),
        "version": peer.version, "addresses": list(peer.addresses), "port": peer.port or None, "url": peer.url,
        "tls": peer.tls, "fingerprint": peer.fingerprint, "seen_at": rfc3339(peer.seen_at),
        "verified_at": rfc3339(peer.verified_at), "reason": peer.reason,
    }  # fmt: skip
