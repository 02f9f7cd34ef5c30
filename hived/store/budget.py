"""What the disk budget takes: history, first of who has most of it, and only where it is what fills the database."""

from __future__ import annotations

import json
from dataclasses import dataclass

import peewee as pw

from hived.records.streams import ROLLUP_S
from hived.store.engine import dialect
from hived.store.engine.database import Database, tuples
from hived.store.schema import TABLES, Chips, Fleet1h, Fleet5m, Miner, Rollup1h, Rollup5m, Setting, Status

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
    """Return the node whose rollups are more than half of all history; None where there is none."""
    its = pw.fn.COUNT(Miner.num)
    counted = Miner.select(Miner.node_id, its).where(Miner.remote).group_by(Miner.node_id)
    most = tuples(counted.order_by(its.desc()).limit(1), db)
    if not most or 2 * _told_bytes(db, most[0][0]) <= history_bytes(db):
        return None
    return str(most[0][0])


def _told_bytes(db: Database, node_id: str) -> float:
    """Return about what the rollups of a node take, told from some of its stretches."""
    ((first, last),) = tuples(Rollup5m.select(pw.fn.MIN(Rollup5m.at), pw.fn.MAX(Rollup5m.at)), db)
    if first is None:
        return 0.0
    count = int((last - first) // ROLLUP_S) + 1
    times = sorted({first + ROLLUP_S * (count * i // STRETCHES) for i in range(STRETCHES)})
    nums = Miner.select(Miner.num).where(Miner.remote, Miner.node_id == node_id)
    rows = Rollup5m.select().where(Rollup5m.at.in_(times), Rollup5m.num.in_(nums)).bind(db).count()
    return float(rows / len(times) * count * ROW_BYTES)


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
