"""Small rules about addresses of networks and machines."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

_MAC = re.compile(r"[0-9a-f]{12}")
_PARTING = re.compile(r"[:.\-\s]")
_PLAIN = re.compile(r"\Ahttp://(?P<host>\[[^\[\]]*\]|[^:/?#\[\]]*)(?P<port>:[0-9]+)?")
_WITH_PORT = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::[0-9]*)?", re.ASCII)


def is_loopback(host: str) -> bool:
    """Tell whether a host, as it stands in a URL, a Host header or an option, is this machine and no other.

    Takes localhost, 127.0.0.0/8, ::1 and those of 127.0.0.0/8 mapped into IPv6, each with or without a port. False for
    any other name: whatever it leads to now, somebody else may decide where it leads next.
    """
    split = _WITH_PORT.fullmatch(host)
    name = split[1] if split else host
    if name.lower() in ("localhost", "localhost."):
        return True
    try:
        address = ipaddress.IPv6Address(name[1:-1]) if name.startswith("[") else ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback  # of a mapped one, each Python says something else


def is_in(remote: str | None, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Tell whether a peer's address belongs to one of some networks; an IPv4 one counts as such when IPv6 maps it."""
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in one for one in networks)


def network(remote: str | None) -> str:
    """Return what counts as one address: an IPv6 host has a /64 of them."""
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return "?"
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def over_tls(url: str) -> str:
    """Return where TLS is to be had of what answers at a URL: on the same port."""
    return _PLAIN.sub(lambda place: f"https://{place['host']}{place['port'] or ':80'}", url)


def as_mac(text: str) -> str | None:
    """Return a MAC as we write it, from any usual way to write one; None for anything else."""
    digits = _PARTING.sub("", text.lower()) if len(text) <= 64 else ""
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2)) if _MAC.fullmatch(digits) else None
