"""The moment that a judgement is made for, as the database tells it: who watches, and where miners may mine."""

from __future__ import annotations

from hived.records.condition import Moment
from hived.records.daemon import POLLD, alive
from hived.store import Database, daemon_rows, node_rows
from hived.store.miners import allowed_pools


def moment(db: Database, now: float, status_seconds: float) -> Moment:
    """Return now. `status_seconds`: how often this node asks its miners."""
    polls = any(row.name == POLLD and alive(row.beat_at, now) for row in daemon_rows.daemons(db))
    blind = {one.node_id: one.code for one in node_rows.blind(db)}
    return Moment(now, status_seconds, polls, blind, allowed_pools.listing(db))
