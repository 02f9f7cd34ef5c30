"""One connection as aiohttp serves it, within bounds: heads end, few requests wait in line, replies are taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_request import BaseRequest

from hived.api.http import origin_guard, responses

log = logging.getLogger(__name__)

LIMITS: dict[str, Any] = {
    "keepalive_timeout": 30.0,  # from connecting to a whole request head, and between two requests
    "lingering_time": 2.0,  # to throw away a body that nobody wanted
    "max_line_size": 4096,
    "max_field_size": 8190,
    "max_headers": 64,  # a browser sends twenty, a proxy adds some
    "read_bufsize": 16 * 1024,  # of a body that nobody reads twice as much is kept
    "auto_decompress": False,  # body.py does it, and knows when to stop
    "access_log": None,  # a dashboard asks every second
}

MAX_HEAD_BYTES = 16 * 1024  # before it is whole; the parser keeps all of it
MAX_IN_LINE = 4  # requests behind the one that is answered; browsers send none
WRITE_S = 15.0  # to make room in what waits to be sent, 64 KiB: 4 KiB/s is not a reader but a trick
_PIECE = memoryview(bytearray(8 * 1024))
"""What is read at once. One for all: it is empty again before anybody else reads."""


class Connection(web.RequestHandler, asyncio.BufferedProtocol):
    """aiohttp's side of one connection, which says in our words what went wrong below and around the handlers."""

    def __init__(self, server: web.Server, **limits: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **(LIMITS | limits))
        self._max_msg_queue_size, self._msg_queue_resume_size = MAX_IN_LINE, 1
        self._handler: Callable[[BaseRequest], Awaitable[web.StreamResponse]] = server.request_handler
        self._request_handler = self._checked
        self._body: StreamReader = EMPTY_PAYLOAD
        self._head_bytes = 0
        self._wire: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_the_clock()
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return _PIECE

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(_PIECE[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Parse what came; end the connection when a head grows too long."""
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._body, self._head_bytes = self._messages[-1][1], 0
        elif self._body.is_eof():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.force_close()

    def pause_writing(self) -> None:
        assert self._wire is not None
        self._deadline = asyncio.get_running_loop().call_later(WRITE_S, self._wire.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stop_the_clock()
        super().resume_writing()

    def _stop_the_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    async def _checked(self, request: BaseRequest) -> web.StreamResponse:
        """Answer what aiohttp would stumble over before any middleware of ours, and hand over the rest."""
        try:
            "".join((request.raw_path, *request.headers.values())).encode()
        except UnicodeEncodeError:  # bytes that are no UTF-8; no database takes what they became
            return _refusal(400, "the request's line and headers have to be UTF-8")
        if request.headers.get("Expect", "100-continue").lower() != "100-continue":
            return _refusal(417, "of Expect only 100-continue is understood")
        return await self._handler(request)

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Return the reply for a handler that raised what nobody expected, or for bytes that are no request."""
        if isinstance(exc, ConnectionError):  # who asked has left
            raise exc
        if status >= 500:
            log.error("%s %s failed", request.method, request.rel_url.raw_path, exc_info=exc)
            words = "hive-apid failed, its log says more"
        else:  # anything on the LAN may connect: not worth a warning
            log.debug("not a request, from %s: %s", request.remote, message)
            words = "this request cannot be read"
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the reply is out already")
        return _refusal(status, words)


def _refusal(status: int, words: str) -> web.Response:
    reply = responses.error(status, words, dict(origin_guard.HEADERS))
    reply.force_close()
    return reply
