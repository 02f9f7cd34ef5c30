"""The nodes of this master, for people: who they are, how they are, and who is let in."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.api.nodes import hello
from hived.documents import asked
from hived.documents import nodes as documents
from hived.errors import BadRequest, NotFound
from hived.services.nodes import admission
from hived.store.nodes import contacts

MAX_PHRASE = 100


@answers(list[documents.NodeDocument])
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/nodes: every *node*, the master first."""
    found = await context.of(request).store.read(contacts.listing)
    return await responses.reply(request, [documents.node(one) for one in found])


@answers(documents.NodeDocument, body=asked.PhraseOfKey, id=str, refuses=(409,))
async def approve(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/nodes/{id}/approve {phrase?}: let a waiting node in; the phrase is needed when several keys wait."""
    wishes = await params.fields(request, {"phrase": _phrase})
    node_id = request.match_info["id"]
    store = context.of(request).store
    await store.write(admission.approve, node_id, wishes.get("phrase"), access.by(request))
    return await _one(request, node_id)


@answers(documents.NodeDocument, body=asked.PhraseOfKey, id=str, refuses=(409,))
async def revoke(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/nodes/{id}/revoke {phrase?}: take nothing more of what a node sends.

    With a phrase only the waiting key that it belongs to is refused.
    """
    wishes = await params.fields(request, {"phrase": _phrase})
    node_id, store = request.match_info["id"], context.of(request).store
    if "phrase" in wishes:
        await store.write(admission.refuse, node_id, wishes["phrase"], access.by(request))
    else:
        await store.write(admission.revoke, node_id, access.by(request))
    return await _one(request, node_id)


@answers(documents.RefusedDocument)
async def refuse_all(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/nodes/refuse: forget every wish to join that waits."""
    count = await context.of(request).store.write(admission.refuse_all, access.by(request))
    return await responses.reply(request, {"refused": count})


@answers(None, 204, id=str, refuses=(409,))
async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/v1/nodes/{id}: forget a node with its keys and the miners that it brought; 204."""
    ctx = context.of(request)
    await ctx.store.write(admission.remove, request.match_info["id"], access.by(request))
    await context.follow(ctx)
    return web.Response(status=204)


@answers(documents.CollectorKeyDocument, 201, body=asked.CollectorWish, refuses=(409,))
async def add(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/nodes {node_id, name}: let a collector in that is not ours; 201 with its key, once."""
    checks = {"node_id": admission.node_id_of, "name": admission.name_of}
    wishes = await params.fields(request, checks, needed=("node_id", "name"))
    store = context.of(request).store
    key = await store.write(admission.add, wishes["node_id"], wishes["name"], access.by(request))
    return await responses.reply(request, documents.added(wishes["node_id"], key.text), status=201)


@answers(documents.CodeDocument, 201, body=asked.CodeWish, refuses=(404, 409))
async def new_code(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/enroll-codes {node_id?}: make a code that lets one node in within a quarter of an hour.

    With an id it is for that node alone, which is known already and is to join anew.
    """
    wishes = await params.fields(request, {"node_id": admission.node_id_of})
    current = request.app[hello.CERTIFICATE]
    key = current().pin if current is not None else None
    code, expires_at = await context.of(request).store.write(
        admission.new_code, access.by(request), key=key, node_id=wishes.get("node_id")
    )
    return await responses.reply(request, documents.code(code, expires_at), status=201)


async def _one(request: web.Request, node_id: str) -> web.StreamResponse:
    for node in await context.of(request).store.read(contacts.listing):
        if node.node_id == node_id:
            return await responses.reply(request, documents.node(node))
    raise NotFound(f"there is no node {node_id[:40]!r}")


def _phrase(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PHRASE:
        raise BadRequest("phrase: expected the four words that the node logs")
    return value
