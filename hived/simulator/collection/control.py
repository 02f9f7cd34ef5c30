"""The control API of a running museum, for people and scripts. It listens on loopback only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Any, cast, get_args

from aiohttp import web

from hived.simulator.collection.answers import Json
from hived.simulator.collection.faults import ActiveTrouble
from hived.simulator.collection.museum import Collection
from hived.simulator.collection.objects import Rights
from hived.simulator.miners.control import is_local

DEFAULT_CONTROL = "127.0.0.1:8191"
MAX_TOUCHED = 10_000

_COLLECTION = web.AppKey("collection", Collection)
_OURS = {"trouble", "set_at", "hits", "blocked_until", "_lately"}
TROUBLE_OPTIONS = tuple(field.name for field in fields(ActiveTrouble) if field.name not in _OURS)
_TYPES: dict[str, tuple[type, ...]] = {"times": (int,), "retry_after_s": (int,), "burst": (int,), "as_date": (bool,)}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(collection: Collection) -> web.Application:
    """Build the control application of one museum."""
    app = web.Application(middlewares=[_errors])
    app[_COLLECTION] = collection
    app.add_routes(
        [
            web.get("/collection", show),
            web.get("/requests", show_requests),
            web.post("/requests/reset", reset_requests),
            web.post("/fault", set_fault),
            web.post("/touch", touch),
            web.post("/withdraw", withdraw),
            web.post("/add", add),
        ]
    )
    return app


async def serve_control(collection: Collection, host: str, port: int) -> web.AppRunner:
    """Start the control API and return its runner, to be cleaned up by the caller. Raises OSError."""
    runner = web.AppRunner(make_app(collection), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a caller did wrong into {"error": text}; refuse what a web page in a browser may send here."""
    if not is_local(request):
        return _error(403, "the control API answers to local names only")
    try:
        return await handler(request)
    except KeyError as err:
        return _error(404, f"no object {err.args[0]}")
    except (ValueError, TypeError, RecursionError) as err:
        return _error(400, str(err))


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


async def _body(request: web.Request) -> Json:
    """Return the body's object. Raises ValueError."""
    document = await request.json()
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    return document


def _whole(document: Json, name: str, default: int | None = None) -> int:
    value = document.get(name, default)
    if type(value) is not int:
        raise ValueError(f"expected a whole number under {name!r}")
    return value


def describe(collection: Collection) -> Json:
    """Return what the museum is and what is wrong with it."""
    return {
        "url": collection.url,
        "objects": collection.catalogue.count,
        "changed": len(collection.catalogue.changes),
        "requests": collection.requests.total,
        "faults": [
            {
                "fault": one.trouble.value,
                "paths": list(one.paths),
                "hits": one.hits,
                "over": one.over(collection.clock()),
            }
            for one in collection.troubles
        ],
    }


async def show(request: web.Request) -> web.Response:
    return web.json_response(describe(request.app[_COLLECTION]))


async def show_requests(request: web.Request) -> web.Response:
    return web.json_response(request.app[_COLLECTION].requests.summary())


async def reset_requests(request: web.Request) -> web.Response:
    request.app[_COLLECTION].requests.reset()
    return await show(request)


async def set_fault(request: web.Request) -> web.Response:
    """Switch a fault on ({"fault": "throttle", "burst": 30}), or all off ({"fault": null})."""
    document = await _body(request)
    collection, name = request.app[_COLLECTION], document.pop("fault", None)
    if name is None:
        collection.clear_fault()
    else:
        collection.set_fault(str(name), **_options(document))
    return await show(request)


def _options(document: Json) -> dict[str, Any]:
    """Check a fault's options. Raises ValueError."""
    for name, value in document.items():
        if name not in TROUBLE_OPTIONS:
            raise ValueError(f"unknown option {name!r}, expected one of {', '.join(TROUBLE_OPTIONS)}")
        if name == "paths":
            if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
                raise ValueError("expected a list of texts under 'paths'")
        elif type(value) not in _TYPES.get(name, (int, float)):
            raise ValueError(f"{name}: {value!r} has the wrong type")
        elif not 0 <= value <= 1e9:
            raise ValueError(f"{name}: must not be negative")
    return document


async def touch(request: web.Request) -> web.Response:
    """Change one object ({"id": 1002, "rights": "copyright"}) or the first so many ({"count": 10})."""
    document, collection = await _body(request), request.app[_COLLECTION]
    rights, title = document.get("rights"), document.get("title")
    if rights is not None and rights not in get_args(Rights):
        raise ValueError(f"unknown rights {rights!r}, expected one of {', '.join(get_args(Rights))}")
    if title is not None and not isinstance(title, str):
        raise ValueError("expected text under 'title'")
    if "id" in document:
        ids = [_whole(document, "id")]
    else:
        ids = collection.ids[: min(max(_whole(document, "count", 1), 0), MAX_TOUCHED)]
    for object_id in ids:
        collection.touch(object_id, rights=cast("Rights | None", rights), title=title)
    return await show(request)


async def withdraw(request: web.Request) -> web.Response:
    request.app[_COLLECTION].withdraw(_whole(await _body(request), "id"))
    return await show(request)


async def add(request: web.Request) -> web.Response:
    request.app[_COLLECTION].add(_whole(await _body(request), "count", 1))
    return await show(request)
