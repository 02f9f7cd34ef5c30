"""The addresses of this host that mDNS can use at the moment."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hived.clients.mdns.parse import Address, Network
from hived.runtime import interfaces

MAX_ADDRESSES = 16  # Linux lets a socket join 20 groups (net.ipv4.igmp_max_memberships)
CONTAINERS = ("docker", "br-", "veth", "virbr", "podman", "cni", "flannel", "cali", "lxc", "lxdbr")
"""How interfaces to containers and virtual machines are named: no other box is behind them."""

_ROUTES = Path("/proc/net/route")


def own_addresses(only: Sequence[str] = ()) -> list[Address]:
    """Return the addresses of the interfaces that run (cable plugged in), in a steady order.

    Without `only` these are the IPv4 ones but loopback; with it those of the list that are there now. Where there are
    more than mDNS can use, networks with a default route are kept first and those of containers last.
    """
    wanted = {ipaddress.ip_address(text) for text in only}
    usable = [
        own
        for own in interfaces.own_addresses(running=True)
        if (own.address in wanted if wanted else (own.address.version == 4 and not own.address.is_loopback))
    ]
    routed = _interfaces_with_a_default_route()
    # The route decides what is kept, not the order: that it comes and goes must not look like another network.
    kept = sorted(usable, key=lambda own: (own.interface not in routed, _order(own)))[:MAX_ADDRESSES]
    return list(dict.fromkeys(own.address for own in sorted(kept, key=_order)))


def networks_of(addresses: Sequence[Address]) -> list[Network]:
    """Return the networks that these addresses of ours are in, in the same order."""
    masks = {own.address: own.netmask for own in interfaces.own_addresses() if own.netmask}
    return [
        ipaddress.ip_network(f"{address}/{masks[address]}", strict=False)
        for address in addresses
        if address.version == 4 and address in masks
    ]


def _order(own: interfaces.OwnAddress) -> tuple[bool, int, int]:
    return own.interface.startswith(CONTAINERS), own.address.version, int(own.address)


def _interfaces_with_a_default_route() -> set[str]:
    with suppress(OSError):
        rows = [line.split() for line in _ROUTES.read_text("ascii", "replace").splitlines()[1:]]
        return {row[0] for row in rows if len(row) > 7 and row[1] == row[7] == "00000000"}
    return set()
