"""The addresses of this host that mDNS can use at the moment."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

import psutil

from hived.clients.mdns.parse import Address

MAX_ADDRESSES = 16  # Linux lets a socket join 20 groups (net.ipv4.igmp_max_memberships)


def own_addresses(only: Sequence[str] = ()) -> list[Address]:
    """Return the addresses of the interfaces that run (cable plugged in), in a steady order.

    Without `only` these are the IPv4 ones but loopback; with it those of the list that are there now.
    """
    running = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    wished = {ipaddress.ip_address(one) for one in only}
    found: set[Address] = set()
    for name, bound in psutil.net_if_addrs().items():
        if name not in running:
            continue
        for one in bound:
            if one.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            address = ipaddress.ip_address(one.address.partition("%")[0])
            if address in wished if wished else (address.version == 4 and not address.is_loopback):
                found.add(address)
    return sorted(found, key=lambda one: (one.version, int(one)))[:MAX_ADDRESSES]
