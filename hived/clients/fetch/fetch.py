"""Guarded HTTP for hosts outside: every hop takes its turn, is checked, bounded in size and time, or is an error."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from hived.clients.fetch import robots, urls
from hived.clients.fetch.answer import Answer, clean, failure, judge, mark_challenge, mark_firewall, plain
from hived.clients.fetch.guard import Guard, GuardedResolver
from hived.clients.fetch.inflate import Body
from hived.clients.fetch.reply import (
    PAGES,
    Reply,
    is_wanted,
    media_type,
    received,
    retry_after,
    sendable,
)
from hived.errors import HivedError, Refused, Transient, Unreadable
from hived.records.artifact import Validators
from hived.records.hosts import OwnHosts

log = logging.getLogger(__name__)

Kind = Literal["page", "api", "robots"]

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_GONE_BYTES = 64 * 1024  # of an answer that says why there is nothing
MAX_HEADER_BYTES = 32 * 1024  # all of them together
MAX_FIELD_BYTES = 16 * 1024  # one of them: some sites send content policies of 10 KiB
MAX_HEADERS = 128
READ_BYTES = 1 << 16
MAX_REDIRECTS = 5
MAX_ROBOTS_REDIRECTS = 10
KEEPALIVE_S = 45.0  # longer than the polite pause of at most 30 s, so that a site is not made to shake hands each time

_MOVED = (301, 302, 303, 307, 308)
_NO_LIMIT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_OWN_HEADERS = frozenset(
    ("host", "user-agent", "accept", "accept-encoding", "cookie", "referer", "connection", "content-length")
)


class Gate(Protocol):
    """Whose turn it is. After each `admit` that returned, exactly one `note` follows, whatever happened."""

    async def admit(self, url: URL, *, kind: Kind) -> None:
        """Return when `url` may be asked; Throttled or NotAllowed when it may not."""

    def note(self, url: URL, *, status: int | None, seconds: float, retry_after_s: float | None) -> None:
        """Take down how it went. `status` None: there was no complete answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a host may take, s: to be connected to, until it begins to answer, and for one get() in all.

    `first_byte_s` is also the longest silence within an answer. Waiting at the gate does not count.
    """

    connect_s: float = 10.0
    first_byte_s: float = 20.0
    whole_s: float = 60.0


@dataclass(slots=True)
class _Errand:
    """One get(): what is wanted, and what of its time is left."""

    kind: Kind
    accept: Sequence[str]
    max_bytes: int
    stay_on: Sequence[str] | None
    validators: Validators
    headers: Mapping[str, str]
    left_s: float


class Fetcher:
    """Fetch from hosts outside. Use as an async context manager; one for the whole process is enough."""

    def __init__(
        self,
        *,
        contact: str | None,
        allow_hosts: Sequence[str],
        gate: Gate,
        version: str,
        clock: Callable[[], float],
        limits: Limits = Limits(),
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`clock` is UTC epoch seconds. `resolver` and `tls` replace the system's look-up and authorities."""
        self.guard = Guard(OwnHosts.of(allow_hosts))
        self.user_agent = f"{robots.AGENT}/{version}" + (f" (+{contact})" if contact else "")
        self._may_ask_others = bool(contact)
        self._gate = gate
        self._clock = clock
        self._limits = limits
        self._resolver = resolver
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self.guard, self._resolver or aiohttp.ThreadedResolver()),
            socket_factory=self.guard.open_socket,
            use_dns_cache=False,
            ssl=self._tls or True,
            limit=32,
            keepalive_timeout=KEEPALIVE_S,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=_NO_LIMIT,
            auto_decompress=False,
            trust_env=False,
            read_bufsize=READ_BYTES,
            max_line_size=MAX_FIELD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_HEADERS,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(
        self,
        url: str,
        *,
        kind: Kind = "page",
        validators: Validators | None = None,
        accept: Sequence[str] = PAGES,
        max_bytes: int = MAX_BODY_BYTES,
        stay_on: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return the answer of 200, 304, 404 or 410; of any status when `kind` is "robots", and then cut at 500 KiB.

        `stay_on` names the hosts (host or host:port) that every hop must be on. `headers` are sent in addition, to the
        first host only. Raises Transient, Throttled, Blocked, NotAllowed, Refused (BadStatus) and Unreadable, nothing
        else. A 403 of a type that was not asked for, an API's 403 with a page or 200 of a type that was not asked for,
        and a challenge for browsers are a firewall's: Throttled, for 60 s unless it says how long.
        """
        errand = _Errand(
            kind=kind,
            accept=accept,
            max_bytes=min(max_bytes, robots.MAX_BYTES) if kind == "robots" else max_bytes,
            stay_on=stay_on,
            validators=validators or Validators(),
            headers={name: text for name, text in (headers or {}).items() if name.lower() not in _OWN_HEADERS},
            left_s=self._limits.whole_s,
        )
        target = first = self.guard.check(url, stay_on)
        for left in range(MAX_ROBOTS_REDIRECTS if kind == "robots" else MAX_REDIRECTS, -1, -1):
            answer = await self._visit(target, errand, same_host=target.origin() == first.origin())
            if answer.status not in _MOVED or (kind == "robots" and left == 0):
                return self._reply(target, answer, errand)
            target = self._next(target, answer, stay_on)
        raise Refused(f"{urls.shown(url)} redirects more than {MAX_REDIRECTS} times")

    def _next(self, here: URL, answer: Answer, stay_on: Sequence[str] | None) -> URL:
        if answer.location is None:
            raise Unreadable(f"{urls.shown(here)} redirects to nowhere")
        target = self.guard.check(urls.next_hop(here, answer.location), stay_on)
        if here.scheme == "https" and target.scheme == "http":
            raise Refused(f"{urls.shown(here)} redirects from https to http")
        return target

    async def _visit(self, url: URL, errand: _Errand, *, same_host: bool) -> Answer:
        """Ask one URL in its turn, and tell the gate how it went."""
        if not self._may_ask_others and not self.guard.own.covers(url.raw_host or "", url.port):
            raise Refused(
                f"{url.host} is not asked: set minerd.contact to a mail address or URL of yours, for the User-Agent"
            )
        await self._gate.admit(url, kind=errand.kind)
        loop = asyncio.get_running_loop()
        started = loop.time()
        status: int | None = None
        retry_after_s: float | None = None
        try:
            answer = await self._ask(url, errand, same_host=same_host)
            status, retry_after_s = answer.status, answer.retry_after_s
        except _Unwanted as unwanted:
            status = unwanted.status
            raise unwanted.error from None
        finally:
            seconds = loop.time() - started
            errand.left_s -= seconds
            self._gate.note(url, status=status, seconds=seconds, retry_after_s=retry_after_s)
            log.debug("%s answered %s in %.2f s", urls.shown(url), status, seconds)
        return answer

    async def _ask(self, url: URL, errand: _Errand, *, same_host: bool) -> Answer:
        """Return one answer. The causes of errors are left out: aiohttp's carry the URL with its query."""
        with self.guard.asking(url) as asked:
            try:
                async with asyncio.timeout(max(errand.left_s, 0.0)):
                    return await self._exchange(url, errand, same_host=same_host)
            except TimeoutError:
                raise Transient(f"{urls.shown(url)} did not answer in time") from None
            except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as err:
                raise failure(err, asked, urls.shown(url)) from None

    async def _exchange(self, url: URL, errand: _Errand, *, same_host: bool) -> Answer:
        assert self._session is not None, "the Fetcher is not entered"
        limits = self._limits
        headers = {
            **(errand.headers if same_host else {}),
            "User-Agent": self.user_agent,
            "Accept": ", ".join(errand.accept) if errand.kind != "robots" else "text/plain, */*;q=0.5",
            "Accept-Encoding": "gzip",
            **sendable(errand.validators),
        }
        async with asyncio.timeout(limits.connect_s + limits.first_byte_s):
            response = await self._session.get(
                url,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=limits.connect_s, sock_connect=None, sock_read=limits.first_byte_s
                ),
            )
        async with response:  # leaving it closes a connection whose answer was not read to its end
            answer = self._head(response)
            if errand.kind != "robots":
                mark_firewall(answer, errand.accept, is_api=errand.kind == "api")
            try:
                room = _room(answer, errand)
                if room is not None:
                    answer.body = await _body(response, room, cut=errand.kind == "robots" or answer.status != 200)
            except (Refused, Unreadable) as error:
                raise _Unwanted(answer.status, error) from None
            if errand.kind == "page":
                mark_challenge(answer)
            return answer

    def _head(self, response: aiohttp.ClientResponse) -> Answer:
        if sum(len(name) + len(value) + 4 for name, value in response.raw_headers) > MAX_HEADER_BYTES:
            raise _Unwanted(response.status, Unreadable(f"more than {MAX_HEADER_BYTES:,} bytes of headers"))
        headers = plain(response.headers)
        locations = set(response.headers.getall("Location", ()))
        return Answer(
            status=response.status,
            headers=headers,
            content_type=media_type(headers.get("content-type")),
            retry_after_s=retry_after(headers.get("retry-after"), self._clock()),
            robots_tags=tuple(map(clean, response.headers.getall("X-Robots-Tag", ()))),
            location=locations.pop() if len(locations) == 1 else None,
        )

    def _reply(self, url: URL, answer: Answer, errand: _Errand) -> Reply:
        """Return what is an answer, raise what is not."""
        if errand.kind != "robots":
            judge(urls.shown(url), answer, conditional=bool(sendable(errand.validators)))
        unchanged = answer.status == 304
        return Reply(
            url=str(url),
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
            validators=received(answer.headers, errand.validators if unchanged else Validators()),
            retry_after_s=answer.retry_after_s,
            robots_tags=answer.robots_tags,
        )


class _Unwanted(Exception):
    """Carries an error past the hop that met it, with the status that the host gave."""

    def __init__(self, status: int, error: HivedError) -> None:
        super().__init__(str(error))
        self.status = status
        self.error = error


def _room(answer: Answer, errand: _Errand) -> int | None:
    """Return how many bytes of the body to read, None for not at all; Refused for a type that was not asked for."""
    if errand.kind == "robots":
        return errand.max_bytes if 200 <= answer.status < 300 else None
    if answer.status in (404, 410):
        return MAX_GONE_BYTES
    if answer.status != 200 or answer.is_firewall:
        return None
    if not is_wanted(answer.content_type, errand.accept):
        raise Refused(f"the answer is {clean(answer.content_type) or 'of no type'}: not what is collected here")
    return errand.max_bytes


async def _body(response: aiohttp.ClientResponse, room: int, *, cut: bool) -> bytes:
    encoding = ", ".join(response.headers.getall("Content-Encoding", ()))
    body = Body(encoding, room, cut=cut)
    if not cut and encoding == "" and (response.content_length or 0) > room:
        raise Unreadable(f"the answer is larger than {room:,} bytes")
    async for chunk in response.content.iter_any():
        body.feed(chunk)
        if body.full:
            break
    return body.finish()
