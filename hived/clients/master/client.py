"""Talk to a master: bounded, without redirects, over TLS that is checked before anything secret is sent."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import ssl
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import aiohttp
from backports import zstd

from hived.clients.master import parse
from hived.clients.master.errors import BadBatch, KeyTaken, NotTrusted, NotUnpacked, NotWelcome, OtherKey, TooLarge
from hived.clients.master.trust import ExpectedKey, PinnedKey, SeenKey
from hived.errors import HivedError, Throttled, Transient, Unreadable
from hived.records import values
from hived.records.joining import NodeKey
from hived.records.net import over_tls
from hived.records.streams import Item
from hived.records.uplink import Contact, FoundMaster, Hello, Ingested, JoinAnswer, Loan

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 1 << 20  # the verdict on 500 items has 100 KiB
CONNECT_S = 10.0
MAX_RETRY_AFTER_S = 3600.0  # a master that is away for longer is asked again all the same
ANSWER_S = 60.0  # a batch over a slow line, stored by a small board
WORTH_PACKING = 1024  # bytes; less fits into one packet anyway
ZSTD_LEVEL, GZIP_LEVEL = 3, 6


class MasterClient:
    """One master at one URL, one request at a time over one connection that is kept.

    `pin` is the public key that has to answer; None: a certificate that the system trusts, or no TLS at all. `trust`
    is for the first hello alone, before anything is pinned.
    """

    def __init__(
        self, url: str, *, pin: str | None = None, trust: SeenKey | None = None, version: str = "",
        answer_s: float = ANSWER_S,
    ) -> None:  # fmt: skip
        self.url = url.rstrip("/")
        self.stays = False
        """Whether keys go only over a connection that is there already: the one over which the master proved itself."""
        traces = aiohttp.TraceConfig()
        traces.on_connection_create_start.append(self._before_connecting)
        self._trust: aiohttp.Fingerprint | ssl.SSLContext
        if trust is not None:
            self._trust = trust
        else:
            self._trust = PinnedKey(pin) if pin is not None else ssl.create_default_context()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=2, keepalive_timeout=60.0),
            timeout=aiohttp.ClientTimeout(total=answer_s, sock_connect=CONNECT_S),
            trace_configs=[traces],
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": f"hived/{version}", "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> MasterClient:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

    async def hello(self, **asked: str) -> Hello:
        """Return who answers there. `asked`: the node_id, key_id and nonce for which it is to prove itself.

        Who refuses that is a proxy, or a master that wants to be asked by another name.
        """
        try:
            return parse.hello(await self._call("GET", f"hello?{urlencode(asked)}" if asked else "hello"))
        except NotWelcome as err:  # no key was shown that it could mean
            raise Transient(str(err), code="master_unreachable") from None

    async def join(self, ask: Mapping[str, Any]) -> JoinAnswer:
        """Ask to join; NotWelcome when the code is no good or this key was ended, KeyTaken."""
        return parse.join_answer(await self._call("POST", "join", body=_json(ask)))

    async def contact(self, key: NodeKey, body: Mapping[str, Any], encodings: Sequence[str] = ()) -> Contact:
        """Say how this node is, and return what the master wants of it."""
        return parse.contact(await self._call("POST", "nodes/me/contact", _json(body), key, encodings))

    async def ingest(
        self, key: NodeKey, head: Mapping[str, Any], lists: Mapping[str, Sequence[Item]], encodings: Sequence[str] = ()
    ) -> Ingested:
        """Send one batch: `head` and, by name, lists of items that are JSON texts already."""
        parts = [_json(head)[:-1].decode()]
        parts += [f'"{name}":[{",".join(item.text for item in items)}]' for name, items in lists.items()]
        body = (",".join(parts) + "}").encode()
        return parse.ingested(await self._call("POST", "ingest", body, key, encodings), str(head["stream"]))

    async def lent(self, key: NodeKey, body: Mapping[str, Any], encodings: Sequence[str] = ()) -> Loan:
        """Say what came of objects that the master lent, and return what it lends next."""
        return parse.loan(await self._call("POST", "nodes/me/lent", _json(body), key, encodings))

    async def register(self, key: NodeKey, new: NodeKey) -> None:
        """Make another key of this node known; the present one ends when that is used first."""
        body = _json({"key_id": new.id, "key_hash": new.secret_hash})
        await self._call("POST", "nodes/me/keys", body, key)

    async def _before_connecting(
        self, _session: aiohttp.ClientSession, call: SimpleNamespace, _params: aiohttp.TraceConnectionCreateStartParams
    ) -> None:
        if self.stays and call.trace_request_ctx:
            reason = f"the connection to {self.url} has ended, and who answers now has to prove itself first"
            raise Transient(reason, code="master_unreachable")

    async def _call(
        self, method: str, path: str, body: bytes | None = None, key: NodeKey | None = None,
        encodings: Sequence[str] = (),
    ) -> bytes:  # fmt: skip
        headers = {"Authorization": f"Bearer {key.text}"} if key is not None else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            if encodings and len(body) > WORTH_PACKING:
                headers["Content-Encoding"] = encodings[0]
                body = await asyncio.to_thread(_packed, body, encodings[0])
        url = f"{self.url}/api/v1/{path}"
        if isinstance(self._trust, PinnedKey) and not url.startswith("https:"):
            raise OtherKey(f"{self.url} is without TLS, which the master had when this node joined")
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False, ssl=self._trust,
                trace_request_ctx=key is not None,
            ) as reply:  # fmt: skip
                answer = await _bounded(reply)
                if reply.status in (200, 201, 202):
                    return answer
                raise _refusal(reply, answer)
        except aiohttp.ServerFingerprintMismatch as err:
            raise OtherKey(f"who answers at {self.url} has another key ({err.got.hex()[:16]}...)") from None
        except aiohttp.ClientConnectorCertificateError as err:
            raise NotTrusted(f"{self.url}: {err.certificate_error}") from None
        except TimeoutError:
            raise Transient(f"the master at {self.url} does not answer in time", code="master_unreachable") from None
        except (aiohttp.ClientError, OSError, ValueError) as err:
            reason = f"the master at {self.url} cannot be reached: {_reason(err)}"
            raise Transient(reason, code="master_unreachable") from None


async def find(url: str, *, version: str = "", answer_s: float = ANSWER_S, expected: str | None = None) -> FoundMaster:
    """Return who answers at a URL, and what to pin. Transient when nobody does, Unreadable when it is no master.

    A certificate that the system trusts needs no pin. Of any other one the public key is remembered: what it is worth
    is decided by the operator, who compares phrases. `expected`: the key that has to answer, as `ExpectedKey` takes it,
    over TLS whatever the URL says; OtherKey when another does. Of an http:// URL, TLS is tried first, on the same port.
    """
    if expected is not None:
        return await _seen(over_tls(url), ExpectedKey(expected), version, answer_s)
    if url.startswith("http://"):
        try:
            return await find(over_tls(url), version=version, answer_s=answer_s)
        except Transient as err:
            log.debug("no TLS there: %s", err)
    async with MasterClient(url, version=version, answer_s=answer_s) as client:
        try:
            hello = await client.hello()
            return FoundMaster(client.url, hello, seen=hello.pin if client.url.startswith("https:") else None)
        except NotTrusted:
            pass
    return await _seen(url, SeenKey(), version, answer_s)


async def _seen(url: str, seen: SeenKey, version: str, answer_s: float) -> FoundMaster:
    async with MasterClient(url, trust=seen, version=version, answer_s=answer_s) as client:
        hello = await client.hello()
    if seen.pin is None:
        raise Unreadable(f"the certificate at {url} cannot be read")
    return FoundMaster(client.url, hello, seen.pin, seen.pin, seen.certificate)


async def _bounded(reply: aiohttp.ClientResponse) -> bytes:
    if reply.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unreadable("the master's answer is packed although we asked for a plain one")
    body = bytearray()
    async for chunk in reply.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise Unreadable("the master's answer is too long")
    return bytes(body)


def _refusal(reply: aiohttp.ClientResponse, body: bytes) -> HivedError:
    status, complaint = reply.status, parse.complaint(body)
    text = f"the master answers {status}" + (f": {complaint}" if complaint else "")
    if status in (401, 403):
        return NotWelcome(text)
    if status == 409:
        return KeyTaken(text)
    if status == 413:
        return TooLarge(text, parse.error_limits(body))
    if status == 415:
        return NotUnpacked(text)
    if status in (400, 422):
        return BadBatch(text)
    if status in (408, 429) or status >= 500:
        return Throttled(text, values.retry_after(reply.headers.get("Retry-After"), MAX_RETRY_AFTER_S))
    if 300 <= status < 400:
        return Unreadable(f"{text}: it wants us somewhere else, and that is not followed")
    return Unreadable(text)


def _packed(body: bytes, encoding: str) -> bytes:
    return zstd.compress(body, ZSTD_LEVEL) if encoding == "zstd" else gzip.compress(body, GZIP_LEVEL, mtime=0)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _reason(err: BaseException) -> str:
    if isinstance(err, aiohttp.ClientConnectorError):
        return str(err.os_error.strerror or err.os_error)
    return str(err)[:200] or type(err).__name__
