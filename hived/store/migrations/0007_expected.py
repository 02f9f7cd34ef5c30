"""What a miner should give is kept with each status, with what it was asked for and what is remembered of it."""

from __future__ import annotations

from typing import Any

import peewee as pw


class Table(pw.Model):
    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


class Miner(Table):
    num = pw.AutoField()


class Baseline(Table):
    num = pw.ForeignKeyField(Miner, primary_key=True, column_name="num", on_delete="CASCADE", backref="+")
    body = pw.TextField()


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("status", "target_hashrate_hs", pw.DoubleField(null=True)),
        *(
            migrator.add_column(table, "target_hashrate_mean_hs", pw.DoubleField(null=True))
            for table in ("rollup_5m", "rollup_1h")
        ),
        migrator.add_column("health", "asked_preset", pw.TextField(null=True)),
        migrator.add_column("health", "asked_clocks", pw.TextField(null=True)),
        migrator.add_column("health", "asked_at", pw.DoubleField(null=True)),
    )
    with db.bind_ctx([Baseline]):
        db.create_tables([Baseline])
    # Settings say what was asked for: read them at once instead of within the hour.
    db.execute_sql("UPDATE health SET settings_due_at = 0 WHERE settings_due_at IS NOT NULL")
