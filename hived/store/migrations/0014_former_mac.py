"""A miner with a new control board has another MAC: the one before is kept."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, _db: Any) -> None:
    migrator.migrate(migrator.add_column("miner", "former_mac", pw.TextField(null=True)))
