"""The CGMiner dialect of port 4028: one request per connection, a JSON reply, a NUL, and the end.

The numbers are those that the HTTP API shows at the same moment.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hived.simulator.faults import reset, strikes
from hived.simulator.miners import captures, faults, replies
from hived.simulator.miners.captures import Json
from hived.simulator.miners.faults import RPC_PATH, Fault
from hived.simulator.miners.miner import SimulatedMiner
from hived.simulator.miners.snapshot import Snapshot

MAX_REQUEST = 4096
IDLE_S = 10.0
"""A client that says nothing is hung up on after this."""


def respond(miner: SimulatedMiner, request: bytes) -> bytes:
    """Return the reply to one request, NUL included. Anything unknown gets "Invalid command"."""
    try:
        document = json.loads(request.rstrip(b"\0\r\n "))
    except (ValueError, RecursionError):
        document = None
    command = document.get("command") if isinstance(document, dict) else None
    build = _COMMANDS.get(command) if isinstance(command, str) else None
    miner.count_request(f"RPC {command}" if build else "RPC other")
    body = build(miner, miner.snapshot()) if build else captures.RPC["version"]
    status = {**body["STATUS"][0], "When": int(miner.now())}
    return replies.encode({**body, "STATUS": [status]}) + b"\0"


def _summary(_miner: SimulatedMiner, view: Snapshot) -> Json:
    shape = captures.RPC["summary"]
    accepted = sum(pool.accepted for pool in view.pools)
    values = {
        "Elapsed": view.elapsed,
        "GHS 5s": view.realtime_ghs,
        "GHS av": view.average_ghs,
        "GHS 30m": view.average_ghs,
        "Stale": sum(pool.stale for pool in view.pools),
        "Accepted": accepted,
        "Rejected": sum(pool.rejected for pool in view.pools),
        "Hardware Errors": sum(board.errors for board in view.boards),
        "Difficulty Accepted": float(sum(pool.accepted * pool.difficulty for pool in view.pools)),
        "Difficulty Rejected": float(sum(pool.rejected * pool.difficulty for pool in view.pools)),
        "Difficulty Stale": float(sum(pool.stale * pool.difficulty for pool in view.pools)),
        "Best Share": view.best_share,
        "Fee Percent": view.devfee_percent,
    }
    return {**shape, "SUMMARY": [{**shape["SUMMARY"][0], **values}]}


def _pools(_miner: SimulatedMiner, view: Snapshot) -> Json:
    shape = captures.RPC["pools"]
    pools = [
        {
            **shape["POOLS"][0],
            "POOL": index,
            "URL": pool.url,
            "Type": 1 if pool.devfee else 0,
            "User": pool.user,
            "Status": "Dead" if pool.status in ("offline", "unknown") else "Alive",
            "Diff": replies.difficulty_text(pool.difficulty),
            "Accepted": pool.accepted,
            "Rejected": pool.rejected,
            "Stale": pool.stale,
            "Last Share Difficulty": float(pool.difficulty if pool.accepted else 0),
            "Last Share Time": replies.duration_text(pool.last_share_s),
            "Stratum Active": pool.status == "active",
            "Difficulty Accepted": float(pool.accepted * pool.difficulty),
            "Difficulty Rejected": float(pool.rejected * pool.difficulty),
            "Difficulty Stale": float(pool.stale * pool.difficulty),
        }
        for index, pool in enumerate(view.pools)
    ]
    status = {**shape["STATUS"][0], "Msg": f"{len(pools)} Pool(s)"}
    return {**shape, "STATUS": [status], "POOLS": pools}


def _stats(miner: SimulatedMiner, view: Snapshot) -> Json:
    shape = captures.RPC["stats"]
    spec, over = miner.spec, miner.spec.chip_over_pcb_c
    head = {**shape["STATS"][0], "Type": spec.miner_type, "Cgminer": spec.fw_version, "CompileTime": spec.build_time}
    values: dict[str, Any] = {
        "Elapsed": view.elapsed,
        "GHS 5s": str(view.realtime_ghs),
        "GHS av": view.average_ghs,
        "fan_num": len(view.fans),
        "fan_mode": 0 if miner.settings["miner"]["cooling"]["mode"]["name"] == "auto" else 1,
        "fan_pwm": view.fan_duty,
        "state": view.phase.state,
        "total_rate": view.realtime_ghs,
        "total_rateideal": view.nominal_ghs,
        "total_acn": spec.chips * len(view.boards),
    }
    values |= {f"fan{index}": fan.rpm for index, fan in enumerate(view.fans, 1)}
    for board in view.boards:
        hottest = max(board.sensors_c)
        number = board.number
        values |= {
            f"temp_sens{number}": "-".join("m" for _ in board.sensors_c),
            f"temp{number}": hottest,
            f"temp2_{number}": hottest + over,
            f"temp3_{number}": hottest + over,
            f"temp_chip{number}": "-".join(str(temp + over) for temp in board.sensors_c),
            f"temp_pcb{number}": "-".join(str(temp) for temp in board.sensors_c),
            f"chain_consumption{number}": board.power_w,
            f"chain_hw{number}": board.errors,
            f"chain_rateideal{number}": board.ideal_ghs,
            f"chain_rate{number}": board.rate_ghs,
            f"freq_avg{number}": board.frequency,
            f"chain_vol{number}": board.voltage_mv,
            f"chain_state{number}": board.state,
            f"chain_fault{number}": board.message or "",
            f"chain_acn{number}": spec.chips,
        }
    return {**shape, "STATS": [head, {key: values[key] for key in shape["STATS"][1] if key in values}]}


def _devdetails(miner: SimulatedMiner, _view: Snapshot) -> Json:
    shape = captures.RPC["devdetails"]
    name = miner.spec.alias
    device = {**shape["DEVDETAILS"][0], "Name": f"BTM_{name.upper()}", "Driver": f"bitmain_{name}_drv"}
    return {**shape, "DEVDETAILS": [device]}


_COMMANDS = {"summary": _summary, "pools": _pools, "stats": _stats, "devdetails": _devdetails}


class RpcProtocol(asyncio.Protocol):
    """One connection to port 4028."""

    def __init__(self, miner: SimulatedMiner) -> None:
        self._miner = miner
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._miner.transports.add(transport)
        self._timer = asyncio.get_running_loop().call_later(IDLE_S, transport.abort)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        if self._transport:
            self._miner.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._received += data
        if len(self._received) > MAX_REQUEST:
            self._transport.abort()
        elif _is_complete(self._received):
            request, self._received = self._received, b""
            self._answer(self._transport, request)

    def eof_received(self) -> bool:
        """Answer what there is: a client may end its half instead of a newline."""
        if self._transport is not None and self._received:
            self._answer(self._transport, self._received)
        return self._transport is not None and not self._transport.is_closing()  # False closes it

    def _answer(self, transport: asyncio.Transport, request: bytes) -> None:
        active = self._miner.fault
        if active is not None and strikes(active, RPC_PATH):
            self._suffer(active, transport, request)
        else:
            self._finish(transport, respond(self._miner, request))

    def _suffer(self, active: faults.ActiveFault, transport: asyncio.Transport, request: bytes) -> None:
        """Misbehave as far as the fault makes sense on this port; other devices and stock firmware hang up."""
        fault = active.fault
        if fault is Fault.HUNG:
            if self._timer:
                self._timer.cancel()
        elif fault is Fault.SLOW:
            if self._timer:
                self._timer.cancel()
            loop = asyncio.get_running_loop()
            reply = respond(self._miner, request)
            self._timer = loop.call_later(active.delay, self._finish, transport, reply)
        elif fault is Fault.RESET:
            reset(transport)
        elif fault in (Fault.NOT_A_MINER, Fault.STOCK_FIRMWARE):
            transport.abort()
        elif fault is Fault.CUT_JSON:
            reply = respond(self._miner, request)
            self._finish(transport, reply[: len(reply) // 2])
        elif fault is Fault.INVALID_JSON:
            self._finish(transport, respond(self._miner, request).replace(b",", b",,", 3))
        else:
            self._finish(transport, respond(self._miner, request))

    def _finish(self, transport: asyncio.Transport, reply: bytes) -> None:
        transport.write(reply)
        transport.close()


def _is_complete(data: bytes) -> bool:
    """Return whether a request has arrived whole: by its end mark, or because it already parses."""
    if data.endswith((b"\n", b"\0")):
        return True
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
