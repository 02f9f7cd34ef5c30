"""The application of hive-apid: store and fleet in, HTTP out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from hived import __version__
from hived.api import context, routes
from hived.api.alerts import alerts, channels
from hived.api.collecting import collecting
from hived.api.context import CONTEXT, Context
from hived.api.http import access, body, openapi, origin_guard, params, responses, static, turns
from hived.api.http.latest import Latest
from hived.api.http.shares import Known
from hived.api.http.turns import Turns
from hived.api.integrations import metrics
from hived.api.miners.live_miners import LiveMiners
from hived.api.nodes import hello, ingest
from hived.api.nodes.intake import INTAKE, Intake
from hived.api.stream import STREAM, Pace, Stream
from hived.errors import BadRequest, Conflict, Forbidden, HivedError, NotFound, Throttled, Transient
from hived.records.joining import Certificate
from hived.records.untrusted import BadValue
from hived.runtime.tally import Tally
from hived.services.access.passwords import Passwords
from hived.services.alerts.outgoing import Outgoing
from hived.services.miners.orders import Rules
from hived.store import Store
from hived.store.alerts import alerts as alert_rows

_STATUSES: dict[type[HivedError], int] = {BadRequest: 400, NotFound: 404, Conflict: 409, Forbidden: 403}
_WORDS = {
    404: "there is no such path",
    408: "the request took too long",
}


def make_app(
    store: Store,
    *,
    fleet: LiveMiners,
    node_name: str,
    node_id: str = "",
    clock: Callable[[], float] = time.time,
    pace: Pace | None = None,
    dashboard: Path = static.DASHBOARD,
    passwords: Passwords | None = None,
    names: Collection[str] = (),
    plain_ingest: bool = True,
    metrics_from: Sequence[IPv4Network | IPv6Network] = (),
    certificate: Callable[[], Certificate] | None = None,
    steering: Rules | None = None,
    outgoing: Outgoing | None = None,
) -> web.Application:
    """Return the application. Call `fleet.beat()` once before serving, then about once a second.

    `names`: DNS names that it may be asked by, beside its own. `plain_ingest`: collectors that are not ours need no
    TLS. `metrics_from`: from where metrics are read without a token. `certificate`: what it is served with now over
    TLS; None: it is not. `steering`: how orders to miners are carried out. `outgoing`: the way to channels of alerts.
    """
    app = web.Application(
        middlewares=[_errors, origin_guard.guard(node_name, names), access.admit],
        client_max_size=params.MAX_BODY_BYTES,  # nothing reads a body by aiohttp's own means; if anything did
    )
    app[CONTEXT] = Context(
        store, fleet, node_name, __version__, clock, node_id, passwords or Passwords(), steering or Rules()
    )
    app[STREAM] = Stream(pace or Pace())
    app[collecting.VIEW] = collecting.CollectingView(store, clock)
    app[static.FILES] = static.load(dashboard)
    app[access.KNOWN] = Known()
    app[responses.SENDS] = responses.Sends()
    app[context.SEARCHES] = Turns("searches", most=1, waiting=24)
    app[context.TALLY] = Tally()
    app[metrics.SCRAPES] = metrics.Scrapes()
    app[alerts.COUNTS] = Latest(store, alert_rows.counts)
    app[channels.OUTGOING] = outgoing or Outgoing()
    table = (*routes.TABLE, *routes.pages(app[static.FILES]))
    routes.add(app, table, plain_ingest=plain_ingest, metrics_from=metrics_from)
    openapi.prepare(app, routes.TABLE, routes.area)
    app[hello.CERTIFICATE] = certificate
    app[ingest.NOTED] = set()
    app[INTAKE] = Intake()
    app.on_response_prepare.append(origin_guard.add_headers)
    app.on_response_prepare.append(openapi.add_headers)
    app.on_shutdown.append(_close_stream)
    return app


async def _close_stream(app: web.Application) -> None:
    app[STREAM].close()


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what was raised on purpose into a reply; a bug goes on to the listener, which logs it and answers 500."""
    began = time.monotonic()
    reply = await _answered(request, handler)
    request.app[context.TALLY].count("http_requests_total", str(reply.status))
    if request.path != "/api/v1/stream":  # which lasts as long as somebody looks
        request.app[context.TALLY].took("http_request_duration_seconds", time.monotonic() - began)
    if routes.speaks_detail(request.path):
        responses.say_detail(reply)
    return reply


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except body.TooLarge as err:
        return _closing(413, str(err), **{"limits": err.limits} if err.limits else {})
    except body.UnknownPacking as err:
        return _closing(415, str(err))
    except turns.Full as err:
        return responses.error(503, str(err), {"Retry-After": str(err.retry_after_s)})
    except Throttled as err:
        wait = str(max(1, math.ceil(err.retry_after_s or 1)))
        return responses.error(429, str(err), {"Retry-After": wait})
    except Transient as err:
        return responses.error(503, f"the database is busy: {err}", {"Retry-After": "1"})
    except tuple(_STATUSES) as err:
        status = next(status for kind, status in _STATUSES.items() if isinstance(err, kind))
        code: dict[str, Any] = {} if err.code == HivedError.code else {"code": err.code}
        return responses.error(status, str(err), **code)
    except BadValue as err:
        return responses.error(400, f"{err}: not what was expected")
    except TimeoutError:
        return responses.error(503, "this took too long, try again in a moment", {"Retry-After": "5"})
    except web.HTTPMethodNotAllowed as err:
        allowed = {"Allow": ", ".join(sorted({*err.allowed_methods, "OPTIONS"}))}
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=allowed)
        return responses.error(405, f"{request.method} is not possible here, {allowed['Allow']} are", allowed)
    except web.HTTPException as err:
        if err.status < 400:
            raise
        if err.status == 404 and _is_for_a_person(request):
            return await static.index(request, status=404)
        return responses.error(err.status, _WORDS.get(err.status, err.reason))


def _is_for_a_person(request: web.Request) -> bool:
    """Tell whether a browser asks for a page: a path that does not exist is then the dashboard's to say."""
    page = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", "").lower()
    return page and not access.holds_data(request.path) and static.INDEX in request.app[static.FILES]


def _closing(status: int, message: str, **more: Any) -> web.Response:
    """Return an error after which the connection ends: a part of the body is still on its way."""
    reply = responses.error(status, message, **more)
    reply.force_close()
    return reply
