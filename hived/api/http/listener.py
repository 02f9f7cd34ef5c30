"""The listening socket: how many may come in, how slow they may be, and what they hear when it is no HTTP."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import time
from typing import Any

from aiohttp import web

from hived.api.http.connection import Connection
from hived.api.http.shares import Known, Shares
from hived.api.http.tls_handshake import TlsHandshake

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 512
"""Six for each of the browsers that may listen to the stream, and some for programs."""

SHUTDOWN_S = 1.0
"""For replies under way, and as long again for handlers that hang: a daemon has five seconds to stop."""

UNSEEN_MS = 20_000
"""How long sent bytes may stay without an answer, or without room at the other end, before the kernel gives up."""

SEND_BUFFER_BYTES = 64 * 1024  # in the kernel, for each connection: it would grow to megabytes for a slow one

_FULL = b'{"error":"too many connections, try again in a moment"}'
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\n%b" % (len(_FULL), _FULL)
)


class Listener(web.BaseSite):
    """Listening sockets that take at most `connections` clients at a time, of one place its share; more are refused.

    `host`: an address, or a name whose addresses are used as far as this host has them. "::" is all addresses, those of
    IPv4 too, over a socket of its own: their clients keep the address that people know. `tls`: the context to serve
    with; None serves plain HTTP, `plain` both. `known`: addresses that keep their places when strangers come in masses.
    """

    def __init__(
        self, runner: web.AppRunner, host: str, port: int, *, tls: ssl.SSLContext | None = None,
        plain: bool = False, connections: int = MAX_CONNECTIONS, known: Known | None = None, **limits: Any,
    ) -> None:  # fmt: skip
        super().__init__(runner)
        self.host, self.port, self.tls, self.plain = host, port, tls, plain
        self.shares = Shares(connections, known or Known())
        self.shaking: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self.limits = limits

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
        return _Entrance(self)

    def accepted(self, transport: asyncio.Transport) -> None:
        """Give a new connection to the protocol that serves it, or refuse it."""
        sock = transport.get_extra_info("socket")
        if sock.fileno() < 0:  # gone again
            return
        server = self._runner.server
        assert server is not None
        crowded = len(server.connections) >= self.shares.total  # with handlers that still work for clients who left
        address = transport.get_extra_info("peername")[0]
        if crowded or not self.shares.take(sock, address, time.monotonic()):
            if self.tls is None or self.plain:
                transport.write(FULL)
            transport.close()
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux has it
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSEEN_MS)
        protocol = (
            self._connection()
            if self.tls is None
            else TlsHandshake(self.tls, self._connection, self.shaking, plain=self.plain)
        )
        transport.set_protocol(protocol)
        protocol.connection_made(transport)

    def _connection(self) -> Connection:
        server = self._runner.server
        assert server is not None
        return Connection(server, **self.limits)


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


class _Entrance(asyncio.Protocol):
    """A connection of which nothing is known yet."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._listener.accepted(transport)
