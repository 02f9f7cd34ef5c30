"""Who agreed to the master: a node that 0.1.0 let join goes on, one that only asked waits for its operator."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(migrator.add_column("uplink", "consent", pw.TextField(null=True)))
    db.execute_sql(
        "UPDATE uplink SET consent = 'before' WHERE state = 'joined'"
        " OR (state IN ('refused', 'pin_mismatch') AND keyed_at IS NOT NULL)"
    )
