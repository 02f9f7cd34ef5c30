"""A scripted peer on 127.0.0.1: says exactly the bytes a test wants, or misbehaves on purpose."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Asked:
    """One request as it came in; header names in lower case."""

    call: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """`answers` maps "GET /api/v1/info" to bytes to send or to an act that takes over the connection."""

    answers: dict[str, bytes | Act] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    sent: int = 0
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def says(self, path: str, answer: bytes | Act, method: str = "GET") -> None:
        self.answers[f"{method} /api/v1{path}"] = answer

    def calls(self) -> list[str]:
        return [asked.call for asked in self.asked]

    def hang_up(self) -> None:
        """Close every kept connection, as a firmware does after some idle seconds."""
        for writer in self.writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.writers.add(writer)
        self.connections += 1
        try:
            while not writer.is_closing():
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            writer.close()
            self.writers.discard(writer)
            self.tasks.discard(task)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = head[0].split(" ")
        call = f"{method} {target.partition('?')[0]}"
        self.asked.append(Asked(f"{method} {target}", headers, body))
        answer = self.answers.get(call, reply(404))
        if isinstance(answer, bytes):
            self.sent += len(answer)
            writer.write(answer)
            await writer.drain()
        else:
            await answer(reader, writer)
            writer.close()


def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """Return a whole HTTP reply; `Content_Encoding="gzip"` becomes a header."""
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}\r\n")
    return f"HTTP/1.1 {status} Said\r\n{''.join(lines)}\r\n".encode() + body


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client gives up."""
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte every 10 ms: each is in time, the whole never is."""
    writer.write(reply(200, b"", Content_Length="1000"))
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        try:
            await asyncio.wait_for(reader.read(1), 0.01)
            return
        except TimeoutError:
            continue


def reset(after: bytes = b"") -> Act:
    """Send `after`, then a TCP reset instead of an end."""

    async def act(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(after)
        await writer.drain()
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return act


def cut(said: bytes) -> Act:
    """Send `said` and end the connection."""

    async def act(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    return act


def flood(peer: Peer, head: bytes, block: bytes, total: int) -> Act:
    """Send `head` and then `block` up to `total` bytes, as long as the client takes them."""

    async def act(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while peer.sent < total:
            writer.write(block)
            peer.sent += len(block)
            await writer.drain()

    return act


@asynccontextmanager
async def running_peer() -> AsyncIterator[Peer]:
    """Run a peer; at the end no connection and no task of it is left."""
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in list(peer.tasks):
            task.cancel()
        await asyncio.gather(*peer.tasks, return_exceptions=True)
        await server.wait_closed()
