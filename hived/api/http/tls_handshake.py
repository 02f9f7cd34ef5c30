"""A connection before its TLS handshake is done: few bytes, few seconds, and one quiet line when it is no TLS.

Where plain HTTP is served on the same port, the first byte says which of the two a client speaks.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

log = logging.getLogger(__name__)

HANDSHAKE_S = 10.0  # a phone on a poor link needs two; as long again for the first byte
TLS_BYTE = b"\x16"  # a handshake record (RFC 8446, 5.1); no request begins with it
CLOSE_S = 1.0  # to say goodbye in TLS; the daemon has five seconds to stop
MAX_EARLY_BYTES = 64 * 1024  # what may come with the last message of the handshake


class TlsHandshake(asyncio.Protocol):
    """Shakes hands, then hands the connection to the protocol that `inside` makes. `waiting` holds it meanwhile.

    `plain`: who speaks no TLS is handed over as it is.
    """

    def __init__(
        self, context: ssl.SSLContext, inside: Callable[[], asyncio.Protocol], waiting: set[asyncio.Task[None]],
        *, plain: bool = False,
    ) -> None:  # fmt: skip
        self._context, self._inside, self._waiting, self._plain = context, inside, waiting, plain
        self._early = b""
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        loop = asyncio.get_running_loop()
        # The first bytes are for the handshake, not for us. Python before 3.11.4 begins to read after this call in any
        # case: the pause comes after that, and before anything can be read.
        loop.call_soon(transport.pause_reading)
        task = loop.create_task(self._shake(transport), name="tls")
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def data_received(self, data: bytes) -> None:
        self._early += data[: MAX_EARLY_BYTES - len(self._early)]

    def connection_lost(self, _exc: Exception | None) -> None:
        self._lost = True

    async def _shake(self, transport: asyncio.Transport) -> None:
        peer = transport.get_extra_info("peername")
        try:
            safe: asyncio.Transport | None = transport
            first = await _first_byte(transport) if self._plain else TLS_BYTE
            if first == TLS_BYTE:
                safe = await asyncio.get_running_loop().start_tls(
                    transport, self, self._context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S,
                    ssl_shutdown_timeout=CLOSE_S,
                )  # fmt: skip
        except (OSError, TimeoutError) as err:  # anything on the LAN may connect: not worth a warning
            log.debug("no %s from %s: %s", "request" if self._plain else "TLS", peer[0] if peer else "?", err)
            transport.abort()
            return
        except asyncio.CancelledError:  # the daemon ends
            transport.abort()
            raise
        if safe is None or self._lost or not first:
            transport.abort()
            return
        protocol = self._inside()
        safe.set_protocol(protocol)
        protocol.connection_made(safe)
        if self._early:  # it came in the same packet as the end of the handshake
            protocol.data_received(self._early)
        if safe is transport:
            transport.resume_reading()


async def _first_byte(transport: asyncio.Transport) -> bytes:
    """Return the first byte of a connection that is not read yet, and leave it there; b"" when the client left."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    with transport.get_extra_info("socket").dup() as sock:  # the loop lets nobody else wait for a transport's own
        loop.add_reader(sock, came.set)
        try:
            await asyncio.wait_for(came.wait(), HANDSHAKE_S)
        finally:
            loop.remove_reader(sock)
        return bytes(sock.recv(1, socket.MSG_PEEK))
