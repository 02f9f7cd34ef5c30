"""What the daemons of this box say of themselves: a row each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from hived.records.daemon import DaemonRow
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Daemon as DaemonTable
from hived.store.schema import Setting

_OF_ROW = [DaemonTable._meta.fields[field.name] for field in fields(DaemonRow)]  # noqa: SLF001 - peewee's documented metadata


def save_daemon(db: Database, row: DaemonRow, numbers: Mapping[str, Any] | None = None) -> None:
    """Store what a daemon says of itself, and what it counts about itself (`runtime.tally.Numbers`)."""
    values = {**asdict(row), "numbers": json.dumps(numbers or {}, separators=(",", ":"))}
    DaemonTable.insert(values).on_conflict(conflict_target=[DaemonTable.name], update=values).execute(db)


def daemons(db: Database) -> list[DaemonRow]:
    """Return every daemon that ever used this database, by name."""
    return [DaemonRow(**row) for row in dicts(DaemonTable.select(*_OF_ROW).order_by(DaemonTable.name), db)]


def numbers(db: Database) -> dict[str, Any]:
    """Return what each daemon counted about itself when it last wrote its row, by the daemon's name."""
    return {
        name: json.loads(text) for name, text in tuples(DaemonTable.select(DaemonTable.name, DaemonTable.numbers), db)
    }


BACKUP_AT, CERTIFICATE_UNTIL = "backup_at", "certificate_until"
"""Numbers that one program leaves for others: when the last backup was made, when hive-apid's certificate ends."""


def noted(db: Database, name: str) -> float | None:
    """Return a number that was left under a name."""
    found = tuples(Setting.select(Setting.value).where(Setting.name == name), db)
    return float(found[0][0]) if found else None


def note(db: Database, name: str, value: float) -> None:
    """Leave a number under a name."""
    Setting.insert(name=name, value=str(value)).on_conflict(
        conflict_target=[Setting.name], update={Setting.value: str(value)}
    ).execute(db)


def first_time(db: Database, name: str) -> bool:
    """Tell whether something happens for the first time since this database was made, and remember it."""
    if tuples(Setting.select(Setting.name).where(Setting.name == name), db):
        return False
    Setting.insert(name=name, value="1").execute(db)
    return True
