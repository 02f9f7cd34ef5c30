"""What daemons count about themselves: failures, durations, queues."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, _db: Any) -> None:
    migrator.migrate(migrator.add_column("daemon", "numbers", pw.TextField(default="{}")))
