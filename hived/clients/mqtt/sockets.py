"""The way to a broker: TCP, TLS where the URL says so, and no packet from there that is larger than any of ours."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hived.errors import Transient
from hived.records.mqtt import Broker

MAX_PACKET = 16 * 1024
"""Bytes. What we ask to hear is a word or a command; MQTT itself goes up to 256 MiB, which would end the daemon."""


class _TooLarge(OSError):
    """The other side sends what nobody asked for."""


def _bounded(size: int) -> int:
    # The package reads a packet by asking for all that is left of it.
    if size > MAX_PACKET:
        raise _TooLarge(f"a packet of {size:,} bytes")
    return size


class _Plain(socket.socket):
    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        return super().recv(_bounded(bufsize), flags)


class _Tls(ssl.SSLSocket):
    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        return super().recv(_bounded(buflen), flags)


async def opened(broker: Broker, ca: Path | None) -> socket.socket:
    """Return a connection that does not block, its TLS agreed on. OSError, TimeoutError; Transient for a bad `ca`."""
    context = await asyncio.to_thread(_context, ca) if broker.tls else None
    plain = await _tcp(broker)
    try:
        if context is None:
            return plain
        secure = context.wrap_socket(plain, server_hostname=broker.host, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise
    try:
        await _handshake(secure)
    except BaseException:
        secure.close()
        raise
    return secure


def _context(ca: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as err:
        raise Transient(f"mqtt.ca: {ca} holds no certificates that can be read: {err.strerror or err}") from None
    context.sslsocket_class = _Tls
    return context


async def _tcp(broker: Broker) -> socket.socket:
    loop = asyncio.get_running_loop()
    failed: OSError | None = None
    for family, kind, proto, _, address in await loop.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM):
        sock = _Plain(family, kind, proto)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except OSError as err:
            sock.close()
            failed = err
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failed or OSError("no address")


async def _handshake(sock: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            await _ready(loop.add_reader, loop.remove_reader, sock.fileno())
        except ssl.SSLWantWriteError:
            await _ready(loop.add_writer, loop.remove_writer, sock.fileno())
        else:
            return


async def _ready(add: Callable[..., Any], remove: Callable[[int], Any], fileno: int) -> None:
    is_ready = asyncio.Event()
    add(fileno, is_ready.set)
    try:
        await is_ready.wait()
    finally:
        remove(fileno)
