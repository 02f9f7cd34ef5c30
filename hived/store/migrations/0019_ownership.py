"""Which node has had a miner, and when; and on a node, what its master has from another one."""

from __future__ import annotations

from typing import Any

import peewee as pw


class Miner(pw.Model):
    num = pw.AutoField()

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


class Ownership(pw.Model):
    num = pw.ForeignKeyField(Miner, column_name="num", on_delete="CASCADE", backref="+")
    node_id = pw.TextField(null=True)
    since = pw.DoubleField()
    sure_from = pw.DoubleField()
    sure_until = pw.DoubleField(null=True)
    until = pw.DoubleField(null=True)

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


class Contested(pw.Model):
    num = pw.ForeignKeyField(Miner, primary_key=True, column_name="num", on_delete="CASCADE", backref="+")
    rollup_at = pw.DoubleField(null=True)
    event_id = pw.IntegerField(null=True)
    settled = pw.BooleanField(default=False)

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


def up(_migrator: Any, db: Any) -> None:
    tables: list[type[pw.Model]] = [Ownership, Contested]
    with db.bind_ctx([Miner, *tables]):
        db.create_tables(tables)
    db.execute_sql(
        "INSERT INTO ownership (num, node_id, since, sure_from, sure_until, until)"
        # What a node of 0.1.0 took from the master itself has the master's key, or settings that the master read.
        " SELECT num, NULL, 0.0, 0.0, created_at, created_at FROM miner WHERE remote AND (api_key IS NOT NULL"
        " OR unlock_password IS NOT NULL OR num IN (SELECT num FROM settings_version))"
        " UNION ALL SELECT num, node_id, 0.0, 0.0, NULL, NULL FROM miner WHERE remote"
    )
