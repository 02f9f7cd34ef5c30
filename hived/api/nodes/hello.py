"""Who answers here, for a node to ask before it trusts the master."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from hived.api import context
from hived.api.http import responses
from hived.records.joining import Certificate
from hived.records.times import to_text

CERTIFICATE: web.AppKey[Callable[[], Certificate] | None] = web.AppKey("certificate")
"""What this application is served with now; None without TLS."""


async def hello(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/hello: the name, id and version of this master, and what its certificate is."""
    ctx, current = context.of(request), request.app[CERTIFICATE]
    shown = current() if current is not None else None
    return await responses.reply(
        request,
        {
            "product": "hived", "node_id": ctx.node_id, "name": ctx.node_name, "role": "master",
            "version": ctx.version, "at": to_text(ctx.clock()), "tls": shown is not None,
            "fingerprint": shown.fingerprint if shown else None, "pin": shown.pin if shown else None,
        },
    )  # fmt: skip
