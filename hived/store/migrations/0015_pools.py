"""The pools of each miner are remembered, so that a change is seen; those that the operator allows."""

from __future__ import annotations

from typing import Any

import peewee as pw


class AllowedPool(pw.Model):
    id = pw.AutoField()
    url = pw.TextField()
    worker = pw.TextField(default="")
    added_at = pw.DoubleField()
    added_by = pw.TextField()

    class Meta:
        database = pw.DatabaseProxy()
        table_name = "allowed_pool"
        indexes = ((("url", "worker"), True),)


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(migrator.add_column("health", "pools", pw.TextField(null=True)))
    with db.bind_ctx([AllowedPool]):
        db.create_tables([AllowedPool])
