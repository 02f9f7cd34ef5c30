"""The control API of a running fleet, for people and scripts that switch faults on. It listens on loopback only."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Any

from aiohttp import web

from hived.simulator.miners.captures import Json
from hived.simulator.miners.faults import ActiveFault, Fault
from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.miner import SimulatedMiner

FAULT_OPTIONS = tuple(field.name for field in fields(ActiveFault) if field.name not in ("fault", "hits"))

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_FLEET = web.AppKey("fleet", Fleet)


def make_app(fleet: Fleet) -> web.Application:
    """Build the control application of one fleet."""
    app = web.Application(middlewares=[_errors])
    app[_FLEET] = fleet
    app.add_routes(
        [
            web.get("/miners", list_miners),
            web.post("/miners/{ip}/fault", set_fault),
            web.post("/move", move),
            web.post("/swap", swap),
            web.post("/vanish", vanish),
            web.post("/return", bring_back),
            web.post("/password", set_password),
            web.post("/state", set_state),
            web.post("/replace-board", replace_board),
        ]
    )
    return app


async def serve_control(fleet: Fleet, host: str, port: int) -> web.AppRunner:
    """Start the control API and return its runner, to be cleaned up by the caller. Raises OSError."""
    runner = web.AppRunner(make_app(fleet), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a caller did wrong into {"error": text}."""
    if not is_local(request):
        return _error(403, "the control API answers to local names only")
    try:
        return await handler(request)
    except KeyError as err:
        return _error(404, f"no miner at {err.args[0]}")
    except (ValueError, TypeError) as err:
        return _error(400, str(err))
    except OSError as err:
        return _error(409, f"cannot listen there: {err.strerror}")


def is_local(request: web.Request) -> bool:
    """Refuse what a web page in the user's browser may send here: a foreign Host or any Origin."""
    host = request.host.rsplit(":", 1)[0].strip("[]")
    try:
        known = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        known = False
    return known and "Origin" not in request.headers


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


async def _body(request: web.Request, *names: str) -> list[str]:
    """Return the named text fields of the body. Raises ValueError."""
    document = await request.json()
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    values = [document.get(name) for name in names]
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str) or not value:
            raise ValueError(f"expected text under {name!r}")
    return [str(value) for value in values]


def describe(miner: SimulatedMiner) -> Json:
    """Return one entry of GET /miners."""
    return {
        "ip": miner.ip,
        "mac": miner.mac,
        "model": miner.model,
        "state": miner.state,
        "preset": miner.preset.name,
        "online": miner.online,
        "fault": miner.fault.fault.value if miner.fault else None,
        "keys": len(miner.keys),
        "unlock_tries": miner.unlock_tries,
        "connections": miner.connections,
        "requests": sum(miner.requests.values()),
    }


async def list_miners(request: web.Request) -> web.Response:
    return web.json_response([describe(miner) for miner in request.app[_FLEET].miners])


async def set_fault(request: web.Request) -> web.Response:
    fleet = request.app[_FLEET]
    miner = fleet.by_ip(request.match_info["ip"])
    document = await request.json()
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    name = document.pop("fault", None)
    nested = document.pop("options", {})
    if not isinstance(nested, dict):
        raise ValueError("expected an object under 'options'")
    if name is None:
        fleet.clear_fault(miner)
    else:
        fleet.set_fault(miner, parse_fault(name), **_options({**nested, **document}))
    return web.json_response(describe(miner))


def parse_fault(name: Any) -> Fault:
    """Return the fault of a name, hyphens allowed. Raises ValueError."""
    try:
        return Fault(str(name).replace("-", "_"))
    except ValueError:
        raise ValueError(f"unknown fault {name!r}, expected one of {', '.join(f.value for f in Fault)}") from None


_OPTION_TYPES: dict[str, tuple[type, ...]] = {
    "times": (int,),
    "delay": (int, float),
    "interval": (int, float),
    "size": (int,),
    "kind": (str,),
    "drop": (bool,),
}


def _options(document: Json) -> Json:
    """Check a fault's options. Raises ValueError."""
    for name, value in document.items():
        if name not in FAULT_OPTIONS:
            raise ValueError(f"unknown option {name!r}, expected one of {', '.join(FAULT_OPTIONS)}")
        if name == "paths":
            if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
                raise ValueError("expected a list of texts under 'paths'")
        elif type(value) not in _OPTION_TYPES[name]:
            raise ValueError(f"{name}: {value!r} has the wrong type")
        elif isinstance(value, int | float) and value < 0:
            raise ValueError(f"{name}: must not be negative")
    return document


async def move(request: web.Request) -> web.Response:
    ip, to = await _body(request, "ip", "to")
    fleet = request.app[_FLEET]
    miner = fleet.by_ip(ip)
    await fleet.move(miner, to)
    return web.json_response(describe(miner))


async def swap(request: web.Request) -> web.Response:
    one, other = await _body(request, "ip", "with")
    fleet = request.app[_FLEET]
    first, second = fleet.by_ip(one), fleet.by_ip(other)
    await fleet.swap(first, second)
    return web.json_response([describe(first), describe(second)])


async def vanish(request: web.Request) -> web.Response:
    (ip,) = await _body(request, "ip")
    fleet = request.app[_FLEET]
    miner = fleet.by_ip(ip)
    await fleet.vanish(miner)
    return web.json_response(describe(miner))


async def bring_back(request: web.Request) -> web.Response:
    (ip,) = await _body(request, "ip")
    fleet = request.app[_FLEET]
    miner = fleet.by_ip(ip)
    await fleet.bring_back(miner)
    return web.json_response(describe(miner))


async def set_password(request: web.Request) -> web.Response:
    ip, password = await _body(request, "ip", "password")
    fleet = request.app[_FLEET]
    miner = fleet.by_ip(ip)
    fleet.change_password(miner, password)
    return web.json_response(describe(miner))


async def set_state(request: web.Request) -> web.Response:
    ip, state = await _body(request, "ip", "state")
    miner = request.app[_FLEET].by_ip(ip)
    miner.be(state)
    return web.json_response(describe(miner))


async def replace_board(request: web.Request) -> web.Response:
    (ip,) = await _body(request, "ip")
    fleet = request.app[_FLEET]
    miner = fleet.by_ip(ip)
    fleet.replace_board(miner)
    return web.json_response(describe(miner))
