"""Which troubles of a miner are open is kept, so that each is one event."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(migrator.add_column("health", "troubles", pw.TextField(null=True)))
    # What is wrong already was told: an update does not tell it again.
    unopened = "num IN (SELECT num FROM miner WHERE unlock_failures > 0)"
    for told, which in (
        ('{"entry":0,"key":0,"reading":0}', f"failures > 0 AND {unopened}"),
        ('{"entry":0,"key":0}', f"failures = 0 AND {unopened}"),
        ('{"reading":0}', f"failures > 0 AND NOT {unopened}"),
    ):
        db.execute_sql(f"UPDATE health SET troubles = '{told}' WHERE {which}")  # noqa: S608 - texts of our own
