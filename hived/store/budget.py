"""What the disk budget takes: history, first of who has most of it, and only where it is what fills the database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import peewee as pw

from hived.records.node import MASTER
from hived.records.streams import ROLLUP_S
from hived.store.engine import dialect
from hived.store.engine.database import Database, tuples
from hived.store.schema import TABLES, Chips, Fleet1h, Fleet5m, Miner, Node, Rollup1h, Rollup5m, Setting, Status

HISTORY = (Status, Chips, Rollup5m, Rollup1h, Fleet5m, Fleet1h)
LEAST_SHARE = 0.5
"""Of the budget, which history keeps whatever else there is: with less of it, deleting it helps nobody."""
STRETCHES = 16
"""So many stretches of five minutes tell how many rows the others have."""
ROW_BYTES = 8 * len(Rollup5m._meta.sorted_fields) + 16  # noqa: SLF001 - peewee's documented metadata
_FULL = "database_full"


@dataclass(frozen=True, slots=True)
class Full:
    """The database is over its budget, and history is not what fills it."""

    at: float
    used: int
    budget: int


def history_bytes(db: Database) -> int:
    """Return about what all history takes."""
    rest = dialect.bytes_of(db, [_name(table) for table in TABLES if table not in HISTORY])
    return max(0, dialect.used_bytes(db) - rest)


def history_fills(db: Database, budget: int) -> bool:
    """Tell whether history takes more than its share of a budget of so many bytes, so that deleting it helps."""
    return history_bytes(db) > budget * LEAST_SHARE


def biggest(db: Database) -> str | None:
    """Return the node that has told more than half of all history; None where there is none."""
    told = _told_bytes(db)
    most = max(told, key=told.__getitem__, default=None)
    return most if most is not None and 2 * told[most] > history_bytes(db) else None


def _told_bytes(db: Database) -> dict[str, float]:
    """Return about what the sums of each node take, told from some of its stretches."""
    ends = [row for table in (Rollup5m, Fleet5m) for row in tuples(_ends(table), db) if row[0] is not None]
    if not ends:
        return {}
    first, last = min(low for low, _ in ends), max(high for _, high in ends)
    count = int((last - first) // ROLLUP_S) + 1
    times = sorted({first + ROLLUP_S * (count * i // STRETCHES) for i in range(STRETCHES)})
    nodes = Node.select(Node.id).where(Node.role != MASTER)
    rollups = (
        Rollup5m.select(Miner.node_id, pw.fn.COUNT(Rollup5m.num))
        .join(Miner, on=(Miner.num == Rollup5m.num))
        .where(Rollup5m.at.in_(times), Miner.remote, Miner.node_id.in_(nodes))
        .group_by(Miner.node_id)
    )
    sums = Fleet5m.select(Fleet5m.node_id, pw.fn.COUNT(Fleet5m.at)).where(
        Fleet5m.at.in_(times), Fleet5m.node_id.in_(nodes)
    )
    found: dict[str, float] = {}
    for node_id, rows in [*tuples(rollups, db), *tuples(sums.group_by(Fleet5m.node_id), db)]:
        found[node_id] = found.get(node_id, 0.0) + rows / len(times) * count * ROW_BYTES
    return found


def _ends(table: Any) -> Any:
    return table.select(pw.fn.MIN(table.at), pw.fn.MAX(table.at))


def full(db: Database) -> Full | None:
    """Return since when and how the database is full; None while it is not."""
    rows = tuples(Setting.select(Setting.value).where(Setting.name == _FULL), db)
    return Full(**json.loads(rows[0][0])) if rows else None


def mark(db: Database, at: float, used: int, budget: int) -> None:
    """Keep that the database is full."""
    told = json.dumps({"at": at, "used": used, "budget": budget})
    Setting.insert(name=_FULL, value=told).on_conflict_ignore().execute(db)


def clear(db: Database) -> None:
    """Note that it is not any more."""
    Setting.delete().where(Setting.name == _FULL).execute(db)


def _name(table: type[pw.Model]) -> str:
    return str(table._meta.table_name)  # noqa: SLF001 - peewee's documented metadata
