"""Ask a master who it is (GET /api/v1/hello): one small bounded answer from an address that is not trusted yet."""

from __future__ import annotations

import asyncio
import json

import aiohttp

from hived.errors import Refused, Transient, Unreadable
from hived.records.peers import MASTER, base_url

PATH = "/api/v1/hello"
MAX_BODY_BYTES = 8 * 1024  # our own answer has 300 bytes
MAX_HEADER_BYTES = 4096
MAX_HEADERS = 64
TIMEOUT_S = 3.0  # a small box that makes a TLS handshake while it sweeps may need one
AT_ONCE = 32


class HelloClient:
    """Asks masters; keeps no connection, no cookie, follows nothing."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HelloClient:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=AT_ONCE, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            headers={"Accept-Encoding": "identity", "User-Agent": "hived"},
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def check(self, address: str, port: int, node_id: str, *, fingerprint: str | None) -> None:
        """Return when this master answers there; with `fingerprint` only over TLS with exactly that certificate.

        Transient without an answer that we understand; Refused when another machine answers.
        """
        answer = await self._ask(address, port, fingerprint)
        if answer.get("node_id") != node_id:
            raise Refused("another node answers there")
        if answer.get("role") != MASTER:
            raise Refused("it says that it is no master")

    async def _ask(self, address: str, port: int, fingerprint: str | None) -> dict[str, object]:
        assert self._session is not None, "not opened"
        url = base_url(address, port, tls=fingerprint is not None) + PATH
        # The certificate of a box on a LAN is signed by nobody: the announced fingerprint is what must match.
        trust = aiohttp.Fingerprint(bytes.fromhex(fingerprint)) if fingerprint else True
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.get(url, allow_redirects=False, ssl=trust) as reply,
            ):
                if reply.status != 200:
                    raise Transient(f"it answered {reply.status}")
                return _document(await _bounded(reply.content))
        except aiohttp.ServerFingerprintMismatch:
            raise Refused("its certificate is not the announced one") from None
        except TimeoutError:
            raise Transient("no answer") from None
        except aiohttp.ClientConnectorError as err:
            raise Transient((err.os_error.strerror or str(err.os_error)).lower()) from None
        except (aiohttp.ClientError, OSError, ValueError) as err:
            raise Transient(f"no answer that can be read: {type(err).__name__}") from None


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Unreadable("the answer is too long")
    return bytes(body)


def _document(body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("the answer is not JSON") from None
    if not isinstance(document, dict) or document.get("product") != "hived":
        raise Unreadable("the answer is not a master's")
    return document
