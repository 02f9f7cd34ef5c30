"""What an mDNS record says, and how we say it: pure functions. Everything from the network is hostile until parsed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from hived.errors import Unreadable
from hived.records.joining import NODE_ID
from hived.records.peers import MASTER, NODE, Announcement, Sighting
from hived.records.values import SHA256

SERVICE = "_hived._tcp.local."

MAX_TXT_BYTES = 1300  # RFC 6763 6.2: larger ones do not fit a packet of Ethernet
MAX_ENTRIES = 32  # we say six
MAX_ADDRESSES = 4  # a box has one or two; each of them is asked
MAX_LABEL_BYTES = 63  # RFC 1035 2.3.4
MAX_VERSION = 64

_PATH = re.compile(r"/[A-Za-z0-9._/-]{0,63}")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def properties(announcement: Announcement) -> dict[str, str]:
    """Return the entries of our TXT record."""
    entries = {
        "id": announcement.id,
        "role": announcement.role,
        "v": announcement.version,
        "path": announcement.path,
        "tls": "1" if announcement.tls else "0",
        "fp": announcement.fingerprint,
    }
    return {key: value for key, value in entries.items() if value is not None}


def instance_label(name: str, number: int = 1) -> str:
    """Return the instance name for a node name, with " (2)" and so on when others have it too.

    A dot would part it into two labels, so it becomes a dash; what is too long is cut at a whole character.
    """
    suffix = "" if number == 1 else f" ({number})"
    clean = "".join(c if c.isprintable() and c != "." else "-" for c in name).strip() or "hived"
    room = MAX_LABEL_BYTES - len(suffix)
    return clean.encode()[:room].decode("utf-8", "ignore").rstrip() + suffix


def instance_of(full_name: str) -> str:
    """Return the instance part of a full service name; Unreadable when it is none of ours."""
    suffix = f".{SERVICE}"
    if not full_name.lower().endswith(suffix):
        raise Unreadable("not a name of our service")
    label = full_name[: -len(suffix)]
    if not label or len(label.encode("utf-8", "replace")) > MAX_LABEL_BYTES or not label.isprintable():
        raise Unreadable("an instance name that cannot be shown")
    return label


def txt(data: bytes) -> dict[str, str]:
    """Return the entries of a TXT record by lower-case key; of one given twice the first counts (RFC 6763 6.4).

    Unreadable for what is too large, cut in the middle of an entry, or not UTF-8.
    """
    if len(data) > MAX_TXT_BYTES:
        raise Unreadable(f"a TXT record of {len(data)} bytes")
    values_by_key: dict[str, str] = {}
    at, entries = 0, 0
    while at < len(data):
        length = data[at]
        entry = data[at + 1 : at + 1 + length]
        if len(entry) != length:
            raise Unreadable("a TXT record that ends within an entry")
        at += 1 + length
        entries += 1
        if entries > MAX_ENTRIES:
            raise Unreadable(f"a TXT record of more than {MAX_ENTRIES} entries")
        key, _, value = entry.partition(b"=")
        try:
            values_by_key.setdefault(key.decode("ascii").lower(), value.decode("utf-8"))
        except UnicodeDecodeError:
            raise Unreadable("a TXT record that is not UTF-8") from None
    return values_by_key


def sighting(
    full_name: str, port: int | None, addresses: Iterable[bytes], data: bytes, own: Sequence[Address] = (),
    networks: Sequence[Network] = (),
) -> Sighting:  # fmt: skip
    """Return what a record says of its owner; Unreadable when that makes no sense.

    `own`: our interfaces' addresses, `networks`: what they are in.
    """
    name = instance_of(full_name)
    entries = txt(data)
    node_id = entries.get("id", "")
    if not NODE_ID.fullmatch(node_id):
        raise Unreadable("no id that could be one")
    role = entries.get("role", "")
    if role not in (NODE, MASTER):
        raise Unreadable("neither a node nor a master")
    version = entries.get("v", "")
    where = reachable(addresses, own, networks)
    if not where:
        raise Unreadable("no address that could be reached from here")
    is_master = role == MASTER
    if is_master and not (port and 1 <= port <= 65535):
        raise Unreadable("a master without a port")
    tls = entries.get("tls", "0")
    fingerprint = entries.get("fp", "").lower()
    if is_master and (tls not in ("0", "1") or (tls == "1" and not SHA256.fullmatch(fingerprint))):
        raise Unreadable("TLS without the fingerprint of a certificate")
    path = entries.get("path", "")
    return Sighting(
        name=name,
        id=node_id,
        role=role,
        addresses=where,
        version=version if 0 < len(version) <= MAX_VERSION and version.isprintable() else None,
        port=port if is_master and port else 0,
        path=path if is_master and _PATH.fullmatch(path) else None,
        tls=is_master and tls == "1",
        fingerprint=fingerprint if is_master and tls == "1" else None,
    )


def reachable(
    addresses: Iterable[bytes], own: Sequence[Address] = (), networks: Sequence[Network] = ()
) -> tuple[str, ...]:
    """Return the addresses that can be another box's, at most MAX_ADDRESSES: IPv4 first, ours last.

    A box with containers announces a dozen bridges beside its address on the LAN, so those in one of our `networks`
    come first. An address that we have as well is a bridge of both boxes, and leads to ourselves.

    Other responders on the same host (avahi above all) also name loopback and link-local addresses. Loopback counts
    only where we use nothing else ourselves; link-local IPv6 needs a zone that no record can give.
    """
    on_loopback = bool(own) and all(address.is_loopback for address in own)
    usable: dict[Address, tuple[int, bool, int]] = {}
    for packed in addresses:
        if len(packed) not in (4, 16):
            continue
        address = ipaddress.ip_address(packed)
        if address.is_loopback is on_loopback and _of_a_box(address):
            near = next((place for place, network in enumerate(networks) if address in network), len(networks))
            usable[address] = (address.version, address in own, near)
    return tuple(str(address) for address in sorted(usable, key=usable.__getitem__)[:MAX_ADDRESSES])


def _of_a_box(address: Address) -> bool:
    if address.is_unspecified or address.is_multicast or (address.is_reserved and not address.is_loopback):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return int(address) != 0xFFFFFFFF and address not in ipaddress.IPv4Network("0.0.0.0/8")
    # A mapped address is an IPv4 one in disguise.
    return address.ipv4_mapped is None and not address.is_link_local
