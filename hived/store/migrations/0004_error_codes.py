"""What went wrong is kept as a code beside its text; the rows of before have the text alone."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, _db: Any) -> None:
    migrator.migrate(
        migrator.add_column("health", "last_error_code", pw.TextField(null=True)),
        migrator.add_column("stranger", "code", pw.TextField(null=True)),
        migrator.add_column("uplink", "last_error_code", pw.TextField(null=True)),
    )
