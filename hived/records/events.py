"""What happened. Times are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a miner (or, with mac None, to this node)."""

    kind: str
    at: float
    detail: dict[str, Any] = field(default_factory=dict)
    num: int | None = None
    mac: str | None = None
    id: int | None = None
    node_id: str | None = None
    """The node that told of it; None: this one."""
    node_name: str | None = None
