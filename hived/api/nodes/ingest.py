"""What nodes send: batches of the four streams, and the call of collectors that were there before us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, body, params, responses
from hived.api.nodes import ingest_parse
from hived.documents.shared import Json
from hived.errors import BadRequest
from hived.records.access import Principal
from hived.records.ingest import LIMITS, MAX_BODY_BYTES, REJECTED, Batch, Result, SentContribution, Taken
from hived.records.streams import CONTRIBUTIONS, WIRE
from hived.store import Database
from hived.store.access import node_keys
from hived.store.nodes import ingest, ingest_artifacts

log = logging.getLogger(__name__)

NOTED: web.AppKey[set[tuple[str, str, str]]] = web.AppKey("noted")
"""(node, stream, field) of what was logged as not understood."""
MAX_NOTED = 10_000
BODY_S = 30.0  # for a mebibyte: 280 kbit/s
INLINE_BYTES = 64 * 1024  # what is parsed on the loop; more would hold up the stream of the fleet
MISSING = "Missing fields"
_LEGACY = ("url", "content", "node_id")


async def batch(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/ingest: one batch of one stream of the node whose key it is."""
    who, ctx = access.principal(request), context.of(request)
    body = await read(request)
    if isinstance(body, web.Response):
        return body
    document = await _parsed(body)
    if document.get("node_id") != who.node_id:
        return responses.error(403, "this key is another node's")
    if who.scope != "node" and document.get("stream") != CONTRIBUTIONS:
        return responses.error(403, "this key may send contributions only")
    assert who.node_id is not None
    now = ctx.clock()
    try:
        told = ingest_parse.batch(document, who.node_id, now)
    except ingest_parse.BadEnvelope as err:
        return responses.error(422, str(err))
    taken = await ctx.store.merge(_take, who, told, now)
    note_unread(request, who.node_id, told.stream, told.wire, told.unread)
    return await responses.reply(request, _answer(told, taken))


async def legacy(request: web.Request) -> web.StreamResponse:
    """POST /master/ingest {url, content, node_id}: one contribution of a collector that is not ours."""
    who, ctx = access.principal(request), context.of(request)
    body = await read(request)
    if isinstance(body, web.Response):
        return body
    try:
        document = params.parsed(body)
    except BadRequest:  # these collectors know one reason
        raise BadRequest(MISSING) from None
    url, content, node_id = (document.get(name) for name in _LEGACY)
    given = (isinstance(content, str) and content.strip()) or (isinstance(content, dict) and content)
    if not (isinstance(url, str) and url.strip() and isinstance(node_id, str) and node_id and given):
        raise BadRequest(MISSING)
    if node_id != who.node_id:
        return responses.error(403, "this key is another node's")
    now = ctx.clock()
    one = ingest_parse.legacy({"url": url.strip(), "content": content}, node_id, now)
    result = await ctx.store.merge(_legacy, who, one, now)
    if result.outcome == REJECTED:
        return responses.error(409, "as many nodes as are kept speak of this URL already")
    return await responses.reply(request, {"status": "ok"})


async def limits(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/limits: how much one request may hold, so that nodes split by themselves."""
    return await responses.reply(request, LIMITS)


async def read(request: web.Request, most: int = MAX_BODY_BYTES) -> bytes | web.Response:
    """Return the body unpacked, or the reply that refuses it."""
    try:
        return await body.read(request, most, BODY_S)
    except body.TooLarge:
        return _too_large(most)
    except TimeoutError:
        return responses.error(408, "the request took too long")


def _too_large(most: int) -> web.Response:
    refused = web.Response(
        status=413, content_type=responses.JSON_TYPE,
        body=responses.encode({"error": f"the body is too large, {most // 1024} KiB are allowed", "limits": LIMITS}),
    )  # fmt: skip
    refused.force_close()  # the rest is not wanted
    return refused


async def _parsed(body: bytes) -> dict[str, Any]:
    return params.parsed(body) if len(body) <= INLINE_BYTES else await asyncio.to_thread(params.parsed, body)


def _take(db: Database, who: Principal, told: Batch, now: float) -> Taken:
    assert who.node_id is not None
    node_keys.must_open(db, who.ref)
    return ingest.take(db, who.node_id, told, now)


def _legacy(db: Database, who: Principal, one: SentContribution, now: float) -> Result:
    assert who.node_id is not None
    node_keys.must_open(db, who.ref)
    return ingest_artifacts.take_legacy(db, who.node_id, one, now)


def note_unread(request: web.Request, node_id: str, stream: str, wire: int, unread: Mapping[str, int]) -> None:
    """Log what was not understood of a message, once for each node and field."""
    noted = request.app[NOTED]
    new = {name for name in unread if (node_id, stream, name) not in noted}
    if new and len(noted) < MAX_NOTED:
        noted.update((node_id, stream, name) for name in new)
        names = ", ".join(sorted(new))
        log.warning("not understood of %s of node %s (wire %d, here %d): %s", stream, node_id, wire, WIRE, names)


def _answer(told: Batch, taken: Taken) -> Json:
    """Return the verdict on a batch; of contributions one for each item, in the order of their numbers."""
    head: Json = {"stream": told.stream, "seq": taken.seq}
    if taken.gap:
        return {**head, "outcome": "gap"}
    if told.unread:
        head["unread"] = told.unread
    if told.stream != CONTRIBUTIONS:
        return {**head, "rejected": [{"seq": one.seq, "reason": one.reason} for one in taken.rejected]}
    results = [*taken.results, *(Result(one.seq, one.told_id, REJECTED, one.reason) for one in told.rejected)]
    results.sort(key=lambda one: -1 if one.seq is None else one.seq)
    return {**head, "results": [_result(one) for one in results]}


def _result(one: Result) -> Json:
    told = {"seq": one.seq, "id": one.id, "outcome": one.outcome}
    more = {"reason": one.reason, "artifact_id": one.artifact_id}
    return told | {name: value for name, value in more.items() if value is not None}
