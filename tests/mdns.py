"""mDNS packets as anybody on the LAN could send them, true or not."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from zeroconf import DNSAddress, DNSOutgoing, DNSPointer, DNSService, DNSText  # type: ignore[attr-defined]

from hived.clients.mdns.parse import SERVICE

GROUP = ("224.0.0.251", 5353)
_RESPONSE = 0x8400
_A, _PTR, _TXT, _SRV, _IN, _FLUSH = 1, 12, 16, 33, 1, 0x8001


def txt(**told: str) -> bytes:
    entries = [f"{key}={value}".encode() for key, value in told.items()]
    return b"".join(bytes([len(entry)]) + entry for entry in entries)


def announcement(
    name: str, address: str, *, port: int = 0, ttl: int = 120, text: bytes | None = None, **told: str
) -> bytes:
    """Return the packet that announces a box; `ttl` 0 is a goodbye in its name."""
    full, server = f"{name}.{SERVICE}", f"{name}-host.local."
    given = {"id": f"id-{name}", "role": "node", "v": "9", "tls": "0"} | told
    out = DNSOutgoing(_RESPONSE)
    records = (
        DNSPointer(SERVICE, _PTR, _IN, ttl, full),
        DNSService(full, _SRV, _FLUSH, ttl, 0, 0, port, server),
        DNSText(full, _TXT, _FLUSH, ttl, txt(**given) if text is None else text),
        DNSAddress(server, _A, _FLUSH, ttl, socket.inet_aton(address)),
    )
    for record in records:
        out.add_answer_at_time(record, 0)
    (packet,) = out.packets()
    return bytes(packet)


def send(packets: Iterable[bytes], interface: str = "127.0.0.1") -> None:
    """Send packets to everybody on an interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        for packet in packets:
            mouth.sendto(packet, GROUP)


def nonsense(count: int) -> Iterator[bytes]:
    """Yield packets that no sender in its right mind sends: cut, with lying lengths, of no language."""
    whole = announcement("broken", "192.0.2.66")
    for number in range(count):
        yield whole[: 12 + number % len(whole)]
        yield whole[:12] + bytes([number & 255]) * 200
        yield announcement(f"odd{number}", "192.0.2.66", text=bytes([255, number & 255]) * 40)
        yield announcement(f"bytes{number}", "192.0.2.66", text=b"\x04id=\xff")
        yield announcement(f"portless{number}", "192.0.2.66", role="master", port=0)


def invented(count: int, address: str = "192.0.2.66") -> Iterator[bytes]:
    """Yield announcements of boxes that do not exist."""
    for number in range(count):
        yield announcement(f"ghost{number}", address)


def unending(stop: threading.Event, tag: str, addresses: Sequence[str], **told: Any) -> Iterator[bytes]:
    """Yield announcements of boxes that do not exist, 150 a second and each of another name, until `stop`.

    More, and a busy machine has time for nothing else.
    """
    for number in itertools.count():
        if stop.is_set():
            return
        if number % 6 == 0:
            stop.wait(0.04)
        name = f"{tag}-{number}"
        yield announcement(name, addresses[number % len(addresses)], port=9, **{"id": name, **told})
