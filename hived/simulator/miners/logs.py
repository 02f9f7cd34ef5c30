"""The text logs of a miner: its own state changes and requests, and captured boot messages."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from hived.simulator.miners import captures
from hived.simulator.miners.miner import SimulatedMiner

TYPES = ("status", "miner", "autotune", "system", "messages", "api")
_ONLY_1_3 = ("pool", "hwscan")

_SENTENCES = {
    "starting": "Cooling down the miner",
    "initializing": "Initializing",
    "mining": "Mining started",
    "auto-tuning": "Auto-tuning started",
    "restarting": "Restarting",
    "shutting-down": "Stopping",
    "stopped": "Mining stopped",
    "failure": "Restarting (3 of 3) - Miner initialization failed",
}


def text(miner: SimulatedMiner, kind: str) -> str | None:
    """Return a log, empty after it was cleared; None when this firmware has none of that name."""
    if kind in _ONLY_1_3 and miner.spec.boards_api:
        return ""
    if kind not in TYPES:
        return None
    if kind in miner.unit.cleared_logs:
        return ""
    if kind == "status":
        return "".join(f"{line}\n" for line in _status_lines(miner))
    if kind == "api":
        return "".join(f"{line}\n" for line in miner.recent)
    return captures.LOGS.get(kind, "")


def _status_lines(miner: SimulatedMiner) -> list[str]:
    lines = []
    for phase in miner.life.history(miner.now()):
        sentence = _SENTENCES[phase.state]
        if phase.state == "initializing":
            sentence += f" [{miner.spec.full_name} ({miner.spec.fw_version})]"
        stamp = datetime.fromtimestamp(phase.since, UTC)
        lines.append(f"[{stamp:%Y/%m/%d %H:%M:%S}] INFO: {sentence}")
    return lines


def api_line(now: float, request: web.BaseRequest, status: int) -> str:
    """Return one line of the api log."""
    stamp = datetime.fromtimestamp(now, UTC)
    peer = request.transport.get_extra_info("peername") if request.transport else None
    address = f"{peer[0]}:{peer[1]}" if peer else "-"
    return f'[{stamp:%d %b %H:%M:%S}] {address} "{request.method} {request.path}" {status} "-" 0.5ms'
