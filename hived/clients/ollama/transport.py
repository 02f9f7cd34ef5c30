"""The HTTP below Ollama's package, bounded: no answer can fill the memory, no setting of the machine can bend it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from urllib.parse import unquote, urlsplit

import httpx
import ollama

from hived.errors import Refused, Unreadable

MAX_ANSWER_BYTES = 4 << 20  # 600 tokens come as 100 KiB of lines; a long list of models has a few KiB each
MAX_PULL_BYTES = 256 << 20  # a line of progress, 150 bytes, 16 times a second, for a day
MAX_LINE_BYTES = 1 << 20


def open_client(host: str, *, connect_s: float) -> ollama.AsyncClient:
    """Return the package's client for `host` and nothing else; the caller closes it.

    It follows no redirect and reads no environment: neither OLLAMA_HOST and OLLAMA_API_KEY nor proxies. Time after
    the connection stands is not limited here: what is silence depends on what was asked.
    """
    parts = urlsplit(host)
    if not parts.hostname:
        raise Refused("ollama.host is empty")
    basic = _basic(parts.username, parts.password)

    async def authorise(request: httpx.Request) -> None:
        request.headers.pop("authorization", None)  # the package takes a key out of the environment
        if basic:
            request.headers["authorization"] = basic

    return ollama.AsyncClient(
        host,
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(None, connect=connect_s, pool=connect_s),
        headers={"accept-encoding": "identity"},
        event_hooks={"request": [authorise]},
        transport=_Bounded(verify=parts.scheme == "https"),
    )


def shown(host: str) -> str:
    """Return a host as people may see it: without user and password."""
    return urlsplit(host)._replace(netloc=urlsplit(host).netloc.rpartition("@")[2]).geturl()


def _basic(user: str | None, password: str | None) -> str | None:
    if user is None:
        return None
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


class _Bounded(httpx.AsyncBaseTransport):
    """Counts the bytes of every answer while they come."""

    def __init__(self, *, verify: bool) -> None:
        self._inner = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=httpx.Limits(max_connections=4))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        most = MAX_PULL_BYTES if request.url.path.endswith("/api/pull") else MAX_ANSWER_BYTES
        assert isinstance(response.stream, httpx.AsyncByteStream)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.stream.aclose()
            raise Unreadable("Ollama's answer is compressed although we asked for a plain one")
        response.stream = _Counted(response.stream, most)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Counted(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, most: int) -> None:
        self._stream, self._most = stream, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        whole = line = 0
        async for chunk in self._stream:
            whole += len(chunk)
            end = chunk.rfind(b"\n")
            line = len(chunk) - end - 1 if end >= 0 else line + len(chunk)
            if whole > self._most or line > MAX_LINE_BYTES:
                raise Unreadable("Ollama's answer is too long")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
