"""Alerts, and what is wrong by each rule: all that the engine knows between two of its rounds."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from hived.errors import Conflict, NotFound
from hived.records.alerts import Alert, Member
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Alert as Row
from hived.store.schema import AlertMember as MemberRow
from hived.store.schema import AlertNotice

SLICE = 500
"""Rows of one statement: SQLite takes a bounded number of values."""


def open_ones(db: Database) -> list[Alert]:
    """Return the alerts that are not over, the oldest first."""
    return [_alert(row) for row in dicts(Row.select().where(Row.ended_at.is_null()).order_by(Row.id), db)]


def owed(db: Database, since: float) -> list[Alert]:
    """Return the alerts that were over before they could be told, in quiet hours, the oldest first."""
    query = Row.select().where(Row.ended_at > since, Row.owed).order_by(Row.id)
    return [_alert(row) for row in dicts(query, db)]


def listing(
    db: Database, *, limit: int = 100, before: int | None = None, is_open: bool | None = None, rule: str | None = None
) -> list[Alert]:
    """Return alerts newest first, those below an id only where one is given; `is_open`: only those, or only others."""
    query = Row.select().order_by(Row.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Row.id < before)
    if is_open is not None:
        query = query.where(Row.ended_at.is_null(is_open))
    if rule is not None:
        query = query.where(Row.rule == rule)
    return [_alert(row) for row in dicts(query, db)]


def one(db: Database, number: int) -> Alert:
    """Return an alert; NotFound."""
    found = dicts(Row.select().where(Row.id == number), db)
    if not found:
        raise NotFound(f"there is no alert {number}")
    return _alert(found[0])


def members(db: Database, number: int, *, limit: int = 1000) -> list[Member]:
    """Return what is or was in an alert, the oldest first."""
    query = MemberRow.select().where(MemberRow.alert == number).order_by(MemberRow.id).limit(limit)
    return [_member(row) for row in dicts(query, db)]


def explained(db: Database, number: int, *, limit: int = 1000) -> list[Member]:
    """Return what is wrong as well, because of an alert."""
    query = MemberRow.select().where(MemberRow.under == number).order_by(MemberRow.id).limit(limit)
    return [_member(row) for row in dicts(query, db)]


def counts(db: Database) -> dict[str, int]:
    """Return how many alerts are open, by severity; those that somebody acknowledged do not count."""
    query = Row.select(Row.severity).where(Row.ended_at.is_null(), Row.acknowledged_at.is_null())
    found = [severity for (severity,) in tuples(query, db)]
    return {"bad": found.count("bad"), "warn": found.count("warn")}


def is_well(db: Database) -> bool:
    """Tell whether nothing bad is open that nobody has in hand."""
    return counts(db)["bad"] == 0


def acknowledge(db: Database, number: int, *, by: str, at: float) -> Alert:
    """Take an alert in hand: from now on only its end is told. NotFound; Conflict when it is over."""
    _require_open(one(db, number))
    Row.update(acknowledged_at=at, acknowledged_by=by[:200]).where(Row.id == number).execute(db)
    return one(db, number)


def snooze(db: Database, number: int, *, by: str, until: float) -> Alert:
    """Have an alert told of no more until then, but for its end. NotFound; Conflict when it is over."""
    _require_open(one(db, number))
    Row.update(snoozed_until=until, snoozed_by=by[:200]).where(Row.id == number).execute(db)
    return one(db, number)


def _require_open(alert: Alert) -> None:
    if alert.ended_at is not None:
        raise Conflict(f"alert {alert.id} is over")


# -- what the engine writes --------------------------------------------------------------------------------------------


def present(db: Database) -> list[Member]:
    """Return all that is wrong now by any rule, pending or in an alert, and what came back in an open one."""
    open_alerts = Row.select(Row.id).where(Row.ended_at.is_null())
    query = MemberRow.select().where(MemberRow.back_at.is_null() | MemberRow.alert.in_(open_alerts))
    return [_member(row) for row in dicts(query.order_by(MemberRow.id), db)]


def add_members(db: Database, found: Iterable[Member]) -> list[Member]:
    """Store what is newly wrong, and return it with its numbers."""
    return [_with_id(member, int(MemberRow.insert(_fields(member)).execute(db))) for member in found]


def save_member(db: Database, member: Member) -> None:
    """Store what became of it."""
    MemberRow.update(_fields(member)).where(MemberRow.id == member.id).execute(db)


def drop_members(db: Database, ids: Collection[int]) -> None:
    """Forget what is over and never was in an alert."""
    numbers = list(ids)
    for start in range(0, len(numbers), SLICE):
        MemberRow.delete().where(MemberRow.id.in_(numbers[start : start + SLICE])).execute(db)


def add(db: Database, alert: Alert) -> int:
    """Store a new alert and return its number."""
    fields = asdict(alert)
    del fields["id"]
    return int(Row.insert(fields).execute(db))


def save(db: Database, number: int, fields: Mapping[str, Any]) -> None:
    """Change columns of an alert."""
    Row.update(dict(fields)).where(Row.id == number).execute(db)


def forget(db: Database, before: float) -> int:
    """Delete alerts that were over before a time, with their notices; return how many."""
    gone = [number for (number,) in tuples(Row.select(Row.id).where(Row.ended_at < before).limit(SLICE), db)]
    if gone:
        AlertNotice.delete().where(AlertNotice.alert.in_(gone)).execute(db)
        Row.delete().where(Row.id.in_(gone)).execute(db)
    return len(gone)


def _fields(member: Member) -> dict[str, Any]:
    fields = asdict(member) | {"detail": json.dumps(member.detail, separators=(",", ":"), sort_keys=True)}
    del fields["id"]
    return fields


def _with_id(member: Member, number: int) -> Member:
    return Member(**{**asdict(member), "id": number})


def _alert(row: dict[str, Any]) -> Alert:
    return Alert(**row | {"owed": bool(row["owed"])})


def _member(row: dict[str, Any]) -> Member:
    return Member(**row | {"detail": json.loads(row["detail"])})
