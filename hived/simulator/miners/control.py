"""The control API of a running fleet, for people and scripts that switch faults on. It listens on loopback only."""

from __future__ import annotations

from aiohttp import web

from hived.simulator import control
from hived.simulator.control import Json
from hived.simulator.faults import named
from hived.simulator.miners.faults import Fault
from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.miner import SimulatedMiner

_FLEET = web.AppKey("fleet", Fleet)
_TYPES = {
    **dict.fromkeys(("delay", "interval"), control.NUMBER),
    **dict.fromkeys(("times", "every", "size", "status"), (int,)),
    **dict.fromkeys(("kind", "text"), (str,)),
    "drop": (bool,),
    "put": (dict,),
}


async def serve_control(fleet: Fleet, host: str, port: int) -> web.AppRunner:
    """Start the control API of one fleet and return its runner, to be cleaned up by the caller. Raises OSError."""
    app = control.application([
        web.get("/miners", list_miners), web.post("/miners/{ip}/fault", set_fault), web.post("/move", move),
        web.post("/swap", swap), web.post("/vanish", vanish), web.post("/return", bring_back),
        web.post("/password", set_password), web.post("/state", set_state),
        web.post("/replace-board", replace_board),
    ], missing="no miner at")  # fmt: skip
    app[_FLEET] = fleet
    return await control.serve(app, host, port)


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
        "unlocks": miner.requests["POST /api/v1/unlock"],
        "connections": miner.connections,
        "requests": sum(miner.requests.values()),
    }


async def list_miners(request: web.Request) -> web.Response:
    return web.json_response([describe(miner) for miner in request.app[_FLEET].miners])


async def _named(request: web.Request, *more: str) -> tuple[Fleet, SimulatedMiner, list[str]]:
    """Return the fleet, the miner under "ip" of the body, and further texts of it."""
    ip, *found = await control.texts(request, "ip", *more)
    fleet = request.app[_FLEET]
    return fleet, fleet.by_ip(ip), found


def _shown(miner: SimulatedMiner) -> web.Response:
    return web.json_response(describe(miner))


async def set_fault(request: web.Request) -> web.Response:
    fleet = request.app[_FLEET]
    miner = fleet.by_ip(request.match_info["ip"])
    document = await control.body(request)
    name = document.pop("fault", None)
    nested = document.pop("options", {})
    if not isinstance(nested, dict):
        raise ValueError("expected an object under 'options'")
    if name is None:
        fleet.clear_fault(miner)
    else:
        fleet.set_fault(miner, named(Fault, name), **control.options({**nested, **document}, _TYPES))
    return _shown(miner)


async def move(request: web.Request) -> web.Response:
    fleet, miner, (to,) = await _named(request, "to")
    await fleet.move(miner, to)
    return _shown(miner)


async def swap(request: web.Request) -> web.Response:
    fleet, first, (other,) = await _named(request, "with")
    second = fleet.by_ip(other)
    await fleet.swap(first, second)
    return web.json_response([describe(first), describe(second)])


async def vanish(request: web.Request) -> web.Response:
    fleet, miner, _ = await _named(request)
    await fleet.vanish(miner)
    return _shown(miner)


async def bring_back(request: web.Request) -> web.Response:
    fleet, miner, _ = await _named(request)
    await fleet.bring_back(miner)
    return _shown(miner)


async def set_password(request: web.Request) -> web.Response:
    fleet, miner, (password,) = await _named(request, "password")
    fleet.change_password(miner, password)
    return _shown(miner)


async def set_state(request: web.Request) -> web.Response:
    _, miner, (state,) = await _named(request, "state")
    miner.be(state)
    return _shown(miner)


async def replace_board(request: web.Request) -> web.Response:
    fleet, miner, _ = await _named(request)
    fleet.replace_board(miner)
    return _shown(miner)
