"""What daemons are asked to do: rows that one of them works off. Times are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """A wish of the operator for a daemon, kept as a row until it is done."""

    id: int
    daemon: str
    verb: str
    args: dict[str, Any]
    created_at: float
    done_at: float | None = None
    result: dict[str, Any] | None = None
    node_id: str | None = None
    """The node that is to do it; None: this one."""
