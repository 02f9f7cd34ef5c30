"""Many rows in one statement, without composing it value by value: that costs more than storing them.

peewee writes the statement for one row; its group of marks is repeated for the others, and the values go to the driver
as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hived.store.engine.database import Database


def columns(table: Any, names: Sequence[str]) -> list[Any]:
    """Return the fields of a table by their names; every column without one must be able to be null."""
    return [getattr(table, name) for name in names]


def upsert(db: Database, statement: Any, width: int, rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Run an INSERT that was written for `rows[0]`, of `width` values, for all rows; return what it returns."""
    sql, params = statement.bind(db).sql()
    group = f"({', '.join([db.param] * width)})"
    before, found, after = sql.partition(group)
    assert found, "a column with a default was left out"
    values = [value for row in rows for value in row]
    cursor = db.execute_sql(f"{before}{', '.join([group] * len(rows))}{after}", (*values, *params[width:]))
    return list(cursor.fetchall()) if cursor.description else []
