"""When nobody is told: maintenance and quiet hours."""

from __future__ import annotations

import json
from typing import Any

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.alerts import Scope, Window
from hived.records.plans import Schedule
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import AlertWindow as Row

MAX_WINDOWS = 100


def listing(db: Database) -> list[Window]:
    """Return all windows by name."""
    return [_window(row) for row in dicts(Row.select().order_by(Row.name), db)]


def add(db: Database, window: Window) -> int:
    """Keep a window and return its number. Conflict for a name that is taken, BadRequest for one too many."""
    if tuples(Row.select(Row.id).where(Row.name == window.name), db):
        raise Conflict(f"there is a window {window.name!r} already")
    if Row.select().bind(db).count() >= MAX_WINDOWS:
        raise BadRequest(f"there are {MAX_WINDOWS} windows already")
    return int(
        Row.insert(
            name=window.name, kind=window.kind, schedule=json.dumps(window.schedule.to_json()),
            scope=json.dumps(window.scope.to_json()), severity=window.severity, by=window.by[:200],
            created_at=window.created_at,
        ).execute(db)
    )  # fmt: skip


def remove(db: Database, number: int) -> Window:
    """Take a window away and return it; NotFound."""
    found = dicts(Row.select().where(Row.id == number), db)
    if not found:
        raise NotFound(f"there is no window {number}")
    Row.delete().where(Row.id == number).execute(db)
    return _window(found[0])


def _window(row: dict[str, Any]) -> Window:
    schedule, scope = json.loads(row["schedule"]), json.loads(row["scope"])
    return Window(**row | {"schedule": Schedule.from_json(schedule), "scope": Scope(**scope)})
