"""What the faults of all stand-ins have in common: names, whom they strike, ways to break a connection."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from aiohttp import web

Kind = TypeVar("Kind", bound=Enum)
MEGABYTE = 1_000_000


class Active(Protocol):
    """A fault that is switched on, with its options."""

    hits: int

    @property
    def paths(self) -> tuple[str, ...]:
        """Only these paths suffer; * matches anything. Empty: all."""

    @property
    def times(self) -> int | None:
        """So many requests suffer, then all is well again. None: until it is cleared."""


def names(kinds: type[Kind], *more: str) -> list[str]:
    """Return the names of faults as the command line has them."""
    return [*more, *(kind.value for kind in kinds)]


def named(kinds: type[Kind], name: object) -> Kind:
    """Return the fault of a name, hyphens allowed. Raises ValueError."""
    try:
        return kinds(str(name).replace("-", "_"))
    except ValueError:
        raise ValueError(f"unknown fault {name!r}, expected one of {', '.join(names(kinds))}") from None


def spent(active: Active) -> bool:
    """Tell whether it has struck as often as it was to."""
    return active.times is not None and active.hits >= active.times


def fits(active: Active, path: str) -> bool:
    """Tell whether it is of this path."""
    return not active.paths or any(fnmatchcase(path, pattern) for pattern in active.paths)


def strikes(active: Active, path: str) -> bool:
    """Tell whether the request for a path is to suffer, and count it."""
    if spent(active) or not fits(active, path):
        return False
    active.hits += 1
    return True


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection with RST, dropping what is unsent."""
    if not isinstance(transport, asyncio.Transport):
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def for_ever() -> web.StreamResponse:
    """Wait until the connection is lost: the server then cancels us."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody resolves this future")


async def cut(request: web.BaseRequest, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
    """Announce the whole body, send half of it, hang up."""
    response = web.StreamResponse(headers={**headers, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def stream(request: web.BaseRequest, headers: Mapping[str, str], pieces: Iterable[bytes]) -> web.StreamResponse:
    """Send pieces as they are made, in chunks unless a length is announced, and let others have their turn."""
    response = web.StreamResponse(headers=headers)
    if "Content-Length" not in headers:
        response.enable_chunked_encoding()
    response.force_close()
    await response.prepare(request)
    for piece in pieces:
        if piece:
            await response.write(piece)
        await asyncio.sleep(0)  # compressing a megabyte takes milliseconds
    await response.write_eof()
    return response


def filled(size: int, head: bytes, block: bytes, tail: bytes = b"") -> Iterator[bytes]:
    """Yield a body of `size` bytes: its head, the block as often as it fits, its tail."""
    yield head
    left = size - len(head) - len(tail)
    for start in range(0, left, len(block)):
        yield block[: left - start]
    yield tail


def bomb(size: int, head: bytes, tail: bytes = b"") -> Iterator[bytes]:
    """Yield a gzip stream of `size` bytes, about a thousandth as long, made as it is sent. Memory stays at 1 MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    yield from map(packer.compress, filled(size, head, b"A" * MEGABYTE, tail))
    yield packer.flush()
