"""The HTTP API of VNish as a miner serves it: the routes and what each of them answers."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from hived.simulator.faults import strikes
from hived.simulator.miners import captures, chips, faults, lies, replies
from hived.simulator.miners.calls import BadRequest, Call, Handler, Route, cached, empty, reply
from hived.simulator.miners.faults import Fault
from hived.simulator.miners.miner import SimulatedMiner
from hived.simulator.miners.settings import BadSettings

API = "/api/v1"

_FREE = (f"{API}/info", f"{API}/unlock")
"""What needs no key, whatever a firmware thinks of the rest."""


async def serve(miner: SimulatedMiner, request: web.BaseRequest) -> web.StreamResponse:
    """Answer one request to a miner, the faulty way while a fault is on."""
    path = request.path
    miner.count_request(f"{request.method} {path}")
    miner.later.catch_up()
    active = miner.fault
    if active is not None and active.fault is Fault.LIE:
        told = lies.tells_a_lie(active, request.method, path) and miner.access.admits(request.headers, miner.now())
        if not told or not (strikes(active, path) and active.hits % active.every == 0):
            return await answer(miner, request)
        return await lies.lie(active, miner, request, lambda way, body: respond(miner, request, way, body))
    if active is not None and strikes(active, path) and active.hits % active.every == 0:
        return await faults.suffer(active, request, lambda: answer(miner, request))
    return await answer(miner, request)


async def answer(miner: SimulatedMiner, request: web.BaseRequest) -> web.Response:
    """Answer one request as the firmware would."""
    body = b""
    if request.body_exists:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return reply({"err": "Payload too large"}, status=413)
    return respond(miner, request, request.path, body)


def respond(miner: SimulatedMiner, request: web.BaseRequest, path: str, body: bytes) -> web.Response:
    """Do what a path and a body ask for, and return what the firmware says."""
    if path == "/" and request.method == "GET":
        return web.Response(body=captures.ROOT_PAGE, content_type="text/html")
    if not path.startswith(API):
        return empty(404)
    known = ROUTES.get(path[len(API) :], {})
    methods = {method: route for method, route in known.items() if route.only in (None, _line(miner))}
    route = methods.get(request.method)
    if route is None:
        return empty(405 if methods else 404)
    call = Call(miner, request.headers, body)
    locked = route.locked or (miner.has_fault(Fault.KEYS_WANTED) and path not in _FREE)
    if locked and not call.authorised:
        return empty(401)
    try:
        return route.handler(call)
    except (BadRequest, BadSettings) as err:
        return reply({"err": str(err)}, status=err.status)


def _line(miner: SimulatedMiner) -> str:
    return "1.3" if miner.spec.boards_api else "1.2"


def unlock(call: Call) -> web.Response:
    access, now = call.miner.access, call.miner.now()
    outcome = access.unlock(call.text("pw"), now)
    if outcome in ("wrong", "locked"):
        status = 403 if outcome == "wrong" else 429
        return reply({"unlock_timeout": access.unlock_timeout(now)}, status=status)
    return reply({"token": outcome})


def lock(call: Call) -> web.Response:
    token = call.miner.access.token_of(call.headers, call.miner.now())
    if token is None:  # a key does not do here
        return empty(401)
    call.miner.access.lock(token)
    return empty()


def auth_check(call: Call) -> web.Response:
    timeout = call.miner.access.unlock_timeout(call.miner.now())
    return reply({"unlock_timeout": timeout}, status=200 if call.authorised else 401)


def list_keys(call: Call) -> web.Response:
    return reply([{"key": key, "description": text} for key, text in call.miner.keys.items()])


def add_key(call: Call) -> web.Response:
    outcome = call.miner.access.add_key(call.text("key"), call.text("description"))
    if outcome is None:
        raise BadRequest(500, "Api key must be 32 characters long")
    return reply({"status": outcome})


def delete_key(call: Call) -> web.Response:
    if call.miner.keys.pop(call.text("key"), None) is None:
        raise BadRequest(500, "Api key not found")
    return empty()


def status(call: Call) -> web.Response:
    return reply(replies.status(call.miner, unlocked=call.authorised))


def get_settings(call: Call) -> web.Response:
    return reply(call.miner.settings)


def post_settings(call: Call) -> web.Response:
    call.miner.write_settings(call.json())
    # The real reply is the same whether or not the change took.
    return reply({"restart_required": call.miner.restart_required, "reboot_required": False})


def mining(act: Callable[[SimulatedMiner], object]) -> Route:
    def handler(call: Call) -> web.Response:
        act(call.miner)
        return empty()

    return Route(handler, locked=True)


def pause(call: Call) -> web.Response:
    if not call.miner.pause():
        raise BadRequest(500, "CGMiner err: Cgminer error failed-to-activate-pause-mode ")
    return empty()


def resume(call: Call) -> web.Response:
    if not call.miner.resume():
        raise BadRequest(500, "CGMiner err: Cgminer error failed-to-deactivate-pause-mode ")
    return empty()


def switch_pool(call: Call) -> web.Response:
    pool_id = call.json_object().get("pool_id")
    if not isinstance(pool_id, int) or isinstance(pool_id, bool) or not call.miner.switch_pool(pool_id):
        raise BadRequest(500, "Could not find pool")
    return empty()


def throttle(call: Call) -> web.Response:
    percent = call.json_object().get("percent")
    if not isinstance(percent, int) or isinstance(percent, bool) or not 20 <= percent <= 100:
        raise BadRequest(500, "percent must be between 20 and 100")
    call.miner.throttle(percent)
    return reply({"restart_required": False, "reboot_required": False})


def find_miner(name: str) -> Handler:
    """Make the handler of the lights: without a body it toggles, with one it sets."""

    def handler(call: Call) -> web.Response:
        wanted = call.json_object().get(name) if call.body else not call.miner.unit.finding
        if not isinstance(wanted, bool):
            raise BadRequest(500, f"Failed to parse body: missing field `{name}`")
        call.miner.unit.finding = wanted
        call.miner.changed()
        return reply({name: wanted})

    return handler


def reboot(call: Call) -> web.Response:
    after = call.miner.timings.reboot_after
    call.miner.reboot_asked(after)
    return reply({"after": int(after)})


_BOARDS = cached("boards", chips.boards)

ROUTES: dict[str, dict[str, Route]] = {
    "/unlock": {"POST": Route(unlock)},
    "/lock": {"POST": Route(lock)},
    "/auth-check": {"GET": Route(auth_check)},
    "/apikeys": {"GET": Route(list_keys, locked=True), "POST": Route(add_key, locked=True)},
    "/apikeys/delete": {"POST": Route(delete_key, locked=True)},
    "/info": {"GET": cached("info", replies.info)},
    "/model": {"GET": cached("model", replies.model)},
    "/status": {"GET": Route(status)},
    "/summary": {"GET": cached("summary", replies.summary)},
    "/perf-summary": {"GET": cached("perf-summary", replies.perf_summary)},
    "/chains": {"GET": Route(_BOARDS.handler, only="1.2")},
    "/boards": {"GET": Route(_BOARDS.handler, only="1.3")},
    "/autotune/presets": {"GET": Route(cached("presets", replies.presets).handler, locked=True)},
    "/settings": {"GET": Route(get_settings, locked=True), "POST": Route(post_settings, locked=True)},
    "/mining/start": {"POST": mining(SimulatedMiner.start)},
    "/mining/stop": {"POST": mining(SimulatedMiner.stop)},
    "/mining/restart": {"POST": mining(SimulatedMiner.restart)},
    "/mining/pause": {"POST": Route(pause, locked=True)},
    "/mining/resume": {"POST": Route(resume, locked=True)},
    "/mining/switch-pool": {"POST": Route(switch_pool, locked=True)},
    "/mining/throttle": {"POST": Route(throttle, locked=True, only="1.3")},
    "/find-miner": {"POST": Route(find_miner("on"))},
    "/locate-miner": {"POST": Route(find_miner("is_enabled"), only="1.3")},
    "/system/reboot": {"POST": Route(reboot, locked=True)},
}
