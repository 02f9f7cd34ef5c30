"""What the control APIs of the stand-ins have in common. They listen on loopback only."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from hived.records.net import is_loopback

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NUMBER: tuple[type, ...] = (int, float)


def application(routes: Iterable[web.RouteDef], missing: str = "no such thing:") -> web.Application:
    """Build a control application. `missing` begins the answer for a KeyError."""

    @web.middleware
    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn what a caller did wrong into {"error": text}; refuse what a web page in a browser may send here."""
        if not is_local(request):
            return _error(403, "the control API answers to local names only")
        try:
            return await handler(request)
        except KeyError as err:
            return _error(404, f"{missing} {err.args[0]}")
        except (ValueError, TypeError, RecursionError) as err:
            return _error(400, str(err))
        except OSError as err:
            return _error(409, f"cannot listen there: {err.strerror}")

    app = web.Application(middlewares=[errors])
    app.add_routes(routes)
    return app


async def serve(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Start a control API and return its runner, to be cleaned up by the caller. Raises OSError."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def is_local(request: web.Request) -> bool:
    """Refuse what a web page in the user's browser may send here: a foreign Host or any Origin."""
    return is_loopback(request.host) and "Origin" not in request.headers


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


async def body(request: web.Request) -> Json:
    """Return the body's object. Raises ValueError."""
    document = await request.json()
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    return document


async def texts(request: web.Request, *names: str) -> list[str]:
    """Return the named text fields of the body. Raises ValueError."""
    document = await body(request)
    found = [document.get(name) for name in names]
    for name, value in zip(names, found, strict=True):
        if not isinstance(value, str) or not value:
            raise ValueError(f"expected text under {name!r}")
    return [str(value) for value in found]


def options(document: Json, types: Mapping[str, tuple[type, ...]], most: float = math.inf) -> Json:
    """Check a fault's options: `paths`, and those that `types` has. Raises ValueError."""
    for name, value in document.items():
        if name == "paths":
            if not isinstance(value, list) or not value or not all(isinstance(path, str) for path in value):
                raise ValueError("expected a list of texts under 'paths'")
        elif name not in types:
            raise ValueError(f"unknown option {name!r}, expected one of paths, {', '.join(types)}")
        elif type(value) not in types[name]:
            raise ValueError(f"{name}: {value!r} has the wrong type")
        elif isinstance(value, int | float) and not 0 <= value <= most:
            raise ValueError(f"{name}: must not be negative")
    return document
