"""One thing that is wrong by one rule, at one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hived.records.values import text

AT_ONCE_S = 600.0
"""Miners that were all last seen within so long went together."""
LEAST_AT_ONCE = 2
MAX_NAME, MAX_WHAT = 80, 300


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong. `key`: with which others it is told, "group:NAME", "node:ID" or "" for all."""

    rule: str
    subject: str
    key: str
    name: str
    what: str
    lost_hs: float = 0.0
    mac: str | None = None
    node_id: str | None = None
    node_name: str | None = None
    happened_at: float | None = None
    """Of an event: it is over already."""
    step: str | None = None
    """What to do about it, where the sign does not say."""

    @property
    def detail(self) -> Mapping[str, Any]:
        """Return what is kept of it for people: miners and nodes had their say in it, so each text is a short line."""
        told = {
            "name": text(self.name, MAX_NAME), "what": text(self.what, MAX_WHAT), "key": self.key,
            "lost_hs": round(self.lost_hs), "mac": self.mac, "node": text(self.node_name or self.node_id, MAX_NAME),
            "step": text(self.step, MAX_WHAT),
        }  # fmt: skip
        return {name: value for name, value in told.items() if value not in (None, "", 0)}


def at_once(seen_at: Sequence[float | None], of: int) -> bool:
    """Tell whether all of a place are gone, and most of them went together."""
    times = sorted(at for at in seen_at if at is not None)
    if of < LEAST_AT_ONCE or len(seen_at) < of or not times:
        return False
    together = [at for at in times if times[-1] - at <= AT_ONCE_S]
    return len(together) >= max(LEAST_AT_ONCE, len(times) / 2)
