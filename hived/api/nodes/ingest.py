"""What nodes send: batches of the streams, and the call of collectors that were there before us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web

from hived.api import context
from hived.api.http import access, body, params, responses
from hived.api.http.answers import Deprecated, answers
from hived.api.nodes import ingest_parse
from hived.api.nodes.intake import INTAKE
from hived.documents import sent as documents
from hived.documents.shared import Json
from hived.errors import PROBLEMS, BadRequest
from hived.records.access import Principal
from hived.records.bubbles import KINDS
from hived.records.ingest import LIMITS, MAX_BODY_BYTES, REJECTED, Batch, Result, Taken
from hived.records.node import SCOPE_NODE
from hived.records.streams import CONTRIBUTIONS, WIRE
from hived.store import Database
from hived.store.access import node_keys
from hived.store.nodes import contacts, ingest, ingest_artifacts

log = logging.getLogger(__name__)
T = TypeVar("T")

NOTED: web.AppKey[set[tuple[str, str, str]]] = web.AppKey("noted")
"""(node, stream, field) of what was logged as not understood."""
MAX_NOTED = 10_000
BODY_S = 30.0  # for a mebibyte: 280 kbit/s
INLINE_BYTES = 64 * 1024  # what is parsed on the loop; more would hold up the stream of the fleet
MISSING = "Missing fields"
OLD = Deprecated(since=1_796_083_200, instead="/api/v1/ingest")  # 2026-12-01
_LEGACY = ("url", "content", "node_id")


@answers(documents.TakenDocument, body=documents.BatchDocument, refuses=(409, 422))
async def batch(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/ingest: one batch of one stream of the node whose key it is."""
    who, ctx, node_id = access.principal(request), context.of(request), access.node_id(request)
    is_ours, now = who.scope == SCOPE_NODE, ctx.clock()
    async with request.app[INTAKE].turn(node_id) as turn:
        raw = await read(request)
        async with request.app[INTAKE].parsing:
            document = await _parsed(raw)
            if document.get("node_id") != node_id:
                return responses.error(403, "this key is another node's")
            if not is_ours and document.get("stream") != CONTRIBUTIONS:
                return responses.error(403, "this key may send contributions only")
            try:
                sent = ingest_parse.batch(document, node_id, now)
            except ingest_parse.BadEnvelope as err:
                return responses.error(422, str(err))
            finally:
                del document, raw
        turn.spend(len(sent.items) + len(sent.rejected) + len(sent.latest) + len(sent.models) + len(sent.again))
        taken = await ctx.store.merge(_take, request.secure, who, ingest.take, node_id, sent, now, is_ours=is_ours)
    note_unread(request, node_id, sent.stream, sent.wire, sent.unread)
    return await responses.reply(request, _answer(sent, taken))


@answers(documents.OkDocument, body=documents.ContributionDocument, refuses=(409,), deprecated=OLD)
async def legacy(request: web.Request) -> web.StreamResponse:
    """POST /master/ingest {url, content, node_id}: one contribution of a collector that is not ours."""
    ctx, own = context.of(request), access.node_id(request)
    async with request.app[INTAKE].turn(own) as turn:
        try:
            raw = await read(request)
            async with request.app[INTAKE].parsing:
                document = await _parsed(raw)
        except (body.TooLarge, body.UnknownPacking):
            raise
        except BadRequest:  # these collectors know one reason
            raise BadRequest(MISSING) from None
        url, content, node_id = (document.get(name) for name in _LEGACY)
        given = (isinstance(content, str) and content.strip()) or (isinstance(content, dict) and content)
        if not (isinstance(url, str) and url.strip() and isinstance(node_id, str) and node_id and given):
            raise BadRequest(MISSING)
        if node_id != own:
            return responses.error(403, "this key is another node's")
        now = ctx.clock()
        sent = ingest_parse.legacy({"url": url.strip(), "content": content}, node_id, now)
        turn.spend(1)
        take = ingest_artifacts.take_legacy
        result = await ctx.store.merge(_take, request.secure, access.principal(request), take, node_id, sent, now)
    if result.outcome == REJECTED:
        why = "as many nodes as are kept speak of this URL already"
        if result.reason in PROBLEMS:
            why = f"this node {PROBLEMS[result.reason].words}"
        return responses.error(409, why)
    return await responses.reply(request, {"status": "ok"})


async def _parsed(raw: bytes) -> dict[str, Any]:
    return params.parsed(raw) if len(raw) <= INLINE_BYTES else await asyncio.to_thread(params.parsed, raw)


@answers(documents.LimitsDocument)
async def limits(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/limits: how much one request may hold, so that nodes split by themselves."""
    return await responses.reply(request, LIMITS)


async def read(request: web.Request) -> bytes:
    """Return the body of a message, unpacked; one that is too large is refused with the limits."""
    return await body.read(request, MAX_BODY_BYTES, BODY_S, LIMITS)


def _take(
    db: Database, secure: bool, who: Principal, take: Callable[..., T], node_id: str, *args: Any, **kwargs: Any
) -> T:
    """Take what a node sent, if its key still opens in this transaction. `secure`: it came over TLS."""
    node_keys.must_open(db, who.ref)
    contacts.came(db, node_id, secure=secure)
    return take(db, node_id, *args, **kwargs)


def note_unread(request: web.Request, node_id: str, stream: str, wire: int, unread: Mapping[str, int]) -> None:
    """Log what was not understood of a message, once for each node and field."""
    noted = request.app[NOTED]
    new = {name for name in unread if (node_id, stream, name) not in noted}
    if new and len(noted) < MAX_NOTED:
        noted.update((node_id, stream, name) for name in new)
        names = ", ".join(sorted(new))
        log.warning("fields not understood in %s of node %s (wire %d, here %d): %s", stream, node_id, wire, WIRE, names)


def _answer(sent: Batch, taken: Taken) -> Json:
    """Return the verdict on a batch; of what is said of objects one for each item, in the order of their numbers."""
    head: Json = {"stream": sent.stream, "seq": taken.seq}
    if taken.gap:
        return {**head, "outcome": "gap"}
    if sent.unread:
        head["unread"] = sent.unread
    if taken.full:
        head["full"] = list(taken.full)
    if sent.stream not in KINDS:
        return {**head, "rejected": [{"seq": one.seq, "reason": one.reason} for one in taken.rejected]}
    refused = (Result(one.seq, one.told_id, REJECTED, one.reason) for one in sent.rejected)
    results = sorted([*taken.results, *refused], key=lambda result: -1 if result.seq is None else result.seq)
    return {**head, "results": [_result(result) for result in results]}


def _result(result: Result) -> Json:
    more = {"reason": result.reason, "artifact_id": result.artifact_id}
    known = {name: value for name, value in more.items() if value is not None}
    return {"seq": result.seq, "id": result.id, "outcome": result.outcome, **known}
