"""Every path in one table."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from aiohttp import web
from aiohttp.typedefs import Handler

from hived.api import events, stream
from hived.api.access import logins, tokens, users
from hived.api.alerts import alerts, channels, rules, windows
from hived.api.appliance import health, site
from hived.api.collecting import artifacts, collecting, sources
from hived.api.http import openapi, static
from hived.api.http.access import ADMIN, INGEST, INHERITED, METRICS, NODE, OPERATOR, PUBLIC, RULES, VIEWER, Rules, Who
from hived.api.http.responses import Page
from hived.api.integrations import metrics, webhooks
from hived.api.miners import fleet_history, history, miners, models, orders, plans, pools
from hived.api.nodes import hello, ingest, join, lending, nodes, peers
from hived.records.access import STEER

Row = tuple[str, str, Handler, Who]
"""Method, path, handler, and who may call it: a role is the least one, see `access.Who`."""

TABLE: tuple[Row, ...] = (
    ("GET", "/api/miners", miners.listing, VIEWER),
    ("GET", "/api/miners/{mac}", miners.one, VIEWER),
    ("PATCH", "/api/miners/{mac}", miners.change, OPERATOR),
    ("DELETE", "/api/miners/{mac}", miners.remove, ADMIN),
    ("POST", "/api/v1/miners/{mac}/merge", miners.merge, ADMIN),
    ("POST", "/api/v1/miners/{mac}/agree", miners.agree, OPERATOR),
    ("GET", "/api/miners/{mac}/settings", miners.own_settings, VIEWER),
    ("GET", "/api/miners/{mac}/statuses", miners.statuses, VIEWER),
    ("GET", "/api/miners/{mac}/telemetry", miners.chips, VIEWER),
    ("GET", "/api/models", models.listing, VIEWER),
    ("GET", "/api/models/{alias}", models.one, VIEWER),
    ("PATCH", "/api/models/{alias}", models.change, OPERATOR),
    ("GET", "/api/v1/fleet", site.totals, VIEWER),
    ("GET", "/api/v1/rows", site.rows, VIEWER),
    ("GET", "/api/v1/history", fleet_history.columns, VIEWER),
    ("GET", "/api/v1/stream", stream.listen, VIEWER),
    ("GET", "/api/v1/events", events.listing, VIEWER),
    ("GET", "/api/v1/events/kinds", events.kinds, VIEWER),
    ("GET", "/api/v1/legend", site.legend, VIEWER),
    ("GET", "/api/v1/strangers", site.other_devices, VIEWER),
    ("GET", "/api/v1/sweeps", site.sweeps, VIEWER),
    ("GET", "/api/v1/daemons", site.daemons, VIEWER),
    ("GET", "/api/v1/peers", peers.listing, VIEWER),
    ("POST", "/api/v1/scan", site.scan, OPERATOR),
    ("POST", "/api/v1/commands", site.order, OPERATOR),
    ("GET", "/api/v1/commands/{id}", site.command, VIEWER),
    ("GET", "/api/v1/miners/{mac}/settings/versions", miners.settings_versions, VIEWER),
    ("GET", "/api/v1/miners/{mac}/history", history.columns, VIEWER),
    ("POST", "/api/v1/orders", orders.give, OPERATOR),
    ("GET", "/api/v1/orders", orders.listing, VIEWER),
    ("GET", "/api/v1/orders/{id}", orders.one, VIEWER),
    ("POST", "/api/v1/orders/{id}/cancel", orders.cancel, OPERATOR),
    ("POST", "/api/v1/orders/{id}/undo", orders.undo, OPERATOR),
    ("GET", "/api/v1/plans", plans.listing, VIEWER),
    ("POST", "/api/v1/plans", plans.add, OPERATOR),
    ("POST", "/api/v1/plans/storm", plans.storm, OPERATOR),
    ("PATCH", "/api/v1/plans/{id}", plans.change, OPERATOR),
    ("DELETE", "/api/v1/plans/{id}", plans.remove, OPERATOR),
    ("GET", "/api/v1/pools", pools.in_use, VIEWER),
    ("GET", "/api/v1/pools/allowed", pools.listing, VIEWER),
    ("POST", "/api/v1/pools/allowed", pools.allow, ADMIN),
    ("DELETE", "/api/v1/pools/allowed/{id}", pools.remove, ADMIN),
    ("GET", "/api/v1/collections", sources.known, VIEWER),
    ("GET", "/api/v1/health", health.whole, VIEWER),
    ("GET", "/healthz", health.short, PUBLIC),
    ("GET", "/metrics", metrics.scrape, METRICS),
    ("GET", "/api/openapi.json", openapi.openapi, PUBLIC),
    ("GET", "/api/docs", static.docs, PUBLIC),
    # What people are told of, and how.
    ("GET", "/api/v1/alerts", alerts.every, VIEWER),
    ("GET", "/api/v1/alerts/counts", alerts.counts, VIEWER),
    ("GET", "/api/v1/alerts/signs", rules.signs, VIEWER),
    ("GET", "/api/v1/alerts/rules", rules.listing, VIEWER),
    ("PUT", "/api/v1/alerts/rules", rules.change, ADMIN),
    ("DELETE", "/api/v1/alerts/rules/{name}", rules.remove, ADMIN),
    ("GET", "/api/v1/alerts/windows", windows.listing, VIEWER),
    ("POST", "/api/v1/alerts/windows", windows.add, OPERATOR),
    ("DELETE", "/api/v1/alerts/windows/{id}", windows.remove, OPERATOR),
    ("GET", "/api/v1/alerts/{id}", alerts.one, VIEWER),
    ("POST", "/api/v1/alerts/{id}/acknowledge", alerts.acknowledge, OPERATOR),
    ("POST", "/api/v1/alerts/{id}/snooze", alerts.snooze, OPERATOR),
    ("GET", "/api/v1/channels", channels.listing, ADMIN),
    ("POST", "/api/v1/channels", channels.add, ADMIN),
    ("PATCH", "/api/v1/channels/{name}", channels.change, ADMIN),
    ("DELETE", "/api/v1/channels/{name}", channels.remove, ADMIN),
    ("POST", "/api/v1/channels/{name}/test", channels.test, ADMIN),
    ("GET", "/api/v1/webhooks", webhooks.listing, ADMIN),
    ("POST", "/api/v1/webhooks", webhooks.add, ADMIN),
    ("PATCH", "/api/v1/webhooks/{name}", webhooks.change, ADMIN),
    ("DELETE", "/api/v1/webhooks/{name}", webhooks.remove, ADMIN),
    ("POST", "/api/v1/webhooks/{name}/test", webhooks.test, ADMIN),
    # Who may do all that.
    ("GET", "/api/v1/hello", hello.hello, PUBLIC),
    ("GET", "/api/v1/session", logins.current, PUBLIC),
    ("POST", "/api/v1/session", logins.log_in, PUBLIC),
    ("DELETE", "/api/v1/session", logins.log_out, PUBLIC),
    ("POST", "/api/v1/session/link", logins.log_in_by_link, PUBLIC),
    ("POST", "/api/v1/session/password", logins.own_password, VIEWER),
    ("POST", "/api/v1/setup", logins.set_up, PUBLIC),
    ("GET", "/api/v1/users", users.listing, ADMIN),
    ("POST", "/api/v1/users", users.add, ADMIN),
    ("PATCH", "/api/v1/users/{name}", users.change, ADMIN),
    ("DELETE", "/api/v1/users/{name}", users.remove, ADMIN),
    ("GET", "/api/v1/tokens", tokens.listing, ADMIN),
    ("POST", "/api/v1/tokens", tokens.add, ADMIN),
    ("DELETE", "/api/v1/tokens/{id}", tokens.revoke, ADMIN),
    ("GET", "/api/v1/audit", tokens.changes, ADMIN),
    # Nodes and their master.
    ("GET", "/api/v1/limits", ingest.limits, PUBLIC),
    ("POST", "/api/v1/join", join.join, PUBLIC),
    ("GET", "/api/v1/nodes", nodes.listing, VIEWER),
    ("POST", "/api/v1/nodes", nodes.add, ADMIN),
    ("POST", "/api/v1/nodes/{id}/approve", nodes.approve, ADMIN),
    ("POST", "/api/v1/nodes/{id}/revoke", nodes.revoke, ADMIN),
    ("DELETE", "/api/v1/nodes/{id}", nodes.remove, ADMIN),
    ("POST", "/api/v1/nodes/refuse", nodes.refuse_all, ADMIN),
    ("POST", "/api/v1/enroll-codes", nodes.new_code, ADMIN),
    ("POST", "/api/v1/nodes/me/contact", join.contact, NODE),
    ("POST", "/api/v1/nodes/me/keys", join.add_key, NODE),
    ("POST", "/api/v1/nodes/me/lent", lending.lend, NODE),
    ("POST", "/api/v1/ingest", ingest.batch, INGEST),
    ("POST", "/master/ingest", ingest.legacy, INGEST),
    # The predecessor's calls for the auto-miner.
    ("GET", "/status", collecting.status, VIEWER),
    ("POST", "/scrape/start", collecting.start, OPERATOR),
    ("POST", "/scrape/stop", collecting.stop, OPERATOR),
    ("GET", "/artifacts", artifacts.listing, VIEWER),
    ("GET", "/artifacts/{id}", artifacts.one, VIEWER),
    ("GET", "/stats", collecting.stats, VIEWER),
    ("GET", "/sources", sources.listing, VIEWER),
    ("POST", "/sources", sources.add, OPERATOR),
    ("DELETE", "/sources/{id}", sources.remove, OPERATOR),
    ("GET", "/static/{name:.+}", static.static, PUBLIC),
    # The page of the dashboard that has a policy of its own; `pages` has the others.
    ("GET", "/collecting", collecting.page, PUBLIC),
)

_AREAS: dict[str, tuple[str, ...]] = {
    "miners": ("/api/miners", "/api/models", "/api/v1/miners", "/api/v1/pools", "/api/v1/fleet", "/api/v1/rows",
        "/api/v1/stream", "/api/v1/legend", "/api/v1/history"),
    "nodes": ("/api/v1/nodes", "/api/v1/peers", "/api/v1/enroll-codes", "/api/v1/join", "/api/v1/ingest", "/master"),
    "collecting": ("/api/v1/collections", *(f"/{name}" for name in INHERITED)),  # but for /master
    "site": (
        "/api/v1/events", "/api/v1/strangers", "/api/v1/sweeps", "/api/v1/daemons", "/api/v1/scan", "/api/v1/commands",
        "/api/v1/health",
    ),
    STEER: ("/api/v1/orders", "/api/v1/plans"),
    "access": ("/api/v1/users", "/api/v1/tokens", "/api/v1/audit", "/api/v1/session"),
    "metrics": ("/metrics",),
    "alerts": ("/api/v1/alerts", "/api/v1/channels", "/api/v1/webhooks"),
}  # fmt: skip
"""What a token's scopes mean: the first parts of paths. A path that is in none is closed to tokens with scopes.

What tokens without scopes and others may do with orders: `access.why_not`.
"""


def area(path: str) -> str | None:
    """Return the area that a path of the table belongs to."""
    for name, starts in _AREAS.items():
        if any(path == start or path.startswith(f"{start}/") for start in starts):
            return name
    return None


def speaks_detail(path: str) -> bool:
    """Tell whether errors of a path carry their text under `detail` too."""
    return path.lstrip("/").partition("/")[0] in INHERITED


def pages(files: dict[str, Page]) -> list[Row]:
    """Return a row for each other page that the dashboard knows: a reload or a link from elsewhere must find it."""
    known = {path for _, path, _, _ in TABLE}
    return [("GET", path, static.index, PUBLIC) for path in static.pages(files) if path not in known]


def add(
    app: web.Application,
    table: Sequence[Row],
    *,
    plain_ingest: bool = True,
    metrics_from: Sequence[IPv4Network | IPv6Network] = (),
) -> None:
    """Give an application its paths; HEAD is answered wherever GET is. ValueError for a row that lets nobody in.

    `plain_ingest` and `metrics_from`: see `access.Rules`.
    """
    who: dict[tuple[str, str], Who] = {}
    for row in table:
        if len(row) != 4 or not isinstance(row[3], Who):
            raise ValueError(f"{row[0]} {row[1]}: the table has to say who may call it")
        for method in ("GET", "HEAD") if row[0] == "GET" else (row[0],):
            route = app.router.add_route(method, row[1], row[2])
            assert route.resource is not None
            who[method, route.resource.canonical] = row[3]
    areas = {path: found for _, path in who if (found := area(path)) is not None}
    app[RULES] = Rules(who, areas, plain_ingest, tuple(metrics_from))
