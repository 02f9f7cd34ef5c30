"""The auto-miner as the outside sees it: its state, start and stop, and the document of its page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from hived.api import context
from hived.api.http import access, origin_guard, params, responses, static
from hived.api.http.answers import UNCHANGED, answers
from hived.api.http.latest import Latest
from hived.api.http.responses import Page
from hived.documents import collecting as documents
from hived.documents.shape import Number
from hived.records.daemon import alive
from hived.records.net import is_loopback
from hived.services.collecting import auto_miner
from hived.services.collecting.auto_miner import Condition
from hived.store import Database, Store
from hived.store.collecting import artifacts, sources
from hived.store.engine import counts

MAX_ORIGINS = 32  # of pictures on this machine; a policy is one header line


class CollectingView:
    """What the auto-miner does, looked up at most once a second, and only when something was committed."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._latest, self._clock = Latest(store, _condition_and_counts), clock

    async def now(self) -> dict[str, Any] | None:
        """Return {status, current_source, auto_miner, model, artifact_count, ...}.

        While the database is busy it is what was known before, None when that was nothing.
        """
        found = await self._latest.now()
        if found is None:
            return None
        condition, by_state = found
        runs = alive(condition.beat_at, self._clock())
        return {**documents.status(condition.state, runs=runs), **documents.counts(by_state)}


VIEW = web.AppKey("collecting", CollectingView)


@answers(documents.AutoMinerDocument)
async def status(request: web.Request) -> web.StreamResponse:
    """GET /status: what the auto-miner does."""
    ctx = context.of(request)
    found = await ctx.store.read(auto_miner.condition)
    return await responses.reply(request, documents.status(found.state, runs=_runs(ctx, found)))


@answers(documents.StartedDocument, query={"source_id": Number}, refuses=(404,))
async def start(request: web.Request) -> web.StreamResponse:
    """POST /scrape/start[?source_id=N]: have it run for ever, or through one source once."""
    ctx = context.of(request)
    source_id = params.count(request, "source_id")
    if not await ctx.store.write(auto_miner.start, access.by(request), source_id):
        return await responses.reply(request, documents.message(auto_miner.RUNS_ALREADY, ok=False))
    found = await ctx.store.read(auto_miner.condition)
    return await responses.reply(request, documents.started(source_id, runs=_runs(ctx, found)))


@answers(documents.MessageDocument)
async def stop(request: web.Request) -> web.StreamResponse:
    """POST /scrape/stop: end its loop within two seconds, whatever it is doing."""
    ctx = context.of(request)
    said = await ctx.store.write(auto_miner.stop, access.by(request))
    return await responses.reply(request, documents.message(said, ok=True))


@answers(documents.StatsDocument)
async def stats(request: web.Request) -> web.StreamResponse:
    """GET /stats: how many artifacts there are, in all and by state, licence and provider."""
    found = await context.search(request, artifacts.stats)
    return await responses.reply(request, documents.stats(found))


@answers(str, query={"pictures": str}, also=UNCHANGED, media="text/html")
async def page(request: web.Request) -> web.StreamResponse:
    """GET /collecting: the dashboard. With ?pictures=1 its policy lets pictures of museums through, and nothing else.

    The pictures of artifacts lie on the museums' servers, which see who asks for them. So the policy of every other
    document forbids them, and the page asks for this one only after the operator has switched pictures on. The policy
    names sources, so only who has logged in gets it.
    """
    index = request.app[static.FILES].get(static.INDEX)
    if index is None or request.query.get("pictures") != "1" or await access.identify(request) is None:
        return await static.index(request)
    origins = await context.of(request).store.read(_own_origins)
    request[origin_guard.PICTURES] = ("https:", *origins)
    # A page kept in the browser keeps its policy too: another policy is another page.
    tag = hashlib.sha256(f"{index.etag} {' '.join(origins)}".encode()).hexdigest()[:32]
    return await responses.send(request, Page(index.body, tag, index.content_type, index.charset))


def _runs(ctx: context.Context, found: Condition) -> bool:
    return alive(found.beat_at, ctx.clock())


def _condition_and_counts(db: Database) -> tuple[Condition, dict[str, int]]:
    return auto_miner.condition(db), counts.artifacts_by_state(db)


def _own_origins(db: Database) -> list[str]:
    """Return the origins of plain HTTP sources on this machine: a simulated collection has no certificate."""
    found = {_loopback_origin(one.base_url) for one in sources.every(db)}
    return sorted(origin for origin in found if origin is not None)[:MAX_ORIGINS]


def _loopback_origin(url: str) -> str | None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    # No policy can name an IPv6 address, and what localhost is, the machine of the browser decides.
    if parts.scheme != "http" or not host.startswith("127.") or not is_loopback(host):
        return None
    return f"http://{host}:{parts.port or 80}"
