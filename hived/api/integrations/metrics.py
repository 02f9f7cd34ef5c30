"""Metrics for Prometheus, made when somebody asks for them."""

from __future__ import annotations

import asyncio
import secrets

from aiohttp import web

from hived.api import context
from hived.api.http import responses
from hived.api.http.answers import UNCHANGED, answers
from hived.api.http.responses import Page
from hived.documents.metrics.facts import Facts
from hived.documents.metrics.text import families, text
from hived.services.integrations import metrics

SAME_S = 1.0
"""Two who ask within a second get the same: however many ask, the work is done once a second."""


class Scrapes:
    """The last scrape, for as long as another one may get the same."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.page: Page | None = None
        self.made = 0

    def keep(self, page: Page) -> None:
        """Keep a page for a moment, and no longer: that of a large site has more than ten megabytes."""
        self.page = page
        self.made += 1
        asyncio.get_running_loop().call_later(SAME_S, self._drop, page)

    def _drop(self, page: Page) -> None:
        if self.page is page:
            self.page = None


SCRAPES = web.AppKey("scrapes", Scrapes)


@answers(str, also=UNCHANGED, media="text/plain")
async def scrape(request: web.Request) -> web.StreamResponse:
    """GET /metrics: miners, fleet, nodes, daemons and this box in the text form of Prometheus."""
    scrapes = request.app[SCRAPES]
    async with scrapes.lock:
        page = scrapes.page
        if page is None:
            page = await _made(context.of(request))
            scrapes.keep(page)
    return await responses.send(request, page)


async def _made(ctx: context.Context) -> Page:
    box = await metrics.box(ctx.store)
    moment, miners = ctx.fleet.judged()
    facts = Facts(moment, ctx.node_id, ctx.node_name, ctx.version, miners, box)
    # On another thread, so that pages and nodes do not wait for it.
    body = await asyncio.to_thread(lambda: text(families(facts)))
    return Page(body, secrets.token_hex(8), "text/plain; version=0.0.4", "utf-8")
