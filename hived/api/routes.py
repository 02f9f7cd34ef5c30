"""Every path in one table."""

from __future__ import annotations

from aiohttp import web

from hived.api import artifacts, collecting, events, health, history, miners, models, pages, site, sources, stream

TABLE = (
    ("GET", "/api/miners", miners.listing),
    ("GET", "/api/miners/{mac}", miners.one),
    ("PATCH", "/api/miners/{mac}", miners.change),
    ("GET", "/api/miners/{mac}/settings", miners.own_settings),
    ("GET", "/api/miners/{mac}/statuses", miners.statuses),
    ("GET", "/api/miners/{mac}/telemetry", miners.chips),
    ("GET", "/api/models", models.listing),
    ("GET", "/api/models/{alias}", models.one),
    ("PATCH", "/api/models/{alias}", models.change),
    ("GET", "/api/v1/fleet", site.totals),
    ("GET", "/api/v1/rows", site.rows),
    ("GET", "/api/v1/stream", stream.listen),
    ("GET", "/api/v1/events", events.listing),
    ("GET", "/api/v1/strangers", site.strangers),
    ("GET", "/api/v1/sweeps", site.sweeps),
    ("GET", "/api/v1/daemons", site.daemons),
    ("POST", "/api/v1/scan", site.scan),
    ("GET", "/api/v1/commands/{id}", site.command),
    ("GET", "/api/v1/miners/{mac}/settings/versions", miners.settings_versions),
    ("GET", "/api/v1/miners/{mac}/history", history.columns),
    ("GET", "/api/v1/collections", sources.known),
    ("GET", "/api/v1/health", health.whole),
    ("GET", "/healthz", health.short),
    # The predecessor's calls for the auto-miner.
    ("GET", "/status", collecting.status),
    ("POST", "/scrape/start", collecting.start),
    ("POST", "/scrape/stop", collecting.stop),
    ("GET", "/artifacts", artifacts.listing),
    ("GET", "/artifacts/{id}", artifacts.one),
    ("GET", "/stats", collecting.stats),
    ("GET", "/sources", sources.listing),
    ("POST", "/sources", sources.add),
    ("DELETE", "/sources/{id}", sources.remove),
    ("GET", "/static/{name:.+}", pages.static),
    # The dashboard's own routes: a reload or a link from elsewhere must find it.
    ("GET", "/", pages.index),
    ("GET", "/miners/{mac}", pages.index),
    ("GET", "/models", pages.index),
    ("GET", "/events", pages.index),
    ("GET", "/site", pages.index),
    ("GET", "/collecting", collecting.page),
)

_INHERITED = frozenset(("status", "scrape", "artifacts", "stats", "sources", "master"))
"""First parts of the paths whose callers look for an error's text under `detail`."""


def speaks_detail(path: str) -> bool:
    """Tell whether errors of a path carry their text under `detail` too."""
    return path.lstrip("/").partition("/")[0] in _INHERITED


def add(app: web.Application) -> None:
    """Give an application its paths; HEAD is answered wherever GET is."""
    for method, path, handler in TABLE:
        app.router.add_route(method, path, handler)
        if method == "GET":
            app.router.add_route("HEAD", path, handler)
