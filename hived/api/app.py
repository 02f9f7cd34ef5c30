"""The application of hive-apid: store and fleet in, HTTP out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from hived import __version__
from hived.api import routes
from hived.api.collecting import collecting
from hived.api.context import CONTEXT, Context
from hived.api.http import access, body, origin_guard, params, responses, static
from hived.api.miners.live_miners import LiveMiners
from hived.api.nodes import hello, ingest
from hived.api.stream import STREAM, Pace, Stream
from hived.errors import BadRequest, Conflict, Forbidden, NotFound, Throttled, Transient
from hived.records.joining import Certificate
from hived.services.access.passwords import Passwords
from hived.store import Store

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
    loopback_login: bool = False,
    certificate: Callable[[], Certificate] | None = None,
) -> web.Application:
    """Return the application. Call `fleet.beat()` once before serving, then about once a second.

    `loopback_login`: browsers on this machine need no password. `certificate`: what it is served with now, over TLS.
    """
    app = web.Application(
        middlewares=[_errors, origin_guard.guard(origin_guard.own_names(node_name)), access.admit],
        client_max_size=params.MAX_BODY_BYTES,  # nothing reads a body by aiohttp's own means; if anything did
    )
    app[CONTEXT] = Context(store, fleet, node_name, __version__, clock, node_id, passwords or Passwords())
    app[STREAM] = Stream(pace or Pace())
    app[collecting.VIEW] = collecting.CollectingView(store, clock)
    app[static.FILES] = static.load(dashboard)
    responses.prepare(app)
    table = (*routes.TABLE, *routes.pages(app[static.FILES]))
    routes.add(app, table, loopback_login=loopback_login, secure=certificate is not None)
    app[hello.CERTIFICATE] = certificate
    app[ingest.NOTED] = set()
    app.on_response_prepare.append(origin_guard.add_headers)
    app.on_shutdown.append(_close_stream)
    return app


async def _close_stream(app: web.Application) -> None:
    app[STREAM].close()


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what was raised on purpose into a reply; a bug goes on to the listener, which logs it and answers 500."""
    reply = await _answered(request, handler)
    if routes.speaks_detail(request.path):
        responses.say_detail(reply)
    return reply


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except body.TooLarge as err:
        return _closing(413, str(err))
    except body.UnknownPacking as err:
        return _closing(415, str(err))
    except BadRequest as err:
        return responses.error(400, str(err))
    except NotFound as err:
        return responses.error(404, str(err))
    except Conflict as err:
        return responses.error(409, str(err))
    except Throttled as err:
        wait = str(max(1, math.ceil(err.retry_after_s or 1)))
        return responses.error(429, str(err), {"Retry-After": wait})
    except Forbidden as err:
        return responses.error(403, str(err))
    except Transient as err:
        return responses.error(503, f"the database is busy: {err}", {"Retry-After": "1"})
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
        return responses.error(err.status, _WORDS.get(err.status, err.reason))


def _closing(status: int, message: str) -> web.Response:
    """Return an error after which the connection ends: a part of the body is still on its way."""
    reply = responses.error(status, message)
    reply.force_close()
    return reply
