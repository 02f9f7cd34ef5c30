"""The listening socket: how many may come in, how slow they may be, and what they hear when it is no HTTP."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from hived.api.http import origin_guard, responses
from hived.api.http.tls_handshake import TlsHandshake

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 512
"""Six for each of the browsers that may listen to the stream, and some for programs."""

SHUTDOWN_S = 1.0
"""For replies under way, and as long again for handlers that hang: a daemon has five seconds to stop."""

LIMITS: dict[str, Any] = {
    "keepalive_timeout": 30.0,  # from connecting to a whole request head, and between two requests
    "lingering_time": 2.0,  # to throw away a body that nobody wanted
    "max_line_size": 4096,
    "max_field_size": 8190,
    "auto_decompress": False,  # body.py does it, and knows when to stop
    "access_log": None,  # a dashboard asks every second
}


class Listener(web.BaseSite):
    """Listening sockets that take at most `connections` clients at a time; more are closed at once.

    `host`: an address, or a name whose addresses are used as far as this host has them. "::" is all addresses, those of
    IPv4 too, over a socket of its own: their clients keep the address that people know. `tls`: the context to serve
    with; None serves plain HTTP, `plain` both.
    """

    def __init__(
        self, runner: web.AppRunner, host: str, port: int, *, tls: ssl.SSLContext | None = None,
        plain: bool = False, connections: int = MAX_CONNECTIONS, **limits: Any,
    ) -> None:  # fmt: skip
        super().__init__(runner)
        self.host, self.port, self.connections = host, port, connections
        self.tls, self.plain = tls, plain
        self.shaking: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self.limits = LIMITS | limits
        self.full = False

    @property
    def name(self) -> str:
        return f"{self.host} port {self.port}"

    async def start(self) -> None:
        """Listen. `port` is the real one from then on. OSError when no address can be had, or one is in use."""
        await super().start()
        try:
            await self._listen()
        except OSError:
            self._close()
            raise

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        hosts = ("::", "0.0.0.0") if self.host == "::" else (self.host,)  # noqa: S104
        found = [
            (family, address)
            for host in hosts
            for family, _, _, _, address in await loop.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
        ]
        absent: list[OSError] = []
        for family, address in dict.fromkeys(found):
            try:
                bound = _bound(family, (address[0], self.port, *address[2:]))
            except OSError as err:
                if err.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                absent.append(err)
                if len(absent) < len(found):
                    log.debug("not on %s: %s", address[0], err.strerror)
                continue
            self._servers.append(await loop.create_server(self._protocol, sock=bound, backlog=256))
            self.port = bound.getsockname()[1]
        if not self._servers:
            raise absent[0]

    def _close(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def stop(self) -> None:
        """Listen no more; handshakes under way end."""
        await super().stop()
        self._close()
        shaking = list(self.shaking)
        for task in shaking:
            task.cancel()
        await asyncio.gather(*shaking, return_exceptions=True)

    def _protocol(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None
        full = len(server.connections) + len(self.shaking) >= self.connections
        if full and not self.full:
            log.warning("%d connections are open, more are refused", self.connections)
        elif self.full and not full:
            log.info("there is room for connections again")
        self.full = full
        if full:
            return _Closed()
        return (
            self._guest() if self.tls is None else TlsHandshake(self.tls, self._guest, self.shaking, plain=self.plain)
        )

    def _guest(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None
        return _Guest(server, loop=asyncio.get_running_loop(), **self.limits)


def _bound(family: int, address: tuple[Any, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


class _Guest(web.RequestHandler):
    """aiohttp's side of one connection, which says in our words what went wrong below and around the handlers."""

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Return the reply for a handler that raised what nobody expected, or for bytes that are no request."""
        if status >= 500:
            log.error("%s %s failed", request.method, request.rel_url.raw_path, exc_info=exc)
            words = "hive-apid made a mistake, its log says more"
        else:  # anything on the LAN may connect: not worth a warning
            log.debug("not a request, from %s: %s", request.remote, message)
            words = "this request cannot be read"
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the reply is out already")
        reply = responses.error(status, words, dict(origin_guard.HEADERS))
        reply.force_close()
        return reply


class _Closed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
