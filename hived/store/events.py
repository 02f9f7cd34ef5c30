"""What happened: kept in the order it was written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from peewee import JOIN

from hived.records.events import Event
from hived.store.engine.counters import in_order
from hived.store.engine.database import Database, dicts
from hived.store.schema import Event as Row
from hived.store.schema import Miner, Node


def add(db: Database, events: Iterable[Event]) -> None:
    """Append events; their `num` says which miner, None this node."""
    rows = [(e.at, e.num, e.kind, json.dumps(e.detail, separators=(",", ":"))) for e in events]
    if rows:
        in_order(db, "events")
        Row.insert_many(rows, fields=[Row.at, Row.num, Row.kind, Row.detail]).execute(db)


def newest(
    db: Database,
    *,
    limit: int = 100,
    num: int | None = None,
    before: int | None = None,
    after: int | None = None,
    since: float | None = None,
    kind: str | None = None,
    node_id: str | None = None,
    own_id: str | None = None,
) -> list[Event]:
    """Return the newest events first, of those with ids below `before` and above `after`, not older than `since`.

    `node_id`: only what this node told; `own_id` is ours.
    """
    query = with_names()
    if node_id is not None:
        query = query.where(Row.node_id.is_null() if node_id == own_id else Row.node_id == node_id)
    if num is not None:
        query = query.where(Row.num == num)
    if before is not None:
        query = query.where(Row.id < before)
    if after is not None:
        query = query.where(Row.id > after)
    if since is not None:
        query = query.where(Row.at >= since)
    if kind is not None:
        query = query.where(Row.kind == kind)
    return [from_row(row) for row in dicts(query.order_by(Row.id.desc()).limit(limit), db)]


def with_names() -> Any:
    """Return the query for events with the MAC and the name of the node that they are about."""
    return (
        Row.select(Row.id, Row.at, Row.num, Row.kind, Row.detail, Row.node_id, Miner.mac, Node.name.alias("node_name"))
        .join(Miner, JOIN.LEFT_OUTER, on=(Row.num == Miner.num))
        .switch(Row)
        .join(Node, JOIN.LEFT_OUTER, on=(Row.node_id == Node.id))
    )


def from_row(row: dict[str, Any]) -> Event:
    """Return the record of such a row."""
    return Event(**row | {"detail": json.loads(row["detail"])})
