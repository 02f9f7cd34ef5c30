"""Who answers here, for a node to ask before it trusts the master."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from hived.api import context
from hived.api.http import responses
from hived.api.http.answers import answers
from hived.documents import sent
from hived.documents.shape import Digest, KeyId, NodeId
from hived.records import joining, untrusted
from hived.records.joining import Certificate, as_key_id, as_node_id
from hived.records.times import to_text
from hived.store.access import node_keys

_ASKED = {"node_id", "key_id", "nonce"}
CERTIFICATE: web.AppKey[Callable[[], Certificate] | None] = web.AppKey("certificate")
"""What this application is served with now; None without TLS."""


@answers(sent.HelloDocument, query={"node_id": NodeId, "key_id": KeyId, "nonce": Digest})
async def hello(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/hello: the name, id and version of this master, and what its certificate is.

    With ?node_id=&key_id=&nonce= also a `proof` that it keeps the hash of this key; null when it does not.
    """
    ctx, current = context.of(request), request.app[CERTIFICATE]
    shown = current() if current is not None else None
    return await responses.reply(
        request,
        {
            "product": "hived", "node_id": ctx.node_id, "name": ctx.node_name, "role": "master",
            "version": ctx.version, "at": to_text(ctx.clock()), "tls": shown is not None,
            "fingerprint": shown.fingerprint if shown else None, "pin": shown.pin if shown else None,
            "proof": await _proof(request),
        },
    )  # fmt: skip


def pin_of(request: web.Request) -> str | None:
    """Return the pin of the certificate that a request came over; None for one without TLS."""
    current = request.app[CERTIFICATE]
    return current().pin if current is not None and request.secure else None


async def _proof(request: web.Request) -> str | None:
    ctx, asked = context.of(request), request.query
    if not asked.keys() & _ASKED:
        return None
    node_id, key_id = as_node_id(asked.get("node_id")), as_key_id(asked.get("key_id"))
    nonce = untrusted.digest(asked.get("nonce"), "nonce")
    known = await ctx.store.read(node_keys.hash_of, node_id, key_id)
    return joining.proof(known, nonce, node_id, ctx.node_id, pin_of(request)) if known is not None else None
