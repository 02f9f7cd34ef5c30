"""A model server that speaks Ollama's HTTP API and has a model that only fills in shapes.

The wire format is Ollama's: JSON lines, durations in nanoseconds, errors as {"error": text}.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from hived.simulator.faults import for_ever, strikes
from hived.simulator.ollama import models, writer
from hived.simulator.ollama.faults import LOADING, WRITING, ActiveOllamaFault, OllamaFault
from hived.simulator.ollama.models import MODEL, Json

VERSION = "0.15.5"
DEFAULT_WINDOW = 4096
KEEP_ALIVE_S = 300.0
KEPT_REQUESTS = 500

_BODY = web.RequestKey("body", dict[str, Any])
_FAULT: web.RequestKey[ActiveOllamaFault | None] = web.RequestKey("fault")


@dataclass(slots=True)
class Asked:
    """One request as it came."""

    path: str
    body: Json = field(repr=False)
    headers: dict[str, str] = field(repr=False)


class SimulatedOllama:
    """One server. `async with` listens; `fault` may be set while it runs."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        installed: tuple[str, ...] = (MODEL,),
        tokens_per_second: float | None = None,
        load_s: float = 0.0,
        pull_s: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.host, self.port = host, port
        self.models = list(installed)
        self.fault: ActiveOllamaFault | None = None
        self.asked: deque[Asked] = deque(maxlen=KEPT_REQUESTS)
        self.requests = self.answered = self.cut_off = self.writing = 0
        self._token_s = 1.0 / tokens_per_second if tokens_per_second else 0.0
        self._load_s, self._pull_s = load_s, pull_s
        self._clock = clock
        self._loaded: dict[str, tuple[float, int]] = {}
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def __aenter__(self) -> SimulatedOllama:
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self.host, self.port)
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def chats(self) -> list[Json]:
        """Return the bodies of the last requests for a text."""
        return [asked.body for asked in self.asked if asked.path == "/api/chat"]

    # -- the API -------------------------------------------------------------------------------------------------

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._take])
        app.add_routes(
            [
                web.get("/", self._root),
                web.get("/api/version", self._version),
                web.get("/api/tags", self._tags),
                web.get("/api/ps", self._ps),
                web.post("/api/show", self._show),
                web.post("/api/chat", self._chat),
                web.post("/api/generate", self._generate),
                web.post("/api/pull", self._pull),
            ]
        )
        return app

    @web.middleware
    async def _take(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Note the request, let it suffer, and turn what is wrong with it into Ollama's errors."""
        self.requests += 1
        try:
            body = json.loads(await request.read() or b"{}")
        except (ValueError, RecursionError):
            return _error(400, "invalid character in request body")
        if not isinstance(body, dict):
            return _error(400, "json: cannot unmarshal array into Go value of type api.Request")
        self.asked.append(Asked(request.path, body, {name.lower(): text for name, text in request.headers.items()}))
        request[_BODY] = body
        request[_FAULT] = fault = self._fault_for(request.path, body)
        if fault is not None and fault.fault is OllamaFault.HUNG and not fault.tokens:
            await for_ever()
        if fault is not None and fault.fault in _STATUS_FAULTS:
            return _error(*_STATUS_FAULTS[fault.fault])
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return web.Response(status=404, text="404 page not found")

    def _fault_for(self, path: str, body: Json) -> ActiveOllamaFault | None:
        """Return the fault that a request is to suffer. Loading a model is none of what the model says."""
        fault = self.fault
        only_loads = path == "/api/generate" and not body.get("prompt")
        if fault is None or (only_loads and fault.fault not in LOADING):
            return None
        return fault if strikes(fault, path) else None

    async def _root(self, _request: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": VERSION})

    async def _tags(self, _request: web.Request) -> web.Response:
        return web.json_response({"models": [models.entry(name) for name in self._installed()]})

    async def _ps(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "models": [
                    {
                        **models.entry(name),
                        "expires_at": models.stamp(until),
                        "size_vram": 0,
                        "context_length": window,
                    }
                    for name, (until, window) in self._loaded.items()
                    if until > self._clock()
                ]
            }
        )

    async def _show(self, request: web.Request) -> web.Response:
        name = self._model_of(request)
        if isinstance(name, web.Response):
            return name
        return web.json_response(models.shown(name))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        name = self._model_of(request)
        if isinstance(name, web.Response):
            return name
        body: Json = request[_BODY]
        messages = [message for message in body.get("messages") or [] if isinstance(message, dict)]
        if any(message.get("images") for message in messages):
            return _error(400, "this model does not support images")
        system = " ".join(str(message.get("content", "")) for message in messages if message.get("role") == "system")
        user = " ".join(str(message.get("content", "")) for message in messages if message.get("role") == "user")
        return await self._answer(request, name, system, user, chat=True)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        name = self._model_of(request)
        if isinstance(name, web.Response):
            return name
        body: Json = request[_BODY]
        if body.get("images"):
            return _error(400, "this model does not support images")
        if not body.get("prompt"):
            await self._load(name, body)
            return web.json_response({**_head(name), "response": "", "done": True, "done_reason": "load"})
        return await self._answer(request, name, str(body.get("system") or ""), str(body["prompt"]), chat=False)

    # -- writing -------------------------------------------------------------------------------------------------

    async def _answer(
        self, request: web.Request, name: str, system: str, user: str, *, chat: bool
    ) -> web.StreamResponse:
        body: Json = request[_BODY]
        fault: ActiveOllamaFault | None = request[_FAULT]
        started = time.perf_counter_ns()
        await self._load(name, body)
        loaded = time.perf_counter_ns()
        kind = fault.fault if fault else None
        pieces = list(_tokens(_text(kind, body, system, user)))
        options = _options(body)
        most = int(options.get("num_predict") or -1)
        reason = "stop"
        if kind is OllamaFault.TOO_LONG:
            most = max(1, len(pieces) // 2)
        if 0 < most < len(pieces):
            pieces, reason = pieces[:most], "length"
        window = int(options.get("num_ctx") or DEFAULT_WINDOW)
        self.writing += 1
        try:
            response, ended = await self._stream(request, name, pieces, chat=chat)
        except (asyncio.CancelledError, ConnectionError):
            self.cut_off += 1
            raise
        finally:
            self.writing -= 1
        now = time.perf_counter_ns()
        final = {
            "done_reason": reason,
            "done": True,
            "total_duration": now - started,
            "load_duration": loaded - started,
            "prompt_eval_count": min((len(system) + len(user)) // 4 + 12, window - 1),
            "prompt_eval_duration": max(1, (now - loaded) // 10),
            "eval_count": len(pieces),
            "eval_duration": max(1, (now - loaded) * 9 // 10),
        }
        self.answered += 1
        if response is None:
            return web.json_response({**_head(name), **_said(chat, "".join(pieces)), **final})
        if not ended and kind is not OllamaFault.NO_END:
            await response.write(_line({**_head(name), **_said(chat, ""), **final}))
        await response.write_eof()
        return response

    async def _stream(
        self, request: web.Request, name: str, pieces: list[str], *, chat: bool
    ) -> tuple[web.StreamResponse | None, bool]:
        """Send the pieces as they are written, or, not asked to stream, only let the time pass.

        Returns the response and whether a fault ended it before its time.
        """
        fault: ActiveOllamaFault | None = request[_FAULT]
        response: web.StreamResponse | None = None
        if request[_BODY].get("stream", True):
            response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
            await response.prepare(request)
        slow = fault if fault and fault.fault is OllamaFault.SLOW else None
        breaks = fault if fault and fault.fault not in WRITING else None
        for index, piece in enumerate(pieces):
            pause = (slow.interval if index else slow.delay) if slow else self._token_s
            if pause:
                await asyncio.sleep(pause)
            if breaks and index >= breaks.tokens and await _break(breaks.fault, request, response):
                return response, True
            if response is not None:
                thinks = fault is not None and fault.fault is OllamaFault.THINKS
                await response.write(_line({**_head(name), **_said(chat, piece, thinks=thinks), "done": False}))
        return response, False

    async def _load(self, name: str, body: Json) -> None:
        window = int(_options(body).get("num_ctx") or DEFAULT_WINDOW)
        until, had = self._loaded.get(name, (0.0, 0))
        if (until <= self._clock() or had != window) and self._load_s:
            await asyncio.sleep(self._load_s)
        self._loaded[name] = (self._clock() + KEEP_ALIVE_S, window)

    # -- fetching a model ----------------------------------------------------------------------------------------

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        name = models.full_name(request[_BODY].get("model") or request[_BODY].get("name"))
        lines = list(models.pull_lines(name))
        if request[_BODY].get("stream", True) is False:
            self._take_in(name, lines)
            return web.json_response(lines[-1], status=500 if "error" in lines[-1] else 200)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for line in lines:
            if self._pull_s:
                await asyncio.sleep(self._pull_s / len(lines))
            await response.write(_line(line))
        self._take_in(name, lines)
        await response.write_eof()
        return response

    def _take_in(self, name: str | None, lines: list[Json]) -> None:
        if name is not None and "error" not in lines[-1] and name not in self.models:
            self.models.append(name)

    # -- models --------------------------------------------------------------------------------------------------

    def _installed(self) -> list[str]:
        gone = self.fault is not None and self.fault.fault is OllamaFault.MISSING
        return [] if gone else self.models

    def _model_of(self, request: web.Request) -> str | web.Response:
        """Return the model that a request names, or the error it gets."""
        given = request[_BODY].get("model")
        name = models.full_name(given)
        if name is None:
            return _error(400, "model is required")
        if name not in self._installed():
            return _error(404, f"model '{given}' not found")
        return name


_STATUS_FAULTS = {
    OllamaFault.ERROR_500: (500, "llama runner process has terminated: signal: killed"),
    OllamaFault.QUEUE_FULL: (503, "server busy, please try again.  maximum pending requests exceeded"),
}


def _text(kind: OllamaFault | None, body: Json, system: str, user: str) -> str:
    """Return what the model says: JSON when a shape was asked for, else a bare text."""
    if kind is OllamaFault.WRONG_JSON:
        return 'Sure! Here is the choice you asked for: {"tell": '
    if kind is OllamaFault.WRONG_SHAPE:
        return json.dumps({"name": "x", "text": [1, 2, 3], "tell": "none"})
    written = writer.fill(body.get("format"))
    if kind is OllamaFault.WRONG_NAMES:
        written = writer.with_lists(written, first=writer.WRONG_NAMES)
    elif kind is OllamaFault.NO_CHOICE:
        written = writer.with_lists(written, keep=False)
    elif kind is OllamaFault.OBEDIENT:
        written = writer.obey(writer.facts_in(user), system, written)
    return written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)


async def _break(kind: OllamaFault, request: web.Request, response: web.StreamResponse | None) -> bool:
    """Do what a broken server does in the middle of an answer; return whether that was the end of it."""
    if kind is OllamaFault.HUNG:
        await for_ever()
    if kind is OllamaFault.TRUNCATED and request.transport is not None:
        request.transport.close()
        await for_ever()
    if response is None:
        return False
    if kind is OllamaFault.STREAM_ERROR:
        await response.write(_line({"error": "an error was encountered while running the model: unexpected EOF"}))
        return True
    if kind is OllamaFault.GARBAGE:
        await response.write(b'[1, 2]\nnot json at all\n{"message": 5}\n')
        return True
    return False


def _options(body: Json) -> Json:
    options = body.get("options")
    return options if isinstance(options, dict) else {}


def _tokens(text: str) -> Iterator[str]:
    """Cut a text into pieces of four characters, about what a token is."""
    for start in range(0, len(text), 4):
        yield text[start : start + 4]


def _head(name: str) -> Json:
    return {"model": name, "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def _said(chat: bool, piece: str, *, thinks: bool = False) -> Json:
    said = {"thinking": piece, "content": ""} if thinks else {"content": piece}
    return {"message": {"role": "assistant", **said}} if chat else {"response": piece}


def _line(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
