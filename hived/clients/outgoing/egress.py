"""Where something may be sent to. Whoever may add a channel or a webhook could else reach a miner's API with it.

Never to this box itself, to link-local addresses, to the networks of miners or to a miner, wherever it is: unless
the configuration names the host. A name is looked up once, every address of it is judged, and what is sent goes to
these addresses and no other.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from hived.errors import Blocked, Transient
from hived.records import addresses
from hived.records.addresses import Address
from hived.records.hosts import OwnHosts

LOOKUP_S = 10.0
MAX_ANSWERS = 64
MAX_TRIED = 4  # of them: each may cost a time-out

Place = tuple[str, int]
"""An address and a port."""


Places = Callable[[str, int], Awaitable[Sequence[Place]]]
"""Says where a host may be reached; Blocked when it must not be, Transient when its name is not known now."""


@dataclass(frozen=True, slots=True)
class Egress:
    """The rule, with all that it needs to know. `named`: the configuration itself holds the URL."""

    allowed: OwnHosts = field(default_factory=OwnHosts)
    subnets: tuple[IPv4Network, ...] = ()
    miners: Collection[str] = frozenset()
    """Addresses of all known miners, present and last."""
    own: Collection[Address] = frozenset()
    """This host's addresses: what listens on them trusts nobody less than a stranger, and some of it trusts us."""
    named: bool = False

    def why_not(self, host: str, port: int, address: Address) -> str | None:
        """Say why `address`, which `host` leads to, must not be reached; None: it may be."""
        if self.named or self.allowed.has_address(address, port):
            return None
        why = addresses.why_not_public(address)
        private = addresses.is_private_unicast(address)
        if self.allowed.has_name(host.lower().rstrip("."), port) and (why is None or private):
            return None
        if why is not None and (not private or address.is_loopback):
            return why
        if address in self.own:
            return "which is this box"
        if any(address in network for network in self.subnets):
            return "in the networks of miners (network.subnets)"
        return "where a miner is or was" if str(address) in self.miners else None

    async def __call__(self, host: str, port: int) -> Sequence[Place]:
        """Look a host up; Blocked with the reason unless all of its addresses may be reached."""
        try:
            async with asyncio.timeout(LOOKUP_S):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError):
            raise Transient(f"{host[:80]} has no address") from None
        places = list(dict.fromkeys(str(info[4][0]) for info in found))
        if len(places) > MAX_ANSWERS:
            raise Blocked(f"{host[:80]} has {len(places)} addresses")
        for text in places:
            self._check(host[:80], port, text)
        return [(text, port) for text in places[:MAX_TRIED]]

    def _check(self, host: str, port: int, text: str) -> None:
        address = addresses.parse(text)
        why = "which is no address" if address is None else self.why_not(host, port, address)
        if why is not None:
            at = "" if host == text else f"{host} is at "
            raise Blocked(f"{at}{text}, {why}: alerts.allow_hosts does not have it")
