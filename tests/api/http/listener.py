"""A reader of the stream, on a bare socket: it sees what is sent and when, and may stop reading."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests import access

WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """One event, or a comment (name "")."""

    name: str
    data: Any
    id: str | None = None


@dataclass(slots=True)
class Listener:
    reader: asyncio.StreamReader
    head: str
    seen: list[Message] = field(default_factory=list)

    async def next(self, name: str) -> Message:
        """Return the next event with this name; everything before it is in `seen`."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                message = await self._read()
                self.seen.append(message)
                if message.name == name:
                    return message

    async def end(self) -> bytes:
        """Read until the server ends the connection; return the rest."""
        async with asyncio.timeout(WITHIN_S):
            return await self.reader.read()

    async def _read(self) -> Message:
        block = await self._block()
        while block.startswith("retry:"):
            block = await self._block()
        if block.startswith(":"):
            return Message("", block[1:].strip())
        told = dict(line.split(": ", 1) for line in block.splitlines())
        return Message(told["event"], json.loads(told["data"]), told.get("id"))

    async def _block(self) -> str:
        lines: list[str] = []
        while True:
            size = int(await self.reader.readline(), 16)  # a chunk of HTTP
            text = (await self.reader.readexactly(size + 2))[:-2].decode()
            assert size, "the stream ended"
            lines.append(text)
            if text.endswith("\n\n"):
                *before, last = "".join(lines).strip("\n").split("\n\n")
                assert all(one.startswith("retry:") for one in before)
                return last


@asynccontextmanager
async def listen(
    port: int, query: str = "", *, buffer: int | None = None, proof: str = access.HEADER, **headers: str
) -> AsyncIterator[Listener]:
    """Open the stream; `buffer` bounds what the kernel takes for us, bytes; `proof`: the header that lets us in."""
    sock = socket.socket()
    sock.setblocking(False)
    if buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=buffer or 2**20)
    more = proof + "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET /api/v1/stream{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n".encode())
    try:
        async with asyncio.timeout(WITHIN_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        yield Listener(reader, head)
    finally:
        writer.transport.abort()
        sock.close()
