"""What is secret goes to the device that it is for: who is at the end of a connection is asked before, once for each.

A connection that is kept leads to the machine that answered over it; a new one may lead to whoever has the address now.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import aiohttp

from hived.clients.firmwares.family import ConnectionWatch
from hived.clients.firmwares.http import Reply, Request, exchange
from hived.errors import AnotherDevice

MAX_REMEMBERED = 8192  # more than a site of 5,000 has
RIGHT_BEFORE_S = 5.0
"""How long the MAC counts that was told over a connection which was not kept: for the calls of one unlocking."""

Identify = Callable[[str, ConnectionWatch | None], Awaitable[str]]
"""Asks an address for its MAC."""


class Ends:
    """Remembers which MAC was told over the one connection that is open to each address."""

    def __init__(
        self, session: aiohttp.ClientSession, identify: Identify, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._session, self._identify, self._monotonic = session, identify, monotonic
        self._macs: OrderedDict[str, str] = OrderedDict()
        self._before: OrderedDict[str, tuple[str, float]] = OrderedDict()
        """What was told, and when, at addresses where no connection is kept."""

    def told(self, ip: str, mac: str) -> None:
        """Note that the device at the end of the connection to `ip` said its MAC."""
        remember(self._macs, ip, mac)

    async def open(self, ip: str, request: Request, watch: ConnectionWatch | None = None) -> Reply:
        """Send what anybody at the address may read."""
        return await exchange(self._session, replace(request, gate=_Gate(self._macs, ip)), watch)

    async def secret(self, ip: str, request: Request, mac: str, watch: ConnectionWatch | None = None) -> Reply:
        """Send what only the device `mac` may read. AnotherDevice when it is not the one that answers at the address.

        A web server that keeps no connection was asked over the one right before.
        """
        sure = replace(request, gate=_Gate(self._macs, ip, mac))
        with suppress(_NobodyKnown):
            return await exchange(self._session, sure, watch)
        before, at = self._before.get(ip, ("", -math.inf))
        if before == mac and self._monotonic() - at < RIGHT_BEFORE_S:
            return await self.open(ip, request, watch)
        told = await self._identify(ip, watch)
        if told != mac:
            raise AnotherDevice(f"{ip} is {told}'s address now")
        with suppress(_NobodyKnown):
            return await exchange(self._session, sure, watch)
        remember(self._before, ip, (mac, self._monotonic()))
        return await self.open(ip, request, watch)


T = TypeVar("T")


def remember(memory: OrderedDict[str, T], key: str, what: T) -> None:
    """Note something of an address; beyond `MAX_REMEMBERED` the oldest is forgotten."""
    memory[key] = what
    memory.move_to_end(key)
    while len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)


class _NobodyKnown(Exception):
    """It is not known who is at the end of the connection that the request would take: no error, it is asked."""


@dataclass(frozen=True, slots=True)
class _Gate:
    macs: OrderedDict[str, str]
    ip: str
    mac: str | None = None
    """The only one that may read what is sent; None: anybody."""

    def on_new(self) -> None:
        self.macs.pop(self.ip, None)
        if self.mac is not None:
            raise _NobodyKnown

    def on_kept(self) -> None:
        if self.mac is not None and self.macs.get(self.ip) != self.mac:
            raise _NobodyKnown
