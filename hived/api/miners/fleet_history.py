"""What a site, a node or a model gave, should have given and lost, over time."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web

from hived.api import context
from hived.api.http import params, responses
from hived.api.http.answers import answers
from hived.documents.fleet import FleetHistoryDocument
from hived.documents.fleet import fleet_history as document
from hived.documents.shape import Time, shape
from hived.errors import BadRequest
from hived.store import Database
from hived.store.miners import fleet_history
from hived.store.miners.history import FIVE_MINUTES_S, HOUR_S

DAY_S = 86_400.0
FIVE_MINUTES_UP_TO_S = 4 * DAY_S
LONGEST_S = 366 * 2 * DAY_S
OF = {"node": ("node_id", ""), "model": ("model", ""), "group": ("node_id", fleet_history.GROUP)}
"""The column that names each kind of group, and what stands before the name there."""

Of = Annotated[str, shape(pattern="^(site|(node|model|group):.+)$", default="site")]


@answers(FleetHistoryDocument, query={"of": Of, "from": Time, "to": Time})
async def columns(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/history?of=site|node:ID|model:ALIAS|group:NAME&from=&to=: what it gave and lost over time.

    Times are RFC 3339; without them the last 24 hours. Columns are equally long, oldest first; each entry is the mean
    over `step_s` seconds from `at` (epoch seconds) on: 5 minutes, or an hour where more than four days are asked for.
    A stretch in which nobody looked has no entry.
    """
    here = context.of(request)
    group = _group(request.query.get("of", "site"))
    asked = params.queries(request, "from", "to")
    until = params.time("to", asked["to"]) if "to" in asked else here.clock()
    since = params.time("from", asked["from"]) if "from" in asked else until - DAY_S
    if not 0 < until - since <= LONGEST_S:
        raise BadRequest("from: expected a time before `to`, by two years at most")
    return await responses.reply(request, await context.search(request, _columns, group, since, until))


def _group(text: str) -> dict[str, str]:
    if text == "site":
        return {}
    kind, _, name = text.partition(":")
    if kind not in OF or not name:
        raise BadRequest(f"of: expected site, node:ID, model:ALIAS or group:NAME, got {text[:60]!r}")
    column, before = OF[kind]
    return {column: f"{before}{name}"}


def _columns(db: Database, group: dict[str, str], since: float, until: float) -> FleetHistoryDocument:
    width_s = FIVE_MINUTES_S if until - since <= FIVE_MINUTES_UP_TO_S else HOUR_S
    return document(fleet_history.columns(db, since=since, until=until, width_s=width_s, **group), width_s)
