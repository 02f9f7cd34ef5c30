"""The first tables: a frozen copy, so that later changes of `schema.py` do not change what this one made."""

from __future__ import annotations

from typing import Any

import peewee as pw


class Table(pw.Model):
    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


class Miner(Table):
    num = pw.AutoField()
    mac = pw.TextField(unique=True)
    ip = pw.TextField(null=True, index=True)
    online = pw.BooleanField(default=False)
    managed = pw.BooleanField(default=False)
    model_alias = pw.TextField(null=True)
    model_name = pw.TextField(null=True)
    hostname = pw.TextField(null=True)
    firmware = pw.TextField(null=True)
    firmware_version = pw.TextField(null=True)
    platform = pw.TextField(null=True)
    serial = pw.TextField(null=True)
    hashrate_unit = pw.TextField(default="GH/s")
    node_id = pw.TextField(null=True)
    api_key = pw.TextField(null=True)
    unlock_password = pw.TextField(null=True)
    unlock_failures = pw.IntegerField(default=0)
    unlock_position = pw.IntegerField(default=0)
    unlock_not_before = pw.DoubleField(default=0.0)
    created_at = pw.DoubleField()
    updated_at = pw.DoubleField()


class Health(Table):
    num = pw.ForeignKeyField(Miner, primary_key=True, column_name="num", on_delete="CASCADE", backref="+")
    state = pw.TextField(null=True)
    preset = pw.TextField(null=True)
    seen_at = pw.DoubleField(null=True)
    missed_scans = pw.IntegerField(default=0)
    uptime_s = pw.DoubleField(null=True)
    uptime_at = pw.DoubleField(null=True)
    status_at = pw.DoubleField(null=True)
    chips_at = pw.DoubleField(null=True)
    next_status_at = pw.DoubleField(default=0.0)
    next_chips_at = pw.DoubleField(default=0.0)
    failures = pw.IntegerField(default=0)
    last_error = pw.TextField(null=True)
    last_error_at = pw.DoubleField(null=True)
    error_count = pw.IntegerField(default=0)
    settings_due_at = pw.DoubleField(null=True)
    active_pool = pw.TextField(null=True)
    boards_seen = pw.TextField(default="")
    fans_seen = pw.TextField(default="")
    rev = pw.IntegerField(default=0, index=True)


class Status(Table):
    at = pw.DoubleField()
    num = pw.IntegerField()
    before = pw.DoubleField(null=True)
    state = pw.TextField(null=True)
    preset = pw.TextField(null=True)
    hashrate_hs = pw.DoubleField(null=True)
    average_hashrate_hs = pw.DoubleField(null=True)
    expected_hashrate_hs = pw.DoubleField(null=True)
    power_w = pw.DoubleField(null=True)
    state_s = pw.DoubleField(null=True)
    chip_temp_max_c = pw.DoubleField(null=True)
    pcb_temp_max_c = pw.DoubleField(null=True)
    partial = pw.BooleanField(default=False)
    detail = pw.BlobField(null=True)

    class Meta:
        primary_key = pw.CompositeKey("at", "num")
        without_rowid = True


class Chips(Table):
    at = pw.DoubleField()
    num = pw.IntegerField()
    board = pw.IntegerField()
    before = pw.DoubleField(null=True)
    body = pw.BlobField()

    class Meta:
        primary_key = pw.CompositeKey("at", "num", "board")
        without_rowid = True


class Rollup(Table):
    at = pw.DoubleField()
    num = pw.IntegerField()
    n = pw.IntegerField()
    hashing_n = pw.IntegerField()
    hashrate_min_hs = pw.DoubleField(null=True)
    hashrate_mean_hs = pw.DoubleField(null=True)
    hashrate_max_hs = pw.DoubleField(null=True)
    expected_hashrate_mean_hs = pw.DoubleField(null=True)
    power_min_w = pw.DoubleField(null=True)
    power_mean_w = pw.DoubleField(null=True)
    power_max_w = pw.DoubleField(null=True)
    chip_temp_min_c = pw.DoubleField(null=True)
    chip_temp_mean_c = pw.DoubleField(null=True)
    chip_temp_max_c = pw.DoubleField(null=True)

    class Meta:
        primary_key = pw.CompositeKey("at", "num")
        without_rowid = True


class Rollup5m(Rollup):
    class Meta:
        table_name = "rollup_5m"


class Rollup1h(Rollup):
    class Meta:
        table_name = "rollup_1h"


class Model(Table):
    short = pw.TextField(primary_key=True, column_name="alias")
    name = pw.TextField(null=True)
    max_preset = pw.TextField(null=True)
    presets = pw.TextField(default="[]")
    chips_per_chain = pw.IntegerField(null=True)
    chains = pw.IntegerField(null=True)
    topology = pw.TextField(null=True)
    series = pw.TextField(null=True)
    firmware_versions = pw.TextField(default="[]")
    created_at = pw.DoubleField()
    refreshed_at = pw.DoubleField()


class SettingsVersion(Table):
    num = pw.ForeignKeyField(Miner, column_name="num", on_delete="CASCADE", backref="+")
    version = pw.IntegerField()
    read_at = pw.DoubleField()
    checked_at = pw.DoubleField()
    document = pw.TextField()
    changes = pw.TextField(default="[]")

    class Meta:
        primary_key = pw.CompositeKey("num", "version")
        without_rowid = True


class Event(Table):
    id = pw.AutoField()
    at = pw.DoubleField(index=True)
    num = pw.IntegerField(null=True, index=True)
    kind = pw.TextField()
    detail = pw.TextField(default="{}")


class Stranger(Table):
    ip = pw.TextField(primary_key=True)
    kind = pw.TextField()
    reason = pw.TextField()
    first_seen_at = pw.DoubleField()
    last_seen_at = pw.DoubleField()
    failures = pw.IntegerField(default=1)
    next_probe_at = pw.DoubleField(default=0.0)


class Sweep(Table):
    id = pw.AutoField()
    started_at = pw.DoubleField()
    finished_at = pw.DoubleField(null=True)
    addresses = pw.IntegerField(default=0)
    responders = pw.IntegerField(default=0)
    miners = pw.IntegerField(default=0)
    strangers = pw.IntegerField(default=0)
    unreadable = pw.IntegerField(default=0)
    note = pw.TextField(null=True)


class Command(Table):
    id = pw.AutoField()
    daemon = pw.TextField(index=True)
    verb = pw.TextField()
    args = pw.TextField(default="{}")
    created_at = pw.DoubleField()
    done_at = pw.DoubleField(null=True)
    result = pw.TextField(null=True)


class Daemon(Table):
    name = pw.TextField(primary_key=True)
    pid = pw.IntegerField()
    version = pw.TextField()
    started_at = pw.DoubleField()
    beat_at = pw.DoubleField()
    status = pw.TextField(default="")


class Counter(Table):
    name = pw.TextField(primary_key=True)
    value = pw.IntegerField(default=0)


def up(_migrator: Any, db: Any) -> None:
    tables: list[type[pw.Model]] = [
        Miner, Health, Status, Chips, Rollup5m, Rollup1h, Model, SettingsVersion, Event, Stranger, Sweep, Command,
        Daemon, Counter,
    ]  # fmt: skip
    with db.bind_ctx(tables):
        db.create_tables(tables)
