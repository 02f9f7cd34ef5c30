"""Send metrics to one receiver: bounded, without redirects, each request over a connection of its own.

Plain streams instead of an HTTP library: a request of a known length and the first line of an answer are all there is
to it, and 10 MiB are much for a daemon that is to be small on every box.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

from hived.errors import Refused, Throttled, Transient

ANSWER_S = 30.0
"""For one request, from the look for the address to the answer."""
MOST_SAID = 200
"""Bytes of an answer that says why: it ends up in a line for people."""
MOST_LINE, MOST_HEADERS = 8192, 100
MOST_PAUSE_S = 3600.0
_TAKEN = (200, 202, 204)
_REFUSED = (400, 409, 413, 415, 422)
"""These are about what was sent: the same again is refused again. Any other may be mended at the other end."""
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})\b")
_NOT_TEXT = re.compile(r"[^\x20-\x7e]+")
_FAILURES = (OSError, EOFError, ValueError, asyncio.LimitOverrunError, asyncio.IncompleteReadError)


class RemoteWrite:
    """One receiver. The URL may have a user and a password, which go out as such and are shown nowhere."""

    def __init__(self, url: str, *, version: str = "", answer_s: float = ANSWER_S) -> None:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        self.place = f"{parts.scheme}://{place}"
        """For people: without user, password and path."""
        self._answer_s = answer_s
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        login = []
        if parts.username:
            both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            login = [f"Authorization: Basic {b64encode(both.encode()).decode()}"]
        self._head = "\r\n".join([
            f"POST {target} HTTP/1.1", f"Host: {place}", f"User-Agent: hived/{version}", "Connection: close",
            "Content-Type: application/x-protobuf", "Content-Encoding: snappy", "Accept-Encoding: identity",
            "X-Prometheus-Remote-Write-Version: 0.1.0", *login,
        ]).encode("ascii", "replace")  # fmt: skip

    async def send(self, packed: bytes) -> None:
        """Send one request. Refused when it would be refused again; Transient or Throttled when it may work later."""
        try:
            async with asyncio.timeout(self._answer_s), self._connection() as (reader, writer):
                writer.write(b"%b\r\nContent-Length: %d\r\n\r\n%b" % (self._head, len(packed), packed))
                await writer.drain()
                status, pause, said = await _answer(reader)
        except TimeoutError as err:
            raise Transient(f"no answer within {self._answer_s:g} s") from err
        except _FAILURES as err:
            raise Transient(_text(str(err)) or type(err).__name__) from err
        if status in _TAKEN:
            return
        why = f"HTTP {status}{f': {said}' if said else ''}"
        if status in _REFUSED:
            raise Refused(why)
        if status in (429, 503) and pause.isdigit():
            raise Throttled(why, min(float(pause[:9]), MOST_PAUSE_S))
        raise Transient(why)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=MOST_LINE)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()  # all that it was for has been heard: nobody waits for a goodbye


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, str]:
    """Return (status, Retry-After, the beginning of the text)."""
    found = _STATUS.match(await reader.readline())
    if found is None:
        raise ValueError("it does not speak HTTP")
    headers = {}
    for _ in range(MOST_HEADERS):
        line = await reader.readline()
        if line in (b"\r\n", b"\n", b""):
            break
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    else:
        raise ValueError("its answer has no end")
    status = int(found[1])
    if status in _TAKEN:
        return status, b"", ""
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        await reader.readline()
    said = await reader.read(MOST_SAID)
    return status, headers.get(b"retry-after", b""), _text(said.decode("ascii", "replace"))


def _text(said: str) -> str:
    return _NOT_TEXT.sub(" ", said)[:MOST_SAID].strip()


def pack(message: bytes) -> bytes:
    """Return a message compressed with snappy, in its plain form."""
    from cramjam import snappy  # 1.6 MiB that only who sends metrics needs

    return bytes(snappy.compress_raw(message))
