"""Real receivers on loopback: what they got is kept byte for byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine!"


@dataclass
class Web:
    """Keeps each request and gives the same answer."""

    answer: bytes = OK
    port: int = 0
    got: list[bytes] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)
    hangs: bool = False
    floods: bool = False

    async def __call__(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        """Be the place of every host."""
        self.asked.append((host, port))
        return [("127.0.0.1", self.port)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            self.got.append(head + await reader.readexactly(int(lines.get(b"content-length", 0))))
            if self.hangs:
                await reader.read()
            writer.write(self.answer)
            await writer.drain()
            while self.floods:
                writer.write(b"x" * 65536)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def web(answer: bytes = OK, *, tls: ssl.SSLContext | None = None, hangs: bool = False) -> AsyncIterator[Web]:
    """Run a web server that keeps what it gets."""
    running = Web(answer, hangs=hangs)
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0, ssl=tls)
    running.port = server.sockets[0].getsockname()[1]
    async with server:
        yield running


@dataclass
class Mail:
    """Keeps each mail."""

    port: int = 0
    answer: str = "250 OK queued as 77"
    got: list[tuple[str | None, list[str], bytes]] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        return [("127.0.0.1", self.port)]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return self.answer


@asynccontextmanager
async def mail_server(answer: str = "250 OK queued as 77", **options: Any) -> AsyncIterator[Mail]:
    """Run a mail server that keeps what it gets."""
    running = Mail(answer=answer)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(running, hostname="mx.test", **options), "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    async with server:
        yield running
