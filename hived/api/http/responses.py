"""Replies: JSON as bytes, errors as {"error": ...}, big lists with ETag and gzip, sent no faster than they are read."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from hived.api.http.turns import Full, Turns

SMALL_BYTES = 1024  # below this gzip saves no packet
INLINE_BYTES = 64 * 1024  # what may be compressed on the loop: about a millisecond
PIECE_BYTES = 128 * 1024  # what one slow reader may hold in our memory at a time
PIECE_S = 15.0  # for one piece; less than 8 KiB/s is not a reader but a trick
MOST_BYTES = 96 * 1024 * 1024  # in all big replies under way; a list of 5,000 miners is 10 MB

JSON_TYPE = "application/json"


class Sends(Turns):
    """Big replies under way to readers who may be slow."""

    def __init__(self) -> None:
        super().__init__("big replies", most=4, waiting=4, total=16)
        self._bodies: dict[int, list[bytes]] = {}

    @contextmanager
    def holding(self, body: bytes) -> Iterator[None]:
        """Hold a body, which counts once however many take it. Full when it and others together would be too much."""
        same = self._bodies.get(id(body), [])
        held = sum(len(bodies[0]) for bodies in self._bodies.values())
        if not same and held and held + len(body) > MOST_BYTES:
            raise Full("the big replies under way are as large as can be held, try again in a moment", self.retry_s)
        self._bodies[id(body)] = same
        same.append(body)
        try:
            yield
        finally:
            same.pop()
            if not same:
                del self._bodies[id(body)]


SENDS = web.AppKey("sends", Sends)


def encode(value: Any) -> bytes:
    """Return compact JSON in ASCII: half a surrogate pair from a miner stays an escape and breaks nothing."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:  # a number that JSON does not have got past a parser: unknown is the honest word
        return json.dumps(_finite(value), separators=(",", ":"), allow_nan=False).encode()


_MESSAGE = web.ResponseKey("message", str)


def error(status: int, message: str, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    """Return the reply for what went wrong."""
    body = encode({"error": message, **more})
    reply = web.Response(status=status, body=body, content_type=JSON_TYPE, headers=headers)
    reply[_MESSAGE] = message
    return reply


def say_detail(reply: web.StreamResponse) -> None:
    """Put the text of an error under `detail` too, where its callers look for it."""
    if isinstance(reply, web.Response) and _MESSAGE in reply:
        reply.body = encode({"error": reply[_MESSAGE], "detail": reply[_MESSAGE]})


class Page:
    """A reply that many ask for: encoded once, compressed once. `etag` names this content."""

    def __init__(self, body: bytes, etag: str, content_type: str = JSON_TYPE, charset: str | None = None) -> None:
        self.body = body
        self.etag = f'W/"{etag}"'  # weak: the compressed and the plain form share it
        self.content_type = content_type
        self.charset = charset
        self._gzipped: bytes | None = None
        self._lock = asyncio.Lock()

    async def gzipped(self) -> bytes:
        """Return the body compressed; who asks meanwhile waits for the same work."""
        async with self._lock:
            if self._gzipped is None:
                self._gzipped = await compress(self.body)
            return self._gzipped


async def compress(body: bytes) -> bytes:
    """Return gzip of a body, on another thread when it is big. Level 1: a quarter of the time, a tenth more bytes."""
    if len(body) <= INLINE_BYTES:
        return gzip.compress(body, 1, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, 1, mtime=0)


async def reply(request: web.Request, value: Any, *, status: int = 200) -> web.StreamResponse:
    """Answer with JSON; `value` may be JSON in bytes already."""
    body = value if isinstance(value, bytes) else encode(value)
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if len(body) > SMALL_BYTES and accepts_gzip(request):
        body = await compress(body)
        headers["Content-Encoding"] = "gzip"
    return await _send(request, web.Response(status=status, headers=headers, content_type=JSON_TYPE), body)


async def send(request: web.Request, page: Page, *, status: int = 200) -> web.StreamResponse:
    """Answer with a page, or with 304 when the client has it already."""
    headers = {"ETag": page.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if status == 200 and _has(request, page.etag):
        return web.Response(status=304, headers=headers)
    body = page.body
    if len(body) > SMALL_BYTES and accepts_gzip(request):
        body = await page.gzipped()
        headers["Content-Encoding"] = "gzip"
    response = web.Response(status=status, headers=headers, content_type=page.content_type, charset=page.charset)
    return await _send(request, response, body)


async def _send(request: web.Request, small: web.Response, body: bytes) -> web.StreamResponse:
    """Send a body; a big one in pieces, each when the one before has left, so that a slow reader costs one piece."""
    if len(body) <= PIECE_BYTES or request.method == "HEAD":
        small.body = body
        return small
    big = web.StreamResponse(status=small.status, headers=small.headers)
    big.content_length = len(body)
    sends = request.app[SENDS]
    with sends.holding(body):
        async with sends.turn(request):
            await big.prepare(request)
            view = memoryview(body)
            for start in range(0, len(body), PIECE_BYTES):
                if not await written(request, big, view[start : start + PIECE_BYTES], PIECE_S):
                    break
    return big


async def written(request: web.Request, response: web.StreamResponse, data: Any, limit: float) -> bool:
    """Send bytes and wait until the reader took most of them; False when it left, or took longer and was cut off."""
    try:
        async with asyncio.timeout(limit):
            await response.write(data)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        return False
    except ConnectionError:  # the page was closed
        return False
    return True


def accepts_gzip(request: web.Request) -> bool:
    """Tell whether the client takes gzip (RFC 9110 12.5.3: unless its weight is 0)."""
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            value = weight.replace(" ", "").removeprefix("q=")
            return value.strip("0.") != "" if value else True
    return False


def _has(request: web.Request, etag: str) -> bool:
    """Weak comparison of If-None-Match (RFC 9110 13.1.2)."""
    tags = request.headers.get("If-None-Match", "")
    strong = etag.removeprefix("W/")
    return tags.strip() == "*" or any(tag.strip().removeprefix("W/") == strong for tag in tags.split(","))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value
