"""Hosts as they are written: strictly read, and those that are the operator's own. Pure rules, no look-ups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from hived.errors import Blocked
from hived.records import addresses

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_PORT = re.compile(r"[0-9]{1,5}")


def authority(text: str) -> tuple[str, int | None]:
    """Return the lower-case host and the port of what stands between // and / in a URL; Blocked with the reason."""
    for sign, what in (("@", "a user name"), ("%", "an encoded host"), ("\\", "a backslash")):
        if sign in text:
            raise Blocked(f"a URL with {what} is not fetched")
    if any(char.isspace() for char in text):
        raise Blocked("a URL with a space in its host is not fetched")
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or rest[:1] not in ("", ":") or addresses.parse(host) is None or ":" not in host:
            raise Blocked("what stands in brackets is no IPv6 address")
        host, port = str(addresses.parse(host)), rest[1:]
    else:
        host, _, port = text.partition(":")
    if port and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        raise Blocked("a port goes from 1 to 65535")
    if not host:
        raise Blocked("a URL without a host is not fetched")
    return host.lower(), int(port) if port else None


def split_host(entry: str) -> tuple[str, int | None]:
    """Split host, host:port, [v6]:port or v6 into a lower-case host and its port; ValueError when it is none."""
    try:
        host, port = (entry, None) if addresses.parse(entry) is not None else authority(entry)
    except Blocked as err:
        raise ValueError(str(err)) from None
    host = host.lower().rstrip(".")
    if addresses.parse(host) is None and not NAME.fullmatch(host):
        raise ValueError(f"not a host: {entry!r}")
    return host, port


@dataclass(frozen=True, slots=True)
class OwnHosts:
    """The operator's own hosts (`minerd.allow_hosts`, `alerts.allow_hosts`): where he alone may let us go."""

    names: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[IPv4Network | IPv6Network, int | None], ...] = ()

    @classmethod
    def of(cls, entries: Sequence[str]) -> OwnHosts:
        """Read host, host:port, address, address:port and network; ValueError on anything else."""
        names: set[tuple[str, int | None]] = set()
        networks: list[tuple[IPv4Network | IPv6Network, int | None]] = []
        for entry in entries:
            if "/" in entry:
                networks.append((ip_network(entry), None))
                continue
            host, port = split_host(entry)
            if addresses.parse(host) is None:
                names.add((host, port))
            else:
                networks.append((ip_network(host), port))
        return cls(frozenset(names), tuple(networks))

    def has_name(self, host: str, port: int | None) -> bool:
        return (host, None) in self.names or (host, port) in self.names

    def has_address(self, address: addresses.Address, port: int | None) -> bool:
        return any(address in network and only in (None, port) for network, only in self.networks)

    def covers(self, host: str, port: int | None) -> bool:
        """Say whether a host is one of these, as it is written: nothing is looked up."""
        address = addresses.parse(host)
        return self.has_name(host, port) if address is None else self.has_address(address, port)
