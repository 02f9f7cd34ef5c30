"""A master without TLS proves that it knows the node's key; one that did so once has to do so ever after."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, _db: Any) -> None:
    migrator.migrate(migrator.add_column("uplink", "proven_at", pw.DoubleField(null=True)))
