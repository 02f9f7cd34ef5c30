"""Artifacts remember which model said nothing of use of them, and what waits for a description has its tries anew."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("artifact", "given_up_by", pw.TextField(null=True)),
        migrator.add_index("contribution", ("node_id", "prompt_version")),
    )
    db.execute_sql("UPDATE artifact SET describe_at = 0, describe_attempts = 0 WHERE describe_attempts > 0")
