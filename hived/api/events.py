"""What happened."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web

from hived.api import context
from hived.api.http import params, responses
from hived.api.http.answers import BEFORE, NODE, answers, limit
from hived.documents import appliance as documents
from hived.documents.shape import Mac, shape
from hived.errors import BadRequest, NotFound
from hived.records.events import EVENTS, Event
from hived.records.net import as_mac
from hived.store import Database, events
from hived.store.miners import miners

MAX_KIND = 64

ASKED = {
    "limit": limit(100), **BEFORE, **NODE, "miner": Mac,
    "kind": Annotated[str, shape(minLength=1, maxLength=MAX_KIND)],
}  # fmt: skip


@answers(list[documents.EventDocument], query=ASKED, refuses=(404,))
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/events?limit=100&before=ID&miner=MAC&kind=&node=ID: events, newest first.

    `before` goes on after a page.
    """
    ctx, limit, before = context.of(request), params.limit(request, 100), params.count(request, "before")
    query = params.queries(request, "miner", "kind")
    mac = None
    if "miner" in query:
        mac = as_mac(query["miner"])
        if mac is None:
            raise NotFound(f"there is no miner {query['miner'][:40]!r}: expected a MAC address")
    kind = query.get("kind")
    if kind is not None and not 0 < len(kind) <= MAX_KIND:
        raise BadRequest("kind: expected the name of a kind of event such as miner_offline")
    wishes = {"limit": limit, "before": before, "kind": kind, "node_id": params.node(request), "own_id": ctx.node_id}
    found = await context.search(request, _newest, mac, wishes)
    return await responses.reply(request, [documents.event(one, *ctx.fleet.whereabouts(one.mac)) for one in found])


@answers(list[documents.KindDocument])
async def kinds(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/events/kinds: every kind that this version knows, and its title."""
    return await responses.reply(request, [{"kind": one.name, "title": one.title} for one in EVENTS.values()])


def _newest(db: Database, mac: str | None, wishes: dict[str, Any]) -> list[Event]:
    num = miners.one(db, mac).num if mac is not None else None
    return events.newest(db, num=num, **wishes)
