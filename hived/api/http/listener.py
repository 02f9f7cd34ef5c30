"""The listening socket: how many may come in, how slow they may be, and what they hear when it is no HTTP."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import time
from contextlib import suppress
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

ACCEPT_AT_ONCE = 64  # before anything else has its turn
RETRY_S = 1.0  # after an accept that failed: no more files may be open
QUEUE = 4096  # in the kernel: when it is full, who comes has to try again seconds later

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
        self._beginning: set[asyncio.Task[object]] = set()
        self._listening: list[socket.socket] = []
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
            self._listening.append(bound)
            loop.add_reader(bound, self._accept, bound)
            self.port = bound.getsockname()[1]
        if not self._listening:
            raise absent[0]

    def _close(self) -> None:
        for listening in self._listening:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._listening.clear()

    async def stop(self) -> None:
        """Listen no more; handshakes under way end."""
        await super().stop()
        self._close()
        pending = [*self._beginning, *self.shaking]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def _accept(self, listening: socket.socket) -> None:
        """Give everybody who came a place, or a refusal: that costs no more than a few system calls."""
        self.shares.forget_closed()
        for _ in range(ACCEPT_AT_ONCE):
            try:
                sock, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as err:
                log.error("cannot take connections: %s", err.strerror)
                loop = asyncio.get_running_loop()
                loop.remove_reader(listening)
                loop.call_later(RETRY_S, self._listen_again, listening)
                return
            self._admit(sock, address[0])

    def _listen_again(self, listening: socket.socket) -> None:
        if listening in self._listening:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _admit(self, sock: socket.socket, address: str) -> None:
        server = self._runner.server
        assert server is not None
        crowded = len(server.connections) >= self.shares.total  # with handlers that still work for clients who left
        if crowded or not self.shares.take(sock, address, time.monotonic()):
            with sock, suppress(OSError):
                if self.tls is None or self.plain:
                    sock.send(FULL)
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux has it
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSEEN_MS)
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.connect_accepted_socket(self._protocol, sock), name="accept")
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    def _protocol(self) -> asyncio.Protocol:
        if self.tls is None:
            return self._connection()
        return TlsHandshake(self.tls, self._connection, self.shaking, plain=self.plain)

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
        sock.listen(QUEUE)
    except OSError:
        sock.close()
        raise
    return sock
