"""What a daemon says of itself. Times are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DaemonRow:
    """What a daemon last said of itself."""

    name: str
    pid: int
    version: str
    started_at: float
    beat_at: float
    status: str
