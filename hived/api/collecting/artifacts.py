"""What the auto-miner collected."""

from __future__ import annotations

import math
from typing import Annotated, Any

from aiohttp import web

from hived.api import context
from hived.api.http import params, responses
from hived.api.http.answers import BEFORE, NODE, answers, limit
from hived.documents import collecting as documents
from hived.documents.shape import Number, shape
from hived.errors import BadRequest, NotFound
from hived.records.artifact import AWAITING, DESCRIBED
from hived.store import Database
from hived.store.collecting import artifacts

STATES = (DESCRIBED, AWAITING)
MAX_WORDS = 200  # characters; eight words are looked for
MAX_PROVIDER = 100

ASKED = {
    "limit": limit(50), **BEFORE, **NODE, "source_id": Number, "q": Annotated[str, shape(maxLength=MAX_WORDS)],
    "state": Annotated[str, shape(enum=list(STATES))],
    "provider": Annotated[str, shape(minLength=1, maxLength=MAX_PROVIDER)],
}  # fmt: skip


@answers(list[documents.ArtifactDocument], query=ASKED)
async def listing(request: web.Request) -> web.StreamResponse:
    """GET /artifacts?limit=50[&before=ID&q=words&source_id=N&state=S&provider=P&node=ID]: *artifact*s, newest first.

    `before` goes on after a page; all of `q`'s words must occur.
    """
    wishes = _wishes(request)
    return await responses.reply(request, await context.search(request, _listing, wishes))


@answers(documents.ArtifactDocument, query={"bubbles_before": str})
async def one(request: web.Request) -> web.StreamResponse:
    """GET /artifacts/{id}[?bubbles_before=CURSOR]: one *artifact* with its bubbles, at most 64 at once.

    The cursor is what the page before says under `bubbles_before`; bubbles are in the order in which they came.
    """
    after = _cursor(params.queries(request, "bubbles_before").get("bubbles_before"))
    number = params.number(request, "artifact")
    found = await context.of(request).store.read(artifacts.one, number, after=after)
    if found is None:
        raise NotFound(f"there is no artifact '{number}'")
    return await responses.reply(request, documents.artifact(found))


def _cursor(text: str | None) -> artifacts.Place | None:
    if text is None:
        return None
    at, _, rest = text.partition(" ")
    node_id, _, kind = rest.partition(" ")
    try:
        place = float(at), params.node_id("node_id", node_id), kind
    except (ValueError, BadRequest):
        place = math.nan, "", ""
    if not math.isfinite(place[0]):
        raise BadRequest("bubbles_before: expected what the page before said")
    return place


def _wishes(request: web.Request) -> dict[str, Any]:
    query = params.queries(request, "q", "state", "provider")
    if len(query.get("q", "")) > MAX_WORDS:
        raise BadRequest(f"q: expected at most {MAX_WORDS} characters")
    if query.get("state", STATES[0]) not in STATES:
        raise BadRequest(f"state: expected {' or '.join(STATES)}, got {query['state'][:40]!r}")
    if not 0 < len(query.get("provider", "-")) <= MAX_PROVIDER:
        raise BadRequest("provider: expected the name of a provider such as met")
    return {
        "limit": params.limit(request, 50),
        "before": params.count(request, "before"),
        "source_id": params.count(request, "source_id"),
        "node_id": params.node(request),
        "words": query.get("q", ""),
        "state": query.get("state"),
        "provider": query.get("provider"),
    }


def _listing(db: Database, wishes: dict[str, Any]) -> bytes:
    """Runs on the database's thread, encoding included: a thousand of them would hold up the loop."""
    return responses.encode([documents.artifact(found) for found in artifacts.newest(db, **wishes)])
