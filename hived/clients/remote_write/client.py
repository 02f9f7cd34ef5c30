"""Send metrics to one receiver: bounded, without redirects, over a connection that is kept."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp

from hived.errors import Refused, Throttled, Transient

CONNECT_S = 10.0
ANSWER_S = 30.0
MOST_SAID = 200
"""Bytes of an answer that says why: it ends up in a line for people."""
MOST_PAUSE_S = 3600.0
_REFUSED = (400, 409, 413, 415, 422)
"""These are about what was sent: the same again is refused again. Any other may be mended at the other end."""
_NOT_TEXT = re.compile(r"[^\x20-\x7e]+")


class RemoteWrite:
    """One receiver. The URL may have a user and a password, which go out as such and are shown nowhere."""

    def __init__(self, url: str, *, version: str = "", answer_s: float = ANSWER_S) -> None:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        self._url = urlunsplit(parts._replace(netloc=place))
        self.place = f"{parts.scheme}://{place}"
        """For people: without user, password and path."""
        login = {}
        if parts.username:
            both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            login = {"Authorization": f"Basic {b64encode(both.encode()).decode()}"}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, keepalive_timeout=90.0),
            timeout=aiohttp.ClientTimeout(total=answer_s, sock_connect=CONNECT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={
                "User-Agent": f"hived/{version}", "Content-Encoding": "snappy",
                "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0",
                **login,
            },
        )  # fmt: skip

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

    async def send(self, packed: bytes) -> None:
        """Send one request. Refused when it would be refused again; Transient or Throttled when it may work later."""
        try:
            async with self._session.post(self._url, data=packed, allow_redirects=False) as reply:
                if reply.status in (200, 202, 204):
                    return
                said = await _said(reply)
                pause = reply.headers.get("Retry-After", "")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as err:
            raise Transient(str(err)[:MOST_SAID] or type(err).__name__) from err
        why = f"HTTP {reply.status}{f': {said}' if said else ''}"
        if reply.status in _REFUSED:
            raise Refused(why)
        if reply.status in (429, 503) and pause.isascii() and pause.isdigit():
            raise Throttled(why, min(float(pause[:9]), MOST_PAUSE_S))
        raise Transient(why)


async def _said(reply: aiohttp.ClientResponse) -> str:
    body = await reply.content.read(MOST_SAID)
    return _NOT_TEXT.sub(" ", body.decode("ascii", "replace")).strip()


def pack(message: bytes) -> bytes:
    """Return a message compressed with snappy, in its plain form."""
    from cramjam import snappy  # 1.6 MiB that only who sends metrics needs

    return bytes(snappy.compress_raw(message))
