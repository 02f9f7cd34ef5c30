"""The addresses of this host that mDNS can use at the moment."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from hived.clients.mdns.parse import Address
from hived.runtime import interfaces

MAX_ADDRESSES = 16  # Linux lets a socket join 20 groups (net.ipv4.igmp_max_memberships)


def own_addresses(only: Sequence[str] = ()) -> list[Address]:
    """Return the addresses of the interfaces that run (cable plugged in), in a steady order.

    Without `only` these are the IPv4 ones but loopback; with it those of the list that are there now.
    """
    wished = {ipaddress.ip_address(one) for one in only}
    found = {
        address
        for _, address, _ in interfaces.own_addresses(running=True)
        if (address in wished if wished else (address.version == 4 and not address.is_loopback))
    }
    return sorted(found, key=lambda one: (one.version, int(one)))[:MAX_ADDRESSES]
