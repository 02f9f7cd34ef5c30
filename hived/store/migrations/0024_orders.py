"""Orders to miners, and what the operator lays down for single ones."""

from __future__ import annotations

from typing import Any

import peewee as pw


class Miner(pw.Model):
    num = pw.AutoField()

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


class MinerRules(pw.Model):
    num = pw.ForeignKeyField(Miner, primary_key=True, column_name="num", on_delete="CASCADE", backref="+")
    group_name = pw.TextField(null=True, index=True)
    tags = pw.TextField(default="[]")
    locked = pw.TextField(null=True)
    protected = pw.TextField(null=True)
    min_preset = pw.TextField(null=True)

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


class MinerOrder(pw.Model):
    id = pw.AutoField()
    who = pw.TextField()
    key = pw.TextField(null=True)
    body_hash = pw.TextField(null=True)
    verb = pw.TextField()
    args = pw.TextField(default="{}")
    via = pw.TextField()
    created_at = pw.DoubleField()
    expires_at = pw.DoubleField()
    packet_size = pw.IntegerField()
    packet_interval_s = pw.DoubleField()
    stop_after = pw.IntegerField()
    force = pw.BooleanField(default=False)
    undo_of = pw.IntegerField(null=True)
    cancelled_at = pw.DoubleField(null=True)
    cancelled_by = pw.TextField(null=True)
    stopped_at = pw.DoubleField(null=True)
    finished_at = pw.DoubleField(null=True, index=True)
    counts = pw.TextField(null=True)

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False
        indexes = ((("who", "via", "key"), True),)


class OrderTarget(pw.Model):
    order = pw.ForeignKeyField(MinerOrder, column_name="order_id", on_delete="CASCADE", backref="+")
    num = pw.IntegerField(index=True)
    mac = pw.TextField()
    state = pw.TextField(index=True)
    args = pw.TextField()
    step = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    said = pw.TextField(null=True)
    before = pw.TextField(null=True)
    kept = pw.TextField(null=True)
    after = pw.TextField(null=True)
    at = pw.DoubleField()
    sent_at = pw.DoubleField(null=True, index=True)
    ends_at = pw.DoubleField(null=True, index=True)
    effect_w = pw.DoubleField(null=True)
    effect_hs = pw.DoubleField(null=True)
    command = pw.IntegerField(null=True, index=True)

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False
        primary_key = pw.CompositeKey("order", "num")


class Plan(pw.Model):
    id = pw.AutoField()
    name = pw.TextField(unique=True)
    schedule = pw.TextField()
    body = pw.TextField()
    by = pw.TextField()
    role = pw.TextField()
    enabled = pw.BooleanField(default=True)
    late = pw.BooleanField(default=False)
    created_at = pw.DoubleField()
    next_at = pw.DoubleField(null=True, index=True)
    next_what = pw.TextField(default="do")
    last_order = pw.IntegerField(null=True)
    missed_at = pw.DoubleField(null=True)

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("model", "min_preset", pw.TextField(null=True)),
        migrator.add_column("health", "tuned", pw.TextField(null=True)),
    )
    tables: list[type[pw.Model]] = [MinerRules, MinerOrder, OrderTarget, Plan]
    with db.bind_ctx([Miner, *tables]):
        db.create_tables(tables)
