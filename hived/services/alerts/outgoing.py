"""What is needed to send something out of this box: the way, and where it may lead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Literal

from hived.clients.outgoing.egress import Egress
from hived.clients.outgoing.limits import AT_ONCE
from hived.clients.outgoing.sender import Sender
from hived.records.hosts import OwnHosts
from hived.runtime.config import Config
from hived.runtime.interfaces import own_addresses
from hived.runtime.named_urls import NamedUrl
from hived.services.miners.sweep import networks_of
from hived.store import Store
from hived.store.miners.known_addresses import known_addresses


async def to_the_end(works: Iterable[Awaitable[object]]) -> None:
    """Do several things at once, each to its end whatever becomes of the others; raise what the first raised."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`channels`: those of the configuration. `allowed`: the operator's own hosts, which any channel may reach."""

    channels: tuple[NamedUrl, ...] = ()
    allowed: OwnHosts = field(default_factory=OwnHosts)
    subnets: tuple[IPv4Network | Literal["auto"], ...] = ()
    sender: Sender = field(default_factory=Sender)

    @classmethod
    def of(cls, config: Config, *, at_once: int = AT_ONCE) -> Outgoing:
        """Return what the configuration says."""
        own = config.alerts
        return cls(own.channels, OwnHosts.of(own.allow_hosts), config.network.subnets, Sender(at_once=at_once))

    async def egress(self, store: Store, *, configured: bool = False) -> Egress:
        """Return where something may be sent to now. `configured`: the configuration itself has the URL."""
        if configured:
            return Egress(named=True)
        return Egress(
            allowed=self.allowed,
            subnets=tuple(networks_of(self.subnets)),
            miners=await store.read(known_addresses),
            own=frozenset(own.address for own in own_addresses()),
        )
