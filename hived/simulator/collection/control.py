"""The control API of a running museum, for people and scripts. It listens on loopback only."""

from __future__ import annotations

from typing import cast, get_args

from aiohttp import web

from hived.simulator import control
from hived.simulator.collection.museum import Collection
from hived.simulator.collection.objects import Rights
from hived.simulator.control import Json

DEFAULT_CONTROL = "127.0.0.1:8191"
MAX_TOUCHED = 10_000

_COLLECTION = web.AppKey("collection", Collection)
_TYPES = {
    **dict.fromkeys(("after_s", "for_s", "delay_s", "window_s", "block_s"), control.NUMBER),
    **dict.fromkeys(("times", "retry_after_s", "burst", "page"), (int,)),
    "as_date": (bool,),
}
LONGEST_S = 1e9


async def serve_control(collection: Collection, host: str, port: int) -> web.AppRunner:
    """Start the control API of one museum and return its runner, to be cleaned up by the caller. Raises OSError."""
    app = control.application([
        web.get("/collection", show), web.get("/requests", show_requests), web.post("/requests/reset", reset_requests),
        web.post("/fault", set_fault), web.post("/touch", touch), web.post("/withdraw", withdraw),
        web.post("/add", add),
    ], missing="no object")  # fmt: skip
    app[_COLLECTION] = collection
    return await control.serve(app, host, port)


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
                "fault": active.trouble.value,
                "paths": list(active.paths),
                "hits": active.hits,
                "over": active.over(collection.clock()),
            }
            for active in collection.troubles
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
    document = await control.body(request)
    collection, name = request.app[_COLLECTION], document.pop("fault", None)
    if name is None:
        collection.clear_fault()
    else:
        collection.set_fault(str(name), **control.options(document, _TYPES, LONGEST_S))
    return await show(request)


async def touch(request: web.Request) -> web.Response:
    """Change one object ({"id": 1002, "rights": "copyright"}) or the first so many ({"count": 10})."""
    document, collection = await control.body(request), request.app[_COLLECTION]
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
    request.app[_COLLECTION].withdraw(_whole(await control.body(request), "id"))
    return await show(request)


async def add(request: web.Request) -> web.Response:
    request.app[_COLLECTION].add(_whole(await control.body(request), "count", 1))
    return await show(request)
