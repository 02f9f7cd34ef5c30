"""What a daemon says of itself. Times are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass

BEAT_OLD_S = 30.0  # three missed beats of a daemon that writes its row every 10 s


@dataclass(frozen=True, slots=True)
class DaemonRow:
    """What a daemon last said of itself."""

    name: str
    pid: int
    version: str
    started_at: float
    beat_at: float
    status: str


def alive(beat_at: float | None, now: float) -> bool:
    """Tell whether a daemon that last wrote its row at this time still runs."""
    return beat_at is not None and abs(now - beat_at) < BEAT_OLD_S
