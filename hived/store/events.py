"""What happened: kept in the order it was written."""

from __future__ import annotations

import json
from collections.abc import Iterable

from peewee import JOIN

from hived.records.site import Event
from hived.store.database import Database, dicts
from hived.store.schema import Event as Row
from hived.store.schema import Miner


def add(db: Database, events: Iterable[Event]) -> None:
    """Append events; their `num` says which miner, None this node."""
    rows = [(e.at, e.num, e.kind, json.dumps(e.detail, separators=(",", ":"))) for e in events]
    if rows:
        Row.insert_many(rows, fields=[Row.at, Row.num, Row.kind, Row.detail]).execute(db)


def newest(
    db: Database, *, limit: int = 100, num: int | None = None, before: int | None = None, kind: str | None = None
) -> list[Event]:
    """Return the newest events first; `before` is the id to go on from."""
    query = Row.select(Row, Miner.mac).join(Miner, JOIN.LEFT_OUTER, on=(Row.num == Miner.num))
    if num is not None:
        query = query.where(Row.num == num)
    if before is not None:
        query = query.where(Row.id < before)
    if kind is not None:
        query = query.where(Row.kind == kind)
    return [
        Event(kind=r["kind"], at=r["at"], detail=json.loads(r["detail"]), num=r["num"], mac=r["mac"], id=r["id"])
        for r in dicts(query.order_by(Row.id.desc()).limit(limit), db)
    ]
