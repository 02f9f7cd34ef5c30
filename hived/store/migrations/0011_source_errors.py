"""What went wrong with a source is kept as a code beside its text; a list that cannot go on is counted."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, _db: Any) -> None:
    migrator.migrate(
        migrator.add_column("source", "last_error_code", pw.TextField(null=True)),
        migrator.add_column("source", "list_failures", pw.IntegerField(default=0)),
    )
