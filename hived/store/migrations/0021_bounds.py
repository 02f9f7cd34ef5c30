"""What a node has told of artifacts is counted, and what it has sent as much of as is kept is noted."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("node", "artifacts", pw.IntegerField(default=0)),
        migrator.add_column("node", "artifact_bytes", pw.BigIntegerField(default=0)),
        migrator.add_column("node", "full", pw.TextField(default="{}")),
    )
    db.execute_sql(
        "UPDATE node SET artifacts = (SELECT COUNT(*) FROM artifact WHERE told_by = node.id), artifact_bytes ="
        " (SELECT COALESCE(SUM(LENGTH(facts) + LENGTH(search)), 0) FROM artifact WHERE told_by = node.id)"
        " + (SELECT COALESCE(SUM(LENGTH(content) + LENGTH(search)), 0) FROM contribution WHERE node_id = node.id)"
    )
