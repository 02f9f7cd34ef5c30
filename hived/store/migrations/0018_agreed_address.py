"""Where a miner's secrets may go: what was opened before stays open where it is."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("miner", "agreed_ip", pw.TextField(null=True)),
        migrator.add_column("miner", "doubted_ip", pw.TextField(null=True)),
    )
    db.execute_sql(
        "UPDATE miner SET agreed_ip = COALESCE(ip, last_ip)"
        " WHERE NOT remote AND (api_key IS NOT NULL OR unlock_password IS NOT NULL)"
    )
