"""The family of firmware is what a miner is asked by, and its row says what that family offers."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(migrator.add_column("miner", "features", pw.TextField(null=True)))
    # Until now there was one family, and every miner of this node runs it.
    db.execute_sql("UPDATE miner SET firmware = 'vnish' WHERE firmware IS NULL AND NOT remote")
