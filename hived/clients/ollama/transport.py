"""The HTTP below Ollama's package, bounded: no answer can fill the memory, no setting of the machine can bend it."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from hived.errors import HivedError, Transient, Unreadable


@contextmanager
def _bare() -> Iterator[None]:
    """Take the environment away: the package makes a client out of it, at import and whenever it makes one for us.

    It fails with what it does not understand (a SOCKS proxy, a missing file of certificates), and none is meant for us.
    """
    environment = dict(os.environ)
    os.environ.clear()
    try:
        yield
    finally:
        os.environ.update(environment)


with _bare():
    import httpx
    import ollama

MAX_ANSWER_BYTES = 4 << 20  # 600 tokens come as 100 KiB of lines; a long list of models has a few KiB each
MAX_PULL_BYTES = 256 << 20  # a line of progress, 150 bytes, 16 times a second, for a day
MAX_LINE_BYTES = 1 << 20

# What the package lets through when an answer has not the shape it expects.
_SHAPELESS = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


def open_client(host: str, *, connect_s: float) -> ollama.AsyncClient:
    """Return the package's client for `host` and nothing else; the caller closes it.

    It follows no redirect and reads no environment: neither OLLAMA_HOST and OLLAMA_API_KEY nor proxies. Time after
    the connection stands is not limited here: what is silence depends on what was asked.
    """
    parts = urlsplit(host)
    basic = _basic(parts.username, parts.password)

    with _bare():
        return ollama.AsyncClient(
            host,
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(None, connect=connect_s, pool=connect_s),
            headers={"accept-encoding": "identity"} | ({"authorization": basic} if basic else {}),
            transport=_Bounded(verify=parts.scheme == "https"),
        )


@contextmanager
def as_ours(meaning: Callable[[int, object], HivedError], host: str) -> Iterator[None]:
    """Turn what the package and the HTTP below it raise into our errors; `meaning` is that of an error answer."""
    try:
        yield
    except HivedError:
        raise
    except ollama.ResponseError as err:
        raise meaning(err.status_code, err.error) from None
    except httpx.RemoteProtocolError:
        raise Unreadable("Ollama hung up in the middle of an answer") from None
    except (OSError, httpx.HTTPError) as err:
        raise Transient(f"no Ollama answers at {host}: {_reason(err)}") from None
    except _SHAPELESS:
        raise Unreadable("what Ollama answered is not what Ollama answers") from None


def _reason(err: OSError | httpx.HTTPError) -> str:
    if isinstance(err, httpx.ConnectTimeout):
        return "no connection in time"
    if isinstance(err, ConnectionError | httpx.ConnectError):
        return "connection refused"
    if isinstance(err, httpx.ReadError | httpx.WriteError):
        return "the connection broke"
    return f"the connection failed ({type(err).__name__})"


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
