"""Somebody has an alert in hand, or wants to hear no more of it for a while: each with its audit row."""

from __future__ import annotations

from hived.records.access import By
from hived.records.alerts import Alert
from hived.records.times import rfc3339
from hived.store import Database, audit
from hived.store.alerts import alerts


def acknowledge(db: Database, number: int, by: By) -> Alert:
    """Take an alert in hand: from now on only its end is told. NotFound; Conflict when it is over.

    One that somebody has in hand already stays theirs.
    """
    before = alerts.one(db, number)
    if before.acknowledged_at is not None and before.ended_at is None:
        return before
    found = alerts.acknowledge(db, number, by=by["who"], at=by["at"])
    audit.note(db, **by, action="alert.acknowledge", target=f"{number} {found.rule}")
    return found


def snooze(db: Database, number: int, until: float, by: By) -> Alert:
    """Have an alert told of no more until then, but for its end. NotFound; Conflict when it is over."""
    found = alerts.snooze(db, number, by=by["who"], until=until)
    audit.note(db, **by, action="alert.snooze", target=f"{number} {found.rule}", after={"until": rfc3339(until)})
    return found
