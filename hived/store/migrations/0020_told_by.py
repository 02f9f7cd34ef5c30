"""Whose word the facts of an artifact and of a model are: null where this box read them itself, "" where nobody's."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("artifact", "told_by", pw.TextField(null=True)),
        migrator.add_column("model", "told_by", pw.TextField(null=True)),
    )
    # Who spoke of it first. What nobody spoke of yet was collected here.
    db.execute_sql(
        "UPDATE artifact SET told_by = (SELECT node_id FROM contribution WHERE contribution.artifact_id = artifact.id"
        " ORDER BY received_at, node_id LIMIT 1) WHERE source_id IS NULL"
    )
    # What 0.1.0 read itself has the firmware's version with it; the rest is of whoever tells of it next.
    db.execute_sql("UPDATE model SET told_by = '' WHERE firmware_versions = '[]'")
