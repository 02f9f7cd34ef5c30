"""What an order of ours paused is a planned loss: since when a miner stands by one, and the column of the reason."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, _db: Any) -> None:
    migrator.migrate(
        migrator.add_column("health", "paused_at", pw.DoubleField(null=True)),
        migrator.add_column("fleet_5m", "lost_planned_hs", pw.DoubleField(null=True)),
        migrator.add_column("fleet_1h", "lost_planned_hs", pw.DoubleField(null=True)),
    )
