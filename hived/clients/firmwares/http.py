"""One bounded HTTP exchange with an untrusted address: a Reply, or Transient with the reason in plain words."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import HttpProcessingError

from hived.clients.firmwares.family import ConnectionWatch
from hived.errors import Transient, Unreadable

MAX_BODY_BYTES = 1 << 20  # the longest known reply, all chips of 3 boards with 126 each, has 60 KiB
MAX_SNIFF_BYTES = 1 << 16  # of an address that may be anything; what a miner says of itself has 1 KiB
READ_BYTES = 1 << 15  # aiohttp reads ahead twice this
MAX_HEADER_BYTES = 4096
MAX_HEADERS = 64
KEEPALIVE_S = 75.0  # longer than the longest usual poll interval of 60 s

CUT = "the answer was cut short"
TOO_LONG = "the answer is too long"
COMPRESSED = "the answer is compressed although we asked for a plain one"

_NO_LIMIT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_RESET = ("connection reset", "connection_lost")
_NO_SOCKETS = ("no sockets left on this host", "no_sockets")
_REASONS = {
    errno.ECONNREFUSED: ("connection refused", "connection_refused"),
    errno.ECONNRESET: _RESET,
    errno.EPIPE: _RESET,
    errno.EHOSTUNREACH: ("no route to host", "no_route"),
    errno.ENETUNREACH: ("network unreachable", "network_unreachable"),
    errno.EMFILE: _NO_SOCKETS,
    errno.ENFILE: _NO_SOCKETS,
}
"""(what to say, its code)."""


class NotHttp(Unreadable):
    """What came back is not HTTP, or its headers are beyond all measure."""


class Gate(Protocol):
    """Is asked before a request goes out, over which connection it may: what a method raises ends the exchange."""

    def on_new(self) -> None:
        """Let it open a connection."""

    def on_kept(self) -> None:
        """Let it use the one that is open."""


@dataclass(frozen=True, slots=True)
class _Way:
    watch: ConnectionWatch | None
    gate: Gate | None


async def _before_new_connection(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceConnectionCreateStartParams
) -> None:
    if isinstance(way := context.trace_request_ctx, _Way) and way.gate is not None:
        way.gate.on_new()


async def _note_new_connection(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceConnectionCreateEndParams
) -> None:
    if isinstance(way := context.trace_request_ctx, _Way) and way.watch is not None:
        way.watch.opened = True


async def _before_kept_connection(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceConnectionReuseconnParams
) -> None:
    if isinstance(way := context.trace_request_ctx, _Way) and way.gate is not None:
        way.gate.on_kept()


_TRACE = aiohttp.TraceConfig()
_TRACE.on_connection_create_start.append(_before_new_connection)
_TRACE.on_connection_create_end.append(_note_new_connection)
_TRACE.on_connection_reuseconn.append(_before_kept_connection)


class _NoNames(AbstractResolver):
    """Refuse to look up names: miners are addresses, and a name could lead anywhere."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(f"names are not looked up: {host}:{port} ({family})")

    async def close(self) -> None:
        """Hold nothing that needs closing."""


def open_session(concurrency: int = 64, keepalive_s: float | None = KEEPALIVE_S) -> aiohttp.ClientSession:
    """Return a session for the firmwares that speak HTTP; the caller closes it.

    `concurrency` bounds the requests under way; one connection per miner is kept for `keepalive_s`, which must be
    longer than the polling interval. None: each is closed after its answer, so that `concurrency` bounds the open
    ones too (aiohttp does not count those that are kept).
    """
    connector = aiohttp.TCPConnector(
        limit=concurrency,
        limit_per_host=1,
        **({"force_close": True} if keepalive_s is None else {"keepalive_timeout": keepalive_s}),
        resolver=_NoNames(),
        use_dns_cache=False,
        happy_eyeballs_delay=None,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_NO_LIMIT,
        auto_decompress=False,
        trust_env=False,
        trace_configs=[_TRACE],
        read_bufsize=READ_BYTES,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        max_headers=MAX_HEADERS,
    )


def is_bounded(session: aiohttp.ClientSession) -> bool:
    """Say whether `session` has what the bounds and the watch need, that is, came from `open_session`."""
    return not session.auto_decompress and _TRACE in session.trace_configs


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. `timeout_s` bounds all of it, from waiting for a free connection to the last byte."""

    method: str
    url: str
    timeout_s: float
    headers: Mapping[str, str] = field(repr=False)  # may carry a key
    document: object = field(default=None, repr=False)  # may carry a password
    max_bytes: int = MAX_BODY_BYTES
    sniff: bool = False
    """Read the first `max_bytes` of a longer body instead of refusing it unread."""
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `fault` says why `body` is not the whole of it, None when it is."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    fault: str | None = None


async def exchange(session: aiohttp.ClientSession, request: Request, watch: ConnectionWatch | None = None) -> Reply:
    """Return the reply to `request`, whatever its status; Transient or NotHttp when there is none.

    The causes of errors are left out on purpose: aiohttp's carry the headers that were sent.
    """
    try:
        async with asyncio.timeout(request.timeout_s):
            return await _exchange(session, request, watch)
    except TimeoutError:
        raise Transient(f"no answer within {request.timeout_s:g} s", code="timeout") from None
    except aiohttp.ServerDisconnectedError:
        raise Transient("connection closed without an answer", code="connection_lost") from None
    except (aiohttp.ClientResponseError, HttpProcessingError):
        raise NotHttp("the answer is not proper HTTP") from None
    except (aiohttp.ClientError, OSError) as err:
        raise _failure(err) from None


async def _exchange(session: aiohttp.ClientSession, request: Request, watch: ConnectionWatch | None) -> Reply:
    data = None if request.document is None else json.dumps(request.document).encode()
    close = watch is not None and not watch.keep
    async with session.request(
        request.method,
        request.url,
        data=data,
        headers={**request.headers, "Connection": "close"} if close else request.headers,
        skip_auto_headers=("Content-Type",),  # what has no body has no type
        allow_redirects=False,
        timeout=_NO_LIMIT,
        trace_request_ctx=_Way(watch, request.gate),
    ) as response:  # leaving it closes a connection whose answer was not read to its end
        body, fault = await _body(response, request)
        if close:
            response.close()  # whatever the other side does about it
        return Reply(response.status, response.headers, body, fault)


async def _body(response: aiohttp.ClientResponse, request: Request) -> tuple[bytes, str | None]:
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        return b"", COMPRESSED
    if (response.content_length or 0) > request.max_bytes and not request.sniff:
        return b"", TOO_LONG
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > request.max_bytes:
                return bytes(body[: request.max_bytes]) if request.sniff else b"", TOO_LONG
    except (aiohttp.ClientPayloadError, HttpProcessingError):
        return bytes(body), CUT
    return bytes(body), None


def _failure(err: aiohttp.ClientError | OSError) -> Transient:
    """Return why there was no answer, without addresses or anything that was sent."""
    number = err.errno if isinstance(err, OSError) else None
    if number in _REASONS:
        text, code = _REASONS[number]
    elif isinstance(err, aiohttp.ClientConnectionResetError):
        text, code = _RESET
    else:
        text = os.strerror(number).lower() if number and number > 0 else f"connection failed ({type(err).__name__})"
        code = "connection_failed"
    return Transient(text, code=code)
