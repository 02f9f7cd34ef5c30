"""No request reaches a private, loopback or link-local address unless the operator allowed that host.

The addresses are checked where the socket is opened, so a name that changes its answer, a redirect, a retry and a
connection that is opened anew all meet the same check.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from hived.clients.fetch import urls
from hived.errors import Blocked
from hived.records import addresses
from hived.records.hosts import OwnHosts

MAX_ANSWERS = 64  # a name with more addresses is no museum's
MAX_TRIED = 6  # of them: each may cost a time-out

_WEB_PORTS = (80, 443)


@dataclass(slots=True)
class Asked:
    """The host that a request is for; `refused` says why an address of it was not connected to."""

    host: str
    port: int
    refused: str | None = None


_ASKED: ContextVar[Asked | None] = ContextVar("asked", default=None)


class Guard:
    """Decide which URLs and which addresses may be asked."""

    def __init__(self, own: OwnHosts) -> None:
        self.own = own

    def check(self, raw: str, stay_on: Sequence[str] | None = None) -> URL:
        """Return the URL to ask; Blocked with the reason when it must not be.

        `stay_on` names hosts (host or host:port) outside of which nothing is asked; a port that stands there is the
        one of a source's base URL, which the operator gave.
        """
        url = urls.parse(raw)
        host, port = url.raw_host or "", url.port or 0
        inside, names_port = (True, False) if stay_on is None else urls.on(url, stay_on)
        if not inside:
            raise Blocked(f"{urls.shown(url)} lies outside the hosts of this source")
        own = self.own.covers(host, port)
        if port not in _WEB_PORTS and not own and not names_port:
            raise Blocked(f"port {port} of {host} is not asked: only 80 and 443 are")
        address = addresses.parse(host)
        if address is not None:
            self.check_address(host, port, address)
        elif urls.is_local_name(host) and not own:
            raise Blocked(f"{host} is a name of a local network: minerd.allow_hosts does not have it")
        return url

    def check_address(self, host: str, port: int, address: addresses.Address) -> None:
        """Raise Blocked unless `address` is public or the operator allowed it for `host` and `port`."""
        if self.own.has_address(address, port):
            return
        why = addresses.why_not_public(address)
        if why is None or (self.own.has_name(host, port) and addresses.is_private_unicast(address)):
            return
        at = "" if host == str(address) else f"{host} is at "
        raise Blocked(f"{at}{address}, {why}: minerd.allow_hosts does not have it")

    @contextmanager
    def asking(self, url: URL) -> Iterator[Asked]:
        """Tell the socket factory, for connections opened within the block, which host they are for."""
        asked = Asked(url.raw_host or "", url.port or 0)
        token = _ASKED.set(asked)
        try:
            yield asked
        finally:
            _ASKED.reset(token)

    def open_socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """Return a socket for the address that is really connected to; OSError when it must not be.

        aiohttp calls this for every new connection. Without an `asking` block only public addresses pass.
        """
        family, kind, proto, _, where = info
        asked = _ASKED.get() or Asked("", 0)
        address = addresses.parse(str(where[0]))
        try:
            if address is None:
                raise Blocked("this is no address")
            if asked.port and where[1] != asked.port:
                raise Blocked(f"port {where[1]} is not the one that was asked for")
            self.check_address(asked.host, where[1], address)
        except Blocked as blocked:
            asked.refused = str(blocked)
            raise OSError(errno.EACCES, str(blocked)) from None  # the one kind that aiohttp cleans up after
        return socket.socket(family, kind, proto)


class GuardedResolver(AbstractResolver):
    """Look names up and hand on the answer only when every address of it may be asked."""

    def __init__(self, guard: Guard, inner: AbstractResolver) -> None:
        self._guard = guard
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the checked addresses of `host`; Blocked when one is not allowed, OSError when there is none."""
        try:
            found = await self._inner.resolve(host, port, family)
        except UnicodeError:
            raise OSError(f"{host} is no name") from None
        if len(found) > MAX_ANSWERS:
            raise Blocked(f"{host} has {len(found)} addresses")
        checked = [self._checked(host, port, answer["host"]) for answer in found]
        if not checked:
            raise OSError(f"{host} has no address")
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in checked[:MAX_TRIED]
        ]

    async def close(self) -> None:
        await self._inner.close()

    def _checked(self, host: str, port: int, text: str) -> addresses.Address:
        address = addresses.parse(text)
        if address is None:
            raise Blocked(f"{host} resolves to something that is no address")
        self._guard.check_address(host, port, address)
        return address
