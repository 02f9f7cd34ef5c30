"""Other boxes of the fleet as zeroconf shows them: what they announce, and what was found out about it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, fields
from typing import Any

SIGHTED, ALIVE, SUSPECT, DEAD, LEFT = "sighted", "alive", "suspect", "dead", "left"
NODE, MASTER = "node", "master"

HERE = (ALIVE, SUSPECT)
"""States of a peer that was proven and is not known to be gone."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What this node says of itself by zeroconf."""

    id: str
    name: str
    role: str
    version: str
    port: int = 0
    path: str | None = None
    tls: bool = False
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """What somebody said of itself by zeroconf; nothing of it is proven."""

    name: str
    """The announced instance; two that share a name have another id each."""
    id: str
    role: str
    addresses: tuple[str, ...]
    """In the order in which they are worth trying."""
    version: str | None = None
    port: int = 0
    path: str | None = None
    tls: bool = False
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """One announced name and id, with what was found out. `since`: when it came to this state."""

    name: str
    id: str
    role: str
    version: str | None
    addresses: tuple[str, ...]
    """The one that was proven first."""
    port: int
    path: str | None
    tls: bool
    fingerprint: str | None
    state: str
    since: float
    seen_at: float
    verified_at: float | None = None
    misses: int = 0
    reason: str | None = None
    """Why it is not alive."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.name, self.id)

    @property
    def url(self) -> str | None:
        """Where its API is, without a path; None for a node without one."""
        if not self.port or not self.addresses:
            return None
        return base_url(self.addresses[0], self.port, tls=self.tls)


def announced(seen: Sighting | Peer) -> dict[str, Any]:
    """Return what somebody says of itself: the fields of a sighting, which each row has, too."""
    return {field.name: getattr(seen, field.name) for field in fields(Sighting)}


@dataclass(frozen=True, slots=True)
class Master:
    """A master that answers: its URL has no path; `fingerprint` is the SHA-256 of its certificate."""

    id: str
    name: str
    url: str
    fingerprint: str | None
    tls: bool


def base_url(address: str, port: int, *, tls: bool) -> str:
    """Return the URL of an address and port, without a path."""
    host = f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
    return f"{'https' if tls else 'http'}://{host}:{port}"
