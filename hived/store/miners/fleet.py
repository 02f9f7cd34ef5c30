"""What a view of the whole fleet asks again and again: counts, who is still there, what happened since."""

from __future__ import annotations

import peewee as pw

from hived.records.events import Event
from hived.store import events
from hived.store.engine import dialect
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Event as EventRow
from hived.store.schema import Health, Miner, OtherDevice

_STATUS_TIMES = """
WITH RECURSIVE walk(at, before, turn) AS (
    SELECT status.at, status.before, 1 FROM status JOIN health ON health.num = status.num
    WHERE status.num = ? AND status.at = health.status_at
    UNION ALL
    SELECT status.at, status.before, walk.turn + 1
    FROM walk JOIN status ON status.at = walk.before AND status.num = ?
    WHERE walk.at > ? AND walk.turn < ?
)
SELECT at FROM walk ORDER BY turn
"""


def miner_count(db: Database) -> int:
    """Return how many miners there are."""
    return int(Miner.select(pw.fn.COUNT(Miner.num)).bind(db).scalar())


def shared_hostnames(db: Database) -> frozenset[str]:
    """Return the host names that more than one miner has."""
    query = Miner.select(Miner.hostname).group_by(Miner.hostname).having(pw.fn.COUNT(Miner.num) > 1)
    return frozenset(name for (name,) in tuples(query, db) if name)


def seen(db: Database) -> dict[int, tuple[float | None, float]]:
    """Return {num: (seen_at, updated_at)} of every miner: what changes without a new rev, and who is still there."""
    query = Health.select(Health.num, Health.seen_at, Miner.updated_at).join(Miner, on=(Miner.num == Health.num))
    return {num: (seen_at, updated_at) for num, seen_at, updated_at in tuples(query, db)}


def other_device_kinds(db: Database) -> dict[str, int]:
    """Return how many other devices there are of each kind."""
    query = (
        OtherDevice.select(OtherDevice.kind, pw.fn.COUNT(OtherDevice.ip))
        .group_by(OtherDevice.kind)
        .order_by(OtherDevice.kind)
    )
    return dict(tuples(query, db))


def newest_event_id(db: Database) -> int:
    """Return the id of the last event, 0 before the first."""
    return int(EventRow.select(pw.fn.MAX(EventRow.id)).bind(db).scalar() or 0)


def events_after(db: Database, event_id: int, *, limit: int) -> list[Event]:
    """Return events newer than an id, oldest first; of more than `limit` the newest."""
    query = events.with_names().where(EventRow.id > event_id).order_by(EventRow.id.desc()).limit(limit)
    return [events.from_row(row) for row in reversed(dicts(query, db))]


def status_times(db: Database, num: int, *, back_to: float, limit: int) -> list[float]:
    """Return when a miner's statuses were recorded, newest first, back to a time (and one beyond it)."""
    return [at for (at,) in dialect.rows(db, _STATUS_TIMES, num, num, back_to, limit)] if limit > 0 else []
