"""What people are told, and how it comes to each of their channels: an outbox of rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from peewee import JOIN, fn

from hived.records.alerts import GIVE_UP_S, SEVERITIES, Channel, Delivery, Notice
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import AlertDelivery as DeliveryRow
from hived.store.schema import AlertNotice as Row

AHEAD_S = 7200.0
"""Nothing waits longer for its next try: the clock was set back."""
MAX_SAID = 200
"""Characters of an answer that are kept."""
_NOTICE = (Row.id, Row.key, Row.alert, Row.rule, Row.told, Row.severity, Row.title, Row.body, Row.link, Row.at)


def add(db: Database, notice: Notice) -> None:
    """Write a notice; one that is there already stays as it is."""
    fields = asdict(notice)
    del fields["id"]
    Row.insert(fields).on_conflict_ignore().execute(db)


def listing(db: Database, *, limit: int = 100, before: int | None = None, alert: int | None = None) -> list[Notice]:
    """Return notices newest first, those below an id only where one is given, or those of one alert."""
    query = Row.select(*_NOTICE).order_by(Row.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Row.id < before)
    if alert is not None:
        query = query.where(Row.alert == alert)
    return [Notice(**row) for row in dicts(query, db)]


def told_since(db: Database, at: float) -> dict[str, int]:
    """Return how many notices each rule had since a time, ends not counted."""
    query = Row.select(Row.rule, fn.COUNT(Row.id)).where(Row.at > at, Row.told != "ended").group_by(Row.rule)
    return {str(rule): int(count) for rule, count in tuples(query, db)}


def spread(db: Database, channels: Sequence[Channel], at: float) -> tuple[int, int]:
    """Give each new notice a row for every channel that takes its severity; return how many notices, and rows.

    A channel that comes later gets nothing of before.
    """
    fresh = tuples(Row.select(Row.id, Row.severity).where(~Row.spread).order_by(Row.id), db)
    rows = [
        {"notice": number, "channel": channel.name, "next_try": at}
        for number, severity in fresh
        for channel in channels
        if channel.enabled and SEVERITIES.index(channel.least) <= SEVERITIES.index(severity)
    ]
    if rows:
        DeliveryRow.insert_many(rows).on_conflict_ignore().execute(db)
    if fresh:
        Row.update(spread=True).where(Row.id.in_([number for number, _ in fresh])).execute(db)
    return len(fresh), len(rows)


def claim(db: Database, at: float, *, lease_s: float, limit: int = 20) -> list[Delivery]:
    """Return what is due, the oldest first, as tried once more; who dies over it finds it due again after the lease.

    What is older than a day is given up instead: see `given_up` of `deliveries`.
    """
    late = Row.select(Row.id).where(Row.at < at - GIVE_UP_S)
    DeliveryRow.update(next_try=None, given_up=True).where(
        DeliveryRow.next_try.is_null(False), DeliveryRow.notice.in_(late)
    ).execute(db)
    found = _deliveries(
        db, (DeliveryRow.next_try <= at) | (DeliveryRow.next_try > at + AHEAD_S), limit=limit, newest=False
    )
    for one in found:
        _of(one.notice.id, one.channel, db, attempts=one.attempts + 1, next_try=at + lease_s)
    return found


def delivered(db: Database, notice: int, channel: str, at: float, said: str | None = None) -> None:
    """Note that a notice arrived, and what the other side answered."""
    _of(notice, channel, db, next_try=None, sent_at=at, said=_short(said))


def failed(db: Database, notice: int, channel: str, next_try: float | None, said: str) -> None:
    """Note that a notice did not arrive, why, and when it is tried again; None: never."""
    _of(notice, channel, db, next_try=next_try, said=_short(said), given_up=next_try is None)


def deliveries(db: Database, *, notices: Collection[int] | None = None, limit: int = 100) -> list[Delivery]:
    """Return what became of notices, the newest first: of those with these numbers, or of all."""
    where = None if notices is None else DeliveryRow.notice.in_(list(notices))
    return _deliveries(db, where, limit=limit, newest=True)


def undelivered(db: Database, *, limit: int = 100) -> list[Delivery]:
    """Return what has failed so far or was given up, the newest first: for people."""
    where = DeliveryRow.given_up | (DeliveryRow.next_try.is_null(False) & (DeliveryRow.attempts > 0))
    return _deliveries(db, where, limit=limit, newest=True)


def _deliveries(db: Database, where: Any, *, limit: int, newest: bool) -> list[Delivery]:
    query = DeliveryRow.select(
        DeliveryRow.channel, DeliveryRow.attempts, DeliveryRow.next_try, DeliveryRow.sent_at, DeliveryRow.said,
        DeliveryRow.given_up, *_NOTICE,
    ).join(Row, JOIN.INNER, on=(DeliveryRow.notice == Row.id))  # fmt: skip
    if where is not None:
        query = query.where(where)
    order = (Row.id.desc(), DeliveryRow.channel) if newest else (Row.id, DeliveryRow.channel)
    names = [column.name for column in _NOTICE]
    found = []
    for row in dicts(query.order_by(*order).limit(limit), db):
        notice = Notice(**{name: row.pop(name) for name in names})
        found.append(Delivery(notice=notice, **row | {"given_up": bool(row["given_up"])}))
    return found


def _of(notice: int, channel: str, db: Database, **fields: Any) -> None:
    DeliveryRow.update(**fields).where(DeliveryRow.notice == notice, DeliveryRow.channel == channel).execute(db)


def _short(said: str | None) -> str | None:
    return None if said is None else said[:MAX_SAID]
