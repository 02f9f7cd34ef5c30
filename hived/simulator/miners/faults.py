"""What can go wrong with a device on the wire, to be switched on while the fleet runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from aiohttp import web

from hived.simulator.faults import MEGABYTE, bomb, cut, filled, for_ever, reset, stream

RPC_PATH = "rpc"
"""Name of port 4028 where faults are limited to some paths."""


class Fault(Enum):
    """One way to misbehave. The value is its name on the command line."""

    SLOW = "slow"
    """Answers after `delay` seconds."""
    HUNG = "hung"
    """Accepts and never answers."""
    RESET = "reset"
    """Resets the connection when a request comes."""
    ERROR_500 = "error_500"
    CUT_JSON = "cut_json"
    """Half the document as a whole reply; with `drop` the full length is announced and the connection closed."""
    INVALID_JSON = "invalid_json"
    HUGE_BODY = "huge_body"
    """A body of `size` bytes (100 MB), made as it is sent."""
    GZIP_BOMB = "gzip_bomb"
    """A small compressed body that unpacks to `size` bytes."""
    WRONG_TYPES = "wrong_types"
    """Numbers as text, null, NaN, lists for objects."""
    NOT_A_MINER = "not_a_miner"
    """`kind`: printer (HTML), json (some other JSON server), router (401 Basic)."""
    STOCK_FIRMWARE = "stock_firmware"
    """401 with the Digest challenge of a Bitmain system."""
    NULL_MINER = "null_miner"
    """/summary without a miner."""
    KEYS_WANTED = "keys_wanted"
    """401 without a token or key, but where a miner says who it is and where it is unlocked."""
    ONE_CONNECTION = "one_connection"
    """A web server for one: whoever else connects waits until the first one leaves."""
    BAD_BYTES = "bad_bytes"
    """Host name and workers in Latin-1 with a raw end of line, a NUL behind the document."""
    DRIP = "drip"
    """One byte every `interval` seconds."""
    ANSWER = "answer"
    """`status` and `text`, whatever was asked: a refusal in other words, a list where there is none."""
    LIE = "lie"
    """Answers what it is asked, and lies about what it is told: `kind` is one of LIE_KINDS.

    What outlasts the order (needs_restart, power) ends when the miner is told to be healthy.
    """
    ALTERED = "altered"
    """The right answer with the values of `put` in it, by dotted names: the MAC of another miner, no unit yet."""


_HEAD, _TAIL = b'{"miner":{"miner_type":"', b'"}}'
"""Of a body that is too long."""

NOT_A_MINER_KINDS = ("printer", "json", "router")
LIE_KINDS = {
    "ignore": "says yes and does nothing",
    "silent": "does it and hangs up without an answer",
    "empty": "does it and answers with nothing",
    "late": "says yes and does it after --delay seconds",
    "other": "takes another preset or another pool, else restarts mining",
    "half": "takes half of the pools that change",
    "restart": "does it and restarts mining",
    "refuse": "says no, in the words of --text",
    "untuned": "says yes and ignores a preset that it has not tuned",
    "needs_restart": "goes on as before until mining is restarted, also later on",
    "power": "does it and reports the power of before",
    "revoke": "forgets all keys instead",
    "gone": "leaves the network instead",
}
"""What a lie is, and in words."""
KINDS = {Fault.NOT_A_MINER: NOT_A_MINER_KINDS, Fault.LIE: tuple(LIE_KINDS)}


@dataclass(slots=True)
class ActiveFault:
    """A fault that is switched on, with its options."""

    fault: Fault
    paths: tuple[str, ...] = ()
    """Only these paths misbehave; * matches anything. Empty: all."""
    times: int | None = None
    """So many requests are hit, then the miner is well again. None: until cleared."""
    delay: float = 3.0
    interval: float = 1.0
    size: int = 100 * MEGABYTE
    kind: str = ""
    """Empty: the first one of this fault."""
    drop: bool = False
    status: int = 200
    text: str = ""
    put: dict[str, Any] = field(default_factory=dict)
    every: int = 1
    """2: every second answer is faulty, the others are right."""
    hits: int = field(default=0)

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError("every must be 1 or more")
        kinds = KINDS.get(self.fault, ("",))
        self.kind = self.kind or kinds[0]
        if self.kind not in kinds:
            raise ValueError(f"kind must be one of {', '.join(kinds)}, not {self.kind!r}")


Answer = Callable[[], Awaitable[web.StreamResponse]]


async def suffer(active: ActiveFault, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Answer a request the faulty way. `answer` makes the healthy reply where the fault starts from one."""
    kind = active.fault
    if kind is Fault.SLOW:
        await asyncio.sleep(active.delay)
        return await answer()
    if kind is Fault.HUNG:
        return await for_ever()
    if kind is Fault.RESET:
        reset(request.transport)
        return await for_ever()
    if kind is Fault.ERROR_500:
        return _json({"err": "Internal error"}, status=500)
    if kind is Fault.HUGE_BODY:
        headers = {"Content-Type": "application/json", "Content-Length": str(active.size)}
        return await stream(request, headers, filled(active.size, _HEAD, b"A" * 65536, _TAIL))
    if kind is Fault.GZIP_BOMB:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return await stream(request, headers, bomb(active.size, _HEAD, _TAIL))
    if kind is Fault.NOT_A_MINER:
        return _other_device(active.kind)
    if kind is Fault.STOCK_FIRMWARE:
        return _stock_firmware()
    if kind is Fault.ANSWER:
        return web.Response(status=active.status, text=active.text, content_type="application/json")
    healthy = await answer()
    if kind in (Fault.KEYS_WANTED, Fault.ONE_CONNECTION):  # who may ask, and when, is seen to elsewhere
        return healthy
    body = healthy.body if isinstance(healthy, web.Response) and isinstance(healthy.body, bytes) else b""
    if kind is Fault.BAD_BYTES:
        return _raw(body.replace(b'"Antminer"', b'"M\xfcnchen\n1"').replace(b'"farm.', b'"f\xe9rme.') + b"\0")
    if kind is Fault.DRIP:
        return await _drip(request, body, active.interval)
    if kind is Fault.CUT_JSON:
        if not active.drop:
            return _raw(body[: len(body) // 2])
        await cut(request, body, {"Content-Type": "application/json"})
        return await for_ever()
    if kind is Fault.INVALID_JSON:
        return _raw(body.replace(b":", b"=", 3).replace(b",", b",,", 2) + b"}")
    if kind is Fault.NULL_MINER:
        return _json({"miner": None}) if request.path == "/api/v1/summary" else healthy
    return _changed(
        healthy, body, distort if kind is Fault.WRONG_TYPES else lambda document: alter(document, active.put)
    )


def _json(document: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(document).encode(), status=status, content_type="application/json")


def _raw(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _changed(healthy: web.StreamResponse, body: bytes, change: Callable[[Any], Any]) -> web.StreamResponse:
    try:
        document = json.loads(body)
    except ValueError:
        return healthy
    return _json(change(document), status=healthy.status)


def alter(document: Any, put: Mapping[str, Any]) -> Any:
    """Return the document with each value of `put` where its dotted name leads; one that leads nowhere is left out."""
    for name, value in put.items():
        *way, last = name.split(".")
        place = document
        for part in way:
            place = place.get(part) if isinstance(place, dict) else None
        if isinstance(place, dict) and last in place:
            place[last] = value
    return document


def distort(document: Any, place: int = 0) -> Any:
    """Return a document of the same outline whose values have the wrong types. `place` varies how."""
    if isinstance(document, dict):
        if place % 4 == 3:
            return list(document.values())
        return {key: distort(value, place + index) for index, (key, value) in enumerate(document.items())}
    if isinstance(document, list):
        return {"0": document[0]} if document and place % 3 == 2 else [distort(item, place + 1) for item in document]
    wrong: tuple[Any, ...]
    if isinstance(document, bool):
        wrong = ("yes", None, [])
    elif isinstance(document, int | float):
        wrong = (str(document), None, float("nan"), [document], float("inf"), -1e308)
    else:
        wrong = (17, None, {"text": document}, True)
    return wrong[place % len(wrong)]


_OTHER_DEVICES = {
    "printer": (
        200,
        "text/html",
        b"<html><head><title>Laser Printer 4200</title></head><body><h1>Ready</h1></body></html>",
        {"Server": "Embedded Web Server"},
    ),
    "json": (200, "application/json", b'{"status": "ok", "version": "2.1.0", "model": "nas", "uptime": 86400}', {}),
    "router": (
        401,
        "text/html",
        b"<html><head><title>401 Unauthorized</title></head><body>Login required</body></html>",
        {"WWW-Authenticate": 'Basic realm="Router"', "Server": "httpd"},
    ),
}


def _other_device(kind: str) -> web.Response:
    status, content_type, body, headers = _OTHER_DEVICES[kind]
    return web.Response(status=status, body=body, content_type=content_type, headers=headers)


def _stock_firmware() -> web.Response:
    challenge = 'Digest realm="antMiner Configuration", nonce="5f1d7a84cc04b59a1a4b1a9d2a3c4e5f", qop="auth"'
    page = b"<html><head><title>401 - Unauthorized</title></head><body><h1>401 - Unauthorized</h1></body></html>"
    headers = {"WWW-Authenticate": challenge, "Server": "lighttpd/1.4.32"}
    return web.Response(status=401, body=page, content_type="text/html", headers=headers)


async def _drip(request: web.BaseRequest, body: bytes, interval: float) -> web.StreamResponse:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    for index in range(len(body)):
        await response.write(body[index : index + 1])
        await asyncio.sleep(interval)
    return response
