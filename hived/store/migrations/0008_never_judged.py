"""Boards and fans that were never judged are null, apart from none that works; when a miner's server was occupied."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.drop_not_null("health", "boards_seen"),
        migrator.drop_not_null("health", "fans_seen"),
        migrator.add_column("health", "occupied_at", pw.DoubleField(null=True)),
    )
    # Until now both were empty: the next poll looks anew.
    for column in ("boards_seen", "fans_seen"):
        db.execute_sql(f"UPDATE health SET {column} = NULL WHERE {column} = ''")  # noqa: S608 - names of our own
