"""Which addresses belong to the open internet, whatever they are wrapped in. Pure rules, no look-ups.

Sources: IANA's special-purpose address registries (RFC 6890), RFC 6052 and 8215 (NAT64), 3056 (6to4), 4380 (Teredo),
5214 (ISATAP), 4291 (mapped and compatible). `ipaddress.is_global` alone says yes to multicast, NAT64 of private
networks and 6to4, differently in each Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_SPECIAL_4 = tuple(
    (IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this very host"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a provider's shared network"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "the old 6to4 relays"),
        ("192.168.0.0/16", "a private network"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_UNICAST_6 = IPv6Network("2000::/3")
_SPECIAL_6 = tuple(
    (IPv6Network(network), why)
    for network, why in (
        ("::/128", "this very host"),
        ("::1/128", "loopback"),
        ("fc00::/7", "a private network"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "the old 6to4 network"),
        ("3fff::/20", "for documentation"),
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_STAND_INS = (_MAPPED, _NAT64, _LOCAL_NAT64)  # nothing but another spelling of the IPv4 address inside
_LAST_32 = (_MAPPED, _TRANSLATED, _NAT64, _COMPATIBLE)  # of which ::/128 and ::1/128 are no such thing
_NOWHERE = IPv4Network("0.0.0.0/8")
_OWN_RANGES = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
_OWN_RANGES_6 = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))


def parse(text: str) -> Address | None:
    """Return the address written in its canonical form (four decimal numbers, or IPv6), None for anything else."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def why_not_public(address: Address) -> str | None:
    """Say why `address` is not one of the open internet, None when it is. Wrapped addresses are unwrapped."""
    if isinstance(address, IPv4Address):
        return _why(address, _SPECIAL_4) or (None if address.is_global else "not a public address")
    if address.scope_id is not None:
        return "bound to one interface"
    for inner in _inner(address):
        why = why_not_public(inner)
        if why is not None:
            return f"{inner} in disguise, {why}"
    if any(address in network for network in _STAND_INS):
        return None
    why = _why(address, _SPECIAL_6)
    if why is None and (address not in _UNICAST_6 or not address.is_global):
        why = "not a public address"
    return why


def is_private_unicast(address: Address) -> bool:
    """Say whether `address` is loopback or of a private network: where an operator's own host may live."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in _OWN_RANGES)
    return address.scope_id is None and any(address in network for network in _OWN_RANGES_6)


def _why(
    address: Address, table: tuple[tuple[IPv4Network, str], ...] | tuple[tuple[IPv6Network, str], ...]
) -> str | None:
    return next((why for network, why in table if address in network), None)


def _inner(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield every IPv4 address that a packet to `address` may end at."""
    bits = int(address)
    if any(address in network for network in _LAST_32) and bits > 1:
        yield IPv4Address(bits & 0xFFFFFFFF)
    elif address in _LOCAL_NAT64:
        yield IPv4Address(bits & 0xFFFFFFFF)
        yield from _inner_by_prefix(bits)
    elif address in _6TO4:
        yield IPv4Address(bits >> 80 & 0xFFFFFFFF)
    elif address in _TEREDO:
        yield IPv4Address(bits >> 64 & 0xFFFFFFFF)
        yield IPv4Address(~bits & 0xFFFFFFFF)
    if (bits >> 32 & 0xFCFFFFFF) == 0x5EFE:  # ISATAP may stand behind any prefix
        yield IPv4Address(bits & 0xFFFFFFFF)


def _inner_by_prefix(bits: int) -> Iterator[IPv4Address]:
    """Yield what a NAT64 with a prefix of 48, 56 or 64 bits reads: which one is in use only the network knows."""
    for read in (
        (bits >> 64 & 0xFFFF) << 16 | bits >> 40 & 0xFFFF,
        (bits >> 64 & 0xFF) << 24 | bits >> 32 & 0xFFFFFF,
        bits >> 24 & 0xFFFFFFFF,
    ):
        if IPv4Address(read) not in _NOWHERE:  # what is left of an address in the last 32 bits
            yield IPv4Address(read)
