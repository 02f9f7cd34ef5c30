"""How nodes come to a master: the wish to join, and the contact that every node keeps up."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.api.nodes import hello, ingest
from hived.api.nodes.intake import INTAKE
from hived.documents import asked, sent
from hived.records import untrusted
from hived.records.fields import Fields, Unread
from hived.records.ingest import LIMITS
from hived.records.joining import as_key_id, as_node_id
from hived.records.net import is_loopback, network
from hived.records.node import Contact, Order, Wish
from hived.records.streams import STREAMS
from hived.records.times import to_text
from hived.records.untrusted import BadValue
from hived.store import Database, commands
from hived.store.access import attempts, node_keys
from hived.store.nodes import contacts, nodes, reported_targets
from hived.store.nodes import ingest as streams

T = TypeVar("T")

MAX_HEALTH_BYTES = 16 * 1024
MAX_RESULT_BYTES = 4096
MAX_DONE = 64  # results in one contact
JOINS, JOINS_S = 60, 60.0  # from one address: fifteen boxes behind one router that ask every quarter of a minute
_CODE = re.compile(r"[A-Za-z0-9 -]{4,40}")
_CODES = {"pending": 202, "approved": 200, "refused": 403, "taken": 409}


@answers(sent.JoinedDocument, also={202: sent.JoinedDocument}, body=sent.JoinDocument, refuses=(409,))
async def join(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/join: a node asks to be let in. 202 until somebody approves it, 200 from then on."""
    ctx, now = context.of(request), context.of(request).clock()
    place = f"join:{network(request.remote)}"
    wait_s = await ctx.store.admit(attempts.full, place, most=JOINS, window_s=JOINS_S, at=now)
    wait_s = wait_s or await ctx.store.write(attempts.one_more, place, most=JOINS, window_s=JOINS_S, at=now)
    if wait_s > 0:
        return responses.error(429, "too many wishes to join from this address", {"Retry-After": str(int(wait_s) + 1)})
    if not is_private(request):  # before 0.2.0 nodes asked so, when a person gave them an http:// URL
        return responses.error(403, f"nodes join over TLS alone: https://{request.host}, on the same port")
    wish = _wish(await params.document(request))
    found = await ctx.store.write(
        nodes.ask, wish, own_id=ctx.node_id, pin=hello.pin_of(request), address=request.remote, now=now
    )
    if found.outcome in ("refused", "taken"):
        return responses.error(_CODES[found.outcome], found.why)
    document = {
        "status": found.outcome, "phrase": found.phrase, "master": {"node_id": ctx.node_id, "name": ctx.node_name},
    }  # fmt: skip
    return await responses.reply(request, document, status=_CODES[found.outcome])


@answers(sent.HeardDocument, body=sent.ContactDocument, refuses=(409,))
async def contact(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/nodes/me/contact: a node says how it is and hears what is held of it and what it is to do."""
    ctx, node_id, now = context.of(request), access.node_id(request), context.of(request).clock()
    async with request.app[INTAKE].turn(node_id) as turn:
        raw = await ingest.read(request)
        async with request.app[INTAKE].parsing:
            sent = _contact(params.parsed(raw))
        turn.spend(1)
    held, wanted = await ctx.store.write(
        _keep_in_touch, node_id, access.principal(request).ref, sent, address=request.remote,
        secure=request.secure, now=now,
    )  # fmt: skip
    ingest.note_unread(request, node_id, "contact", sent.wire, sent.unread)
    return await responses.reply(request, {
        "at": to_text(now), "node_id": ctx.node_id, "name": ctx.node_name,
        "held": {stream: held.get(stream, 0) for stream in STREAMS},
        "orders": [
            {"id": order.id, "daemon": order.daemon, "verb": order.verb, "args": order.args} for order in wanted
        ],
        "limits": LIMITS, "unread": sent.unread,
    })  # fmt: skip


@answers(sent.KeyAddedDocument, body=asked.KeyWish, refuses=(409,))
async def add_key(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/nodes/me/keys {key_id, key_hash}: a second key, which ends the others when it is first used."""
    ctx, own = context.of(request), access.principal(request).ref
    checks: dict[str, params.Check] = {"key_id": as_key_id, "key_hash": lambda told: untrusted.digest(told, "key_hash")}
    wishes = await params.fields(request, checks, needed=("key_id", "key_hash"))
    node_id = access.node_id(request)
    await ctx.store.write(nodes.add_key, node_id, own, wishes["key_id"], wishes["key_hash"], ctx.clock())
    return await responses.reply(request, {"key_id": wishes["key_id"], "status": "active"})


def is_private(request: web.Request) -> bool:
    """Tell whether nobody on the way can read what is said: it came over TLS, or from this machine."""
    if request.secure:
        return True
    if any(name in request.headers for name in access.PROXY):
        return False
    return is_loopback(request.remote or "")


def _keep_in_touch(
    db: Database, node_id: str, key: str, sent: Contact, *, address: str | None, secure: bool, now: float
) -> tuple[dict[str, int], list[Order]]:
    node_keys.must_open(db, key)
    contacts.save(db, node_id, sent, address=address, secure=secure, now=now)
    reported_targets.take(db, node_id, sent.done, now)
    commands.done(db, node_id, sent.done, now)
    return streams.held(db, node_id, sent.epoch), commands.waiting(db, node_id, secure=secure, now=now)


def _wish(document: Mapping[str, Any]) -> Wish:
    code = document.get("code")
    if code is not None and not (isinstance(code, str) and _CODE.fullmatch(code)):
        raise BadValue("code")
    return Wish(
        node_id=as_node_id(document.get("node_id")), name=untrusted.word(document.get("name"), "name", 100),
        site=untrusted.text(document.get("site"), "site", 100),
        version=untrusted.text(document.get("version"), "version", 64),
        key_id=as_key_id(document.get("key_id")),
        key_hash=untrusted.digest(document.get("key_hash"), "key_hash"), code=code,
    )  # fmt: skip


def _contact(document: Mapping[str, Any]) -> Contact:
    unread = Unread()
    one = Fields(document, unread)
    done = one.get("done") or []
    if not isinstance(done, list) or len(done) > MAX_DONE:
        raise BadValue("done")
    found = Contact(
        version=untrusted.text(one.get("version"), "version", 64), name=untrusted.word(one.get("name"), "name", 100),
        site=untrusted.text(one.get("site"), "site", 100), epoch=untrusted.epoch(one.get("epoch")),
        at=untrusted.time(one.get("at"), "at"),
        newest=one.part("newest", partial(_by_stream, read=untrusted.whole, why="newest")) or {},
        oldest_at=one.part("oldest_unsent_at", partial(_by_stream, read=untrusted.time, why="oldest_unsent_at")) or {},
        health=untrusted.document(one.get("health") or {}, "health", most_bytes=MAX_HEALTH_BYTES, depth=4),
        done=tuple(_done(result) for result in done), leaving=one.get("leaving") is True,
        wire=one.take("wire", untrusted.whole, 1, 1), unread=unread.counts,
    )  # fmt: skip
    one.end()
    return found


def _by_stream(one: Fields, read: Callable[[Any, str], T], why: str) -> dict[str, T]:
    return {name: read(one.get(name), why) for name in STREAMS if one.get(name) is not None}


def _done(value: Any) -> tuple[int, dict[str, Any]]:
    if not isinstance(value, Mapping):
        raise BadValue("done")
    result = untrusted.document(value.get("result") or {}, "done", most_bytes=MAX_RESULT_BYTES, depth=4)
    return untrusted.whole(value.get("id"), "done", 1), result
