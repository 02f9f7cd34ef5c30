"""Nodes as their master knows them: who they are, how they are, what they ask for and what they are asked to do.

Times are UTC epoch seconds by the master's clock, unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hived.records.daemon import POLLD

PENDING, APPROVED, REVOKED, ACTIVE = "pending", "approved", "revoked", "active"
ALIVE, SUSPECT, DEAD, LEFT = "alive", "suspect", "dead", "left"
"""By its contacts. left: it was stopped, and said so."""
NODE, MASTER, COLLECTOR = "node", "master", "collector"
"""What a node is here: one of ours, the master itself, or a collector that is not ours and sends contributions."""
SCOPE_NODE, SCOPE_INGEST = "node", "ingest"

CONTACT_S = 15.0
"""How often a node says that it is there."""
SUSPECT_S = 3 * CONTACT_S
"""Three contacts missed: a busy minute of the network is not worth mentioning."""
DEAD_S = 12 * CONTACT_S
"""Three minutes: an appliance that was rebooted is back by then."""


@dataclass(frozen=True, slots=True)
class BlindNode:
    """A node that does not watch its miners; `code` says why, one of `errors.PROBLEMS`."""

    node_id: str
    name: str
    code: str
    since: float | None
    """When it was last heard of; None for one that is heard."""


_GONE = {DEAD: "node_dead", LEFT: "node_left"}


def blind_code(status: str, state: str | None, health: Mapping[str, Any]) -> str | None:
    """Return why a node does not watch its miners, a code of `errors.PROBLEMS`; None while it does."""
    if status == REVOKED:
        return "node_revoked"
    if state in _GONE:
        return _GONE[state]
    daemons = health.get("daemons")
    polld = daemons.get(POLLD) if isinstance(daemons, dict) else None
    return "node_unpolled" if isinstance(polld, dict) and polld.get("alive") is False else None


@dataclass(frozen=True, slots=True)
class Wish:
    """A node that asks to join, with the hash of the key that it made."""

    node_id: str
    name: str
    site: str | None
    version: str | None
    key_id: str
    key_hash: str = field(repr=False)
    code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: `outcome` is pending, approved, refused or taken (another node has the key's id)."""

    outcome: str
    phrase: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """What a node says of itself every CONTACT_S. `at` and `oldest_at` are by its own clock."""

    version: str | None
    name: str
    site: str | None
    epoch: str
    at: float
    newest: dict[str, int]
    oldest_at: dict[str, float]
    health: dict[str, Any]
    done: tuple[tuple[int, dict[str, Any]], ...] = ()
    leaving: bool = False
    """It is being stopped: its silence from now on means nothing."""
    wire: int = 1
    unread: Mapping[str, int] = field(default_factory=dict)
    """What was not understood of it: the names of fields, and how often each was there."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the master's operator wants a node to do. `id` is the master's own name for it."""

    id: int
    daemon: str
    verb: str
    args: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as people see it."""

    key_id: str
    scope: str
    status: str
    phrase: str | None
    address: str | None
    created_at: float
    used_at: float | None


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node as people see it. `lag`: {stream: (rows that are not here yet, time of the oldest of them)}."""

    node_id: str
    name: str
    site: str | None
    role: str
    status: str
    state: str | None
    since: float | None
    version: str | None
    address: str | None
    contact_at: float | None
    asked_at: float | None
    skew_s: float | None
    secure: bool
    health: dict[str, Any]
    lag: dict[str, tuple[int, float | None]]
    keys: tuple[KeyView, ...]
    miners: int
    online: int
    full: dict[str, float] = field(default_factory=dict)
    """What is not taken of it any more, and since when: names of `records.bounds`."""

    @property
    def blind_code(self) -> str | None:
        """Why it does not watch its miners, a code of `errors.PROBLEMS`; None while it does."""
        return blind_code(self.status, self.state, self.health) if self.role == NODE else None

    @property
    def plain_code(self) -> str | None:
        """Why what it says can be read on its way, a code of `errors.PROBLEMS`; None over TLS, or if it never came."""
        if self.secure or self.contact_at is None or self.status != APPROVED:
            return None
        return {NODE: "node_plain", COLLECTOR: "collector_plain"}.get(self.role)

    @property
    def gone(self) -> bool:
        """Whether what it last said of itself is not how it is now: it is dead, was stopped or is revoked."""
        return self.blind_code not in (None, "node_unpolled")
