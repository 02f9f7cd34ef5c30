"""What the sweeps of the site's networks find besides miners. Times are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OtherDevice:
    """An address that answers but is no miner we can read; `kind` says what it looks like, `reason` why."""

    ip: str
    kind: str
    reason: str
    first_seen_at: float
    last_seen_at: float
    failures: int = 1
    next_probe_at: float = 0.0
    code: str | None = None
    """A key of `errors.PROBLEMS`; None for one that was stored before there were codes."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One discovery cycle over all configured subnets."""

    started_at: float
    finished_at: float | None = None
    addresses: int = 0
    responders: int = 0
    miners: int = 0
    other_devices: int = 0
    unreadable: int = 0
    note: str | None = None
