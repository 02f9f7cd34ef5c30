"""What a miner may do when it is told something, and what it says of it: the lies that real ones were caught at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from hived.simulator.faults import for_ever, spent
from hived.simulator.miners.faults import ActiveFault, Fault

if TYPE_CHECKING:
    from hived.simulator.miners.miner import SimulatedMiner

API = "/api/v1"
COMMANDS = tuple(
    f"{API}/{path}" for path in ("mining/", "settings", "system/reboot", "find-miner", "locate-miner", "autotune/reset")
)
FOREIGN = {"url": "pool.of-somebody-else.example.org:3333", "user": "nobody", "pass": "x"}

Respond = Callable[[str, bytes], web.Response]
"""Does what a path and a body ask for, and returns the honest answer."""


class Later:
    """What a miner has put off: done with the first request that comes after its time, for no timer runs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._acts: list[tuple[float, Callable[[], object]]] = []

    def add(self, seconds: float, act: Callable[[], object]) -> None:
        """Put something off."""
        self._acts.append((self._clock() + seconds, act))

    def catch_up(self) -> None:
        """Do what is due."""
        due = [act for at, act in self._acts if at <= self._clock()]
        self._acts = [one for one in self._acts if one[1] not in due]
        for act in due:
            act()


def tells_a_lie(active: ActiveFault, method: str, path: str) -> bool:
    """Tell whether the miner lies about this request: about what it is told, not about what it is asked."""
    return active.fault is Fault.LIE and method == "POST" and path.startswith(COMMANDS) and not spent(active)


async def lie(
    active: ActiveFault, miner: SimulatedMiner, request: web.BaseRequest, respond: Respond
) -> web.StreamResponse:
    """Answer a command whose sender may give it."""
    path, body = request.path, await request.read()
    kind = active.kind
    if kind == "refuse":
        words = active.text or "CGMiner err: Cgminer error failed"
        return _json({"err": words}, status=500)
    if kind == "revoke":
        miner.keys.clear()
        return web.Response(status=401)
    if kind == "gone":
        miner.leave_asked()
        return await _hang_up(request)
    if kind == "ignore" or (kind == "untuned" and _preset(body) not in (None, *miner.tuned)):
        return _yes(path, body)
    if kind == "late":
        miner.later.add(active.delay, lambda: respond(path, body))
        return _yes(path, body)
    if kind == "needs_restart":
        miner.preset_needs_restart = True
    if kind == "power":
        miner.stuck_power_w = miner.snapshot().power_w
    told = respond(*_twisted(kind, miner, path, body))
    if kind == "restart":
        miner.restart()
    if kind == "silent":
        return await _hang_up(request)
    if kind == "empty":
        return web.Response()
    return _yes(path, body) if kind in ("other", "half") else told


def _twisted(kind: str, miner: SimulatedMiner, path: str, body: bytes) -> tuple[str, bytes]:
    """Return what is done instead of what was asked for: another preset, other pools, or else a restart of mining."""
    document = _document(body)
    part: Any = document.get("miner")
    part = part if isinstance(part, dict) else {}
    if kind == "half" and "pools" in part:
        part["pools"] = _half(miner.settings["miner"]["pools"], part["pools"])
    elif kind == "other" and (name := _preset(body)) is not None:
        others = [preset.name for preset in miner.spec.ladder if preset.name not in (name, miner.preset.name)]
        part["overclock"]["preset"] = next(other for other in others if other in miner.tuned)
    elif kind == "other" and "pools" in part:
        part["pools"] = [FOREIGN, *part["pools"][1:]]
    elif kind == "other":
        return f"{API}/mining/restart", b""
    else:
        return path, body
    return path, json.dumps(document).encode()


def _half(own: list[Any], wanted: list[Any]) -> list[Any]:
    """Return the pools with the first half of what changes."""
    changed = [slot for slot, pool in enumerate(wanted) if slot >= len(own) or pool != own[slot]]
    taken = changed[: max(len(changed) // 2, 1)] if len(changed) > 1 else []
    return [pool if slot not in changed or slot in taken else own[slot] for slot, pool in enumerate(wanted)]


def _yes(path: str, body: bytes) -> web.Response:
    """Return what the firmware answers when it does as it is told."""
    document = _document(body)
    if path.startswith((f"{API}/settings", f"{API}/mining/throttle")):
        return _json({"restart_required": False, "reboot_required": False})
    if path.endswith("-miner"):
        return _json(document)
    return _json({"after": 3}) if path.endswith("/reboot") else web.Response()


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _preset(body: bytes) -> str | None:
    """Return the preset that is asked for, if one is."""
    part: Any = _document(body)
    for name in ("miner", "overclock", "preset"):
        part = part.get(name) if isinstance(part, dict) else None
    return part if isinstance(part, str) else None


def _json(document: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(document).encode(), status=status, content_type="application/json")


async def _hang_up(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return await for_ever()
