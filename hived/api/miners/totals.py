"""The totals of the fleet, and whether what is shown may be old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hived.documents import fleet as documents
from hived.documents.shared import rfc3339
from hived.records.condition import FRESH_POLLS, Moment
from hived.records.daemon import FEEDERS, alive
from hived.records.discovery import Sweep
from hived.records.node import BlindNode
from hived.records.pools import AllowedPool
from hived.records.totals import Judged, totals

VIEW_OLD_S = 10.0  # ten missed looks at the database


@dataclass(frozen=True, slots=True)
class News:
    """What else the page of the fleet shows: the last sweep, who else answers, when each daemon last wrote its row."""

    last_sweep: Sweep | None = None
    other_devices: dict[str, int] = field(default_factory=dict)
    beats: dict[str, float] = field(default_factory=dict)
    blind: tuple[BlindNode, ...] = ()
    allowed: tuple[AllowedPool, ...] = ()


def fleet(
    miners: Sequence[Judged], news: News, moment: Moment, *, rev: int, refreshed_at: float | None
) -> documents.WholeFleetDocument:
    """Return /api/v1/fleet."""
    whole, nodes = totals(miners)
    because = _stale(news, whole.miners, moment.now, refreshed_at)
    return {
        "at": rfc3339(moment.now), "rev": rev,
        **documents.fleet(whole, nodes, news.other_devices, news.last_sweep, news.blind),
        "stale": because is not None, "stale_because": because, "silent_after_s": FRESH_POLLS * moment.status_seconds,
    }  # fmt: skip


def _stale(news: News, miners: int, now: float, refreshed_at: float | None) -> str | None:
    """Return why what is shown may be old, None when it is not."""
    if refreshed_at is None or abs(now - refreshed_at) > VIEW_OLD_S:
        return "the database cannot be read"
    silent = [name for name in FEEDERS if not alive(news.beats.get(name), now)]
    if not silent or (not miners and not news.beats):  # a node that nobody has started yet shows nothing old
        return None
    return f"{' and '.join(silent)} {'are' if len(silent) > 1 else 'is'} not running"
