"""The light scan: who takes a TCP connection at all, over networks of any size with a bounded number of sockets.

The kernel repeats a lost SYN only after 1 s, so a try of 300 ms sends exactly one. An address that is known to be a
miner's gets a second, slower try before its silence counts; for the others the next sweep is soon enough.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

from hived.errors import Transient, next_step
from hived.runtime.interfaces import own_addresses, own_ipv4

log = logging.getLogger(__name__)

AUTO_PREFIX = 22
"""`auto` looks at this host's own networks, but never at more than a /22 of each: 1,022 addresses."""

_CONTAINER_BRIDGES = re.compile(r"docker|veth|br-[0-9a-f]{12}$|virbr|lxc|lxd|cni|podman|tun|tap|wg")
"""How the names of interfaces begin behind which no miner is. Docker calls its own networks br- and twelve hex digits;
br-lan is the usual name of a LAN's bridge."""


def own_networks() -> list[ipaddress.IPv4Network]:
    """Return the IPv4 networks of this host's interfaces: no loopback, no container bridge, none larger than a /22."""
    found: list[ipaddress.IPv4Network] = []
    for name, address, netmask in own_addresses(running=True):
        if _CONTAINER_BRIDGES.match(name) or address.version != 4 or not netmask:
            continue
        own = ipaddress.IPv4Interface(f"{address}/{netmask}")
        if own.is_loopback or own.is_link_local or own.network.prefixlen > 30:
            continue
        prefix = max(own.network.prefixlen, AUTO_PREFIX)
        found.append(ipaddress.IPv4Interface(f"{own.ip}/{prefix}").network)
    return found


def addresses(networks: Iterable[ipaddress.IPv4Network]) -> Iterator[str]:
    """Yield the addresses of hosts in networks as they were named, each once, lowest first.

    A network's first and last address are none, but those of a /31 or /32 are. Neighbours are never merged before:
    the ends of the larger network would go, although they were named.
    """
    next_one = 0
    for first, last in sorted(map(_hosts, networks)):
        for number in range(max(first, next_one), last + 1):
            yield str(ipaddress.IPv4Address(number))
        next_one = max(next_one, last + 1)


def _hosts(network: ipaddress.IPv4Network) -> tuple[int, int]:
    first, last = int(network.network_address), int(network.broadcast_address)
    return (first, last) if network.prefixlen >= 31 else (first + 1, last - 1)


class Range:
    """The addresses that may be touched: networks less exclusions, unicast only."""

    def __init__(
        self,
        networks: Iterable[ipaddress.IPv4Network],
        exclude: Iterable[ipaddress.IPv4Network] = (),
        own: Iterable[str] = (),
        *,
        follows_host: bool = False,
    ) -> None:
        self.follows_host = follows_host
        """Some of the networks are those that this host has now: none of them means that it is cut off."""
        self.networks = list(dict.fromkeys(networks))
        self._exclude = list(ipaddress.collapse_addresses(exclude))
        self._own = frozenset(own)

    def allows(self, ip: str) -> bool:
        """Return whether this address may be touched at all, inside the networks or not."""
        try:
            address = ipaddress.IPv4Address(ip)
        except ValueError:
            return False
        if address.is_multicast or address.is_unspecified or address.is_reserved or ip in self._own:
            return False
        return not any(address in network for network in self._exclude)

    def outside(self, wanted: Iterable[ipaddress.IPv4Network]) -> list[ipaddress.IPv4Network]:
        """Return which of some networks are not, or not wholly, in these."""
        whole = list(ipaddress.collapse_addresses(self.networks))
        return [one for one in wanted if not any(one.subnet_of(network) for network in whole)]

    def __contains__(self, ip: str) -> bool:
        """Return whether this address is in the networks and may be touched."""
        return self.allows(ip) and any(ipaddress.IPv4Address(ip) in network for network in self.networks)

    def __iter__(self) -> Iterator[str]:
        """Yield every address to try, once."""
        return filter(self.allows, addresses(self.networks))


class LightScan:
    """Tries TCP connections, `concurrency` at a time, and yields the addresses that took one as they come."""

    def __init__(
        self,
        ports: Iterable[int],
        *,
        timeout_s: float,
        retry_timeout_s: float,
        concurrency: int,
        progress: Callable[[], None],
    ) -> None:
        self._ports = tuple(dict.fromkeys(ports))
        self._timeout_s, self._retry_timeout_s = timeout_s, retry_timeout_s
        self._concurrency = concurrency
        self._progress = progress
        self.tried = 0

    async def responders(
        self, addresses: Iterable[str], *, known: Sequence[str] = ()
    ) -> AsyncIterator[tuple[str, frozenset[int]]]:
        """Yield each address that accepts a connection and on which ports, `known` ones first and with a second try.

        Holds no list of the addresses: memory is that of `concurrency` sockets whatever the size of the network.
        """
        expected = frozenset(known)
        queue: asyncio.Queue[tuple[str, frozenset[int]] | None] = asyncio.Queue(self._concurrency)
        todo = _once(known, addresses, expected)

        async def work() -> None:
            for ip in todo:
                ports = await self.answers(ip, self._timeout_s)
                if not ports and ip in expected:
                    ports = await self.answers(ip, self._retry_timeout_s)
                if ports:
                    await queue.put((ip, ports))
                self.tried += 1
                if not self.tried % 64:
                    self._progress()

        async def all_of_them() -> None:
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(self._concurrency):
                        group.create_task(work())
            except* Transient as several:
                raise Transient(str(several.exceptions[0]), code="no_sockets") from None
            await queue.put(None)

        scan = asyncio.create_task(all_of_them(), name="light-scan")
        try:
            while True:
                getter = asyncio.ensure_future(queue.get())
                await asyncio.wait({getter, scan}, return_when=asyncio.FIRST_COMPLETED)
                if not getter.done() and scan.done():
                    # Only a bug or a lack of sockets ends the scan without its closing None.
                    getter.cancel()
                    await scan
                responder = await getter
                if responder is None:
                    return
                yield responder
        finally:
            scan.cancel()
            await asyncio.gather(scan, return_exceptions=True)

    async def answers(self, ip: str, timeout_s: float) -> frozenset[int]:
        """Return the ports on which the address accepts a TCP connection in time, tried one after the other.

        Transient when this host is out of sockets.
        """
        return frozenset([port for port in self._ports if await self._listens(ip, port, timeout_s)])

    async def _listens(self, ip: str, port: int, timeout_s: float) -> bool:
        for attempt in range(5):
            try:
                return await self._connect(ip, port, timeout_s)
            except OSError as err:
                if err.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    return False
                # Our own shortage says nothing about the miner: wait for sockets to come back.
                await asyncio.sleep(0.2 * (attempt + 1))
        raise Transient(f"no sockets left on this host; {next_step('no_sockets')}", code="no_sockets")

    async def _connect(self, ip: str, port: int, timeout_s: float) -> bool:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_connect(sock, (ip, port))
        except TimeoutError:
            return False
        else:
            return True
        finally:
            sock.close()


def _once(known: Sequence[str], addresses: Iterable[str], expected: frozenset[str]) -> Iterator[str]:
    """Yield the known addresses, then the others: one iterator that all workers take from."""
    yield from known
    for ip in addresses:
        if ip not in expected:
            yield ip


def ranges_of(subnets: Iterable[ipaddress.IPv4Network | str], exclude: Iterable[ipaddress.IPv4Network]) -> Range:
    """Return what the configuration says may be scanned; "auto" stands for this host's own networks as they are now."""
    named = list(subnets)
    follows_host = any(isinstance(subnet, str) for subnet in named)
    return Range(networks_of(named), exclude, map(str, own_ipv4()), follows_host=follows_host)


def networks_of(subnets: Iterable[ipaddress.IPv4Network | str]) -> list[ipaddress.IPv4Network]:
    """Return the networks that the configuration means now; "auto" stands for this host's own."""
    networks: list[ipaddress.IPv4Network] = []
    for subnet in subnets:
        networks += own_networks() if isinstance(subnet, str) else [subnet]
    return networks
