"""Nodes with a model and time to spare: what they said of what was lent to them, and what they get next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web

from hived.api import context
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.api.nodes import ingest, ingest_parse
from hived.api.nodes.intake import INTAKE
from hived.documents import sent
from hived.records import untrusted
from hived.records.bubbles import DESCRIPTION
from hived.records.fields import Fields, Unread
from hived.records.ingest import SentWords
from hived.records.lending import AT_ONCE, LEASE_S, MAX_BY, MAX_REASON, Lent, told
from hived.records.untrusted import BadValue
from hived.store import Database
from hived.store.access import node_keys
from hived.store.nodes import lent
from hived.store.nodes.lent import Asked, Useless


@answers(sent.LentDocument, body=sent.LendDocument)
async def lend(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/nodes/me/lent {by, room, holding: [url], told: [...]}: ask for objects to describe for others.

    `told`: of each object that is done either its words, as in a contribution, or a `reason`. The answer names those
    under `taken`, whether they still counted or not, and gives `objects` for `seconds`.
    """
    ctx, node_id, now = context.of(request), access.node_id(request), context.of(request).clock()
    async with request.app[INTAKE].turn(node_id) as turn:
        raw = await ingest.read(request)
        async with request.app[INTAKE].parsing:
            asked, taken, unread = _asked(params.parsed(raw), node_id, now)
        turn.spend(1)
        found = await ctx.store.write(_take, access.principal(request).ref, node_id, asked, now)
    ingest.note_unread(request, node_id, "lent", 1, unread)
    objects = [
        {"url": one.url, "input_hash": one.input_hash, "title": one.object.title, "facts": told(one.object)}
        for one in found
    ]
    return await responses.reply(
        request, {"objects": objects, "taken": taken, "seconds": LEASE_S, "unread": dict(unread)}
    )


def _take(db: Database, key: str, node_id: str, asked: Asked, now: float) -> list[Lent]:
    node_keys.must_open(db, key)
    return lent.take(db, node_id, asked, now)


def _asked(document: Mapping[str, Any], node_id: str, now: float) -> tuple[Asked, list[str], Mapping[str, int]]:
    """Return what a node asks, the URLs of what it tells, and what of it was not understood. BadValue."""
    unread = Unread()
    one = Fields(document, unread)
    holding = [ingest_parse.url_of(url)[1] for url in _list(one.get("holding"), "holding")]
    words: list[SentWords] = []
    useless: list[Useless] = []
    taken = [url for item in _list(one.get("told"), "told") if isinstance(url := _url(item), str)]
    for found in one.take_parts("told", partial(_told, node_id=node_id, now=now), AT_ONCE):
        if isinstance(found, Useless):
            useless.append(found)
        else:
            words.append(found)
    by = untrusted.text(one.get("by"), "by", MAX_BY) or ""
    room = untrusted.whole(one.get("room"), "room", 0, AT_ONCE)
    one.end()
    return Asked(by, room, tuple(holding), tuple(words), tuple(useless)), taken, unread.counts


def _url(item: Any) -> Any:
    return item.get("url") if isinstance(item, Mapping) else None


def _list(value: Any, code: str) -> list[Any]:
    if not isinstance(value or [], list) or len(value or []) > AT_ONCE:
        raise BadValue(code)
    return value or []


def _told(one: Fields, node_id: str, now: float) -> SentWords | Useless:
    url, key = ingest_parse.url_of(one.get("url"))
    reason = one.get("reason")
    if reason is not None:
        return Useless(key, untrusted.word(reason, "reason", MAX_REASON), one.get("is_hopeless") is True)
    return SentWords(
        seq=0, told_id="", url=url, url_key=key, kind=DESCRIPTION,
        collected_at=untrusted.time(one.get("collected_at"), "collected_at", now),
        **ingest_parse.words_in(one, key, node_id),
    )  # fmt: skip
