"""What can be wrong with the box itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class HostTrouble:
    """One trouble, and the next step of whoever looks after this box."""

    kind: Literal["disk_full", "disk_readonly", "not_writable", "database_replaced", "database_full", "push_waits"]
    text: str
    step: str
    at: float | None = None
    """Since when, where that is known."""
