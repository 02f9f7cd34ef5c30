"""The addresses of this host's network interfaces at the moment."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple


class OwnAddress(NamedTuple):
    """An address of ours; one of IPv6 without its zone."""

    interface: str
    address: IPv4Address | IPv6Address
    netmask: str | None


def own_addresses(*, running: bool = False) -> Iterator[OwnAddress]:
    """Yield the addresses of this host; `running`: of interfaces whose cable is plugged in."""
    import psutil  # half a MiB that a daemon does not need which sends nothing

    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup} if running else None
    for name, bound in psutil.net_if_addrs().items():
        for address in bound:
            if address.family in (socket.AF_INET, socket.AF_INET6) and (up is None or name in up):
                yield OwnAddress(name, ip_address(address.address.partition("%")[0]), address.netmask)


def own_ipv4(*, running: bool = False) -> list[IPv4Address]:
    """Return the IPv4 addresses of this host."""
    return [own.address for own in own_addresses(running=running) if isinstance(own.address, IPv4Address)]
