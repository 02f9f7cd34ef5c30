"""The first tables."""

from __future__ import annotations

from typing import Any

from hived.store import schema


def up(_migrator: Any, db: Any) -> None:
    with db.bind_ctx(schema.TABLES):
        db.create_tables(schema.TABLES)
