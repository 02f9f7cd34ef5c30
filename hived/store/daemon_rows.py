"""What the daemons of this box say of themselves: a row each."""

from __future__ import annotations

from dataclasses import asdict

from hived.records.daemon import DaemonRow
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Daemon as DaemonTable
from hived.store.schema import Setting


def save_daemon(db: Database, row: DaemonRow) -> None:
    """Store what a daemon says of itself."""
    fields = asdict(row)
    DaemonTable.insert(fields).on_conflict(conflict_target=[DaemonTable.name], update=fields).execute(db)


def daemons(db: Database) -> list[DaemonRow]:
    """Return every daemon that ever used this database, by name."""
    return [DaemonRow(**row) for row in dicts(DaemonTable.select().order_by(DaemonTable.name), db)]


def first_time(db: Database, name: str) -> bool:
    """Tell whether something happens for the first time since this database was made, and remember it."""
    if tuples(Setting.select(Setting.name).where(Setting.name == name), db):
        return False
    Setting.insert(name=name, value="1").execute(db)
    return True
