"""Tables only. The one place where column names live; changes go through `changes/`, never by hand.

What changes with every poll (`Health`) is kept apart from what changes rarely (`Miner`): SQLite writes whole
pages, and a narrow hot table of 1,000 miners is 25 pages instead of 150.
History tables are keyed time first (appending costs a tenth of scattering); each row knows the time of the same
miner's row before it, so that "the newest N of one miner" is N look-ups and not a scan over the fleet.
"""

from __future__ import annotations

from typing import Any

import peewee as pw


class Table(pw.Model):
    class Meta:
        # Never bound: each Store binds its own connection per query, so that several can live in one process.
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
    """One row for each hashboard and time; `body` is `packing.pack_chips`."""

    at = pw.DoubleField()
    num = pw.IntegerField()
    board = pw.IntegerField()
    before = pw.DoubleField(null=True)
    body = pw.BlobField()

    class Meta:
        primary_key = pw.CompositeKey("at", "num", "board")
        without_rowid = True


class Rollup(Table):
    """What a miner did in one stretch of time: minimum, mean and maximum over `n` statuses, all in base units."""

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
    short = pw.TextField(primary_key=True, column_name="alias")  # Model.alias is a method of peewee's
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
    """Growing numbers. "rev" counts transactions that changed a miner: readers ask for what is newer."""

    name = pw.TextField(primary_key=True)
    value = pw.IntegerField(default=0)


class Source(Table):
    id = pw.AutoField()
    name = pw.TextField()
    base_url = pw.TextField(unique=True)
    kind = pw.TextField()
    created_at = pw.DoubleField()
    cursor = pw.TextField(null=True)
    listing_since = pw.DoubleField(null=True)
    listed_at = pw.DoubleField(null=True)
    last_run_at = pw.DoubleField(null=True)
    last_error = pw.TextField(null=True)
    last_error_at = pw.DoubleField(null=True)
    next_list_at = pw.DoubleField(default=0.0)
    refused = pw.IntegerField(default=0)


class Frontier(Table):
    """Objects that a source lists: when to fetch each, and what is known of it from the last time."""

    id = pw.AutoField()
    source = pw.ForeignKeyField(Source, column_name="source_id", on_delete="CASCADE", backref="+")
    object_id = pw.TextField()
    url = pw.TextField()
    host = pw.TextField()
    priority = pw.IntegerField(default=0)
    due_at = pw.DoubleField(default=0.0)
    attempts = pw.IntegerField(default=0)
    leased_until = pw.DoubleField(default=0.0)
    state = pw.TextField(default="waiting")
    etag = pw.TextField(null=True)
    last_modified = pw.TextField(null=True)
    content_hash = pw.TextField(null=True)
    revisit_s = pw.DoubleField(null=True)
    last_result = pw.TextField(null=True)

    class Meta:
        indexes = ((("source", "object_id"), True), (("source", "due_at"), False), (("source", "state"), False))


class Host(Table):
    """When a host may be asked again, and what its robots.txt says."""

    name = pw.TextField(primary_key=True)
    next_ok_at = pw.DoubleField(default=0.0)
    failures = pw.IntegerField(default=0)
    robots_at = pw.DoubleField(null=True)
    robots_status = pw.IntegerField(null=True)
    robots_type = pw.TextField(null=True)
    robots_body = pw.BlobField(null=True)


class Artifact(Table):
    id = pw.AutoField()
    url_key = pw.TextField(unique=True)
    canon_version = pw.IntegerField()
    url = pw.TextField()
    source = pw.ForeignKeyField(Source, column_name="source_id", null=True, on_delete="SET NULL", backref="+")
    source_name = pw.TextField(null=True)
    provider = pw.TextField()
    object_id = pw.TextField()
    title = pw.TextField()
    licence_uri = pw.TextField()
    licence_field = pw.TextField()
    licence_scope = pw.TextField()
    licence_read_at = pw.DoubleField()
    facts = pw.TextField()
    search = pw.TextField()
    image_url = pw.TextField(null=True)
    content_hash = pw.TextField()
    state = pw.TextField(index=True)
    describe_at = pw.DoubleField(default=0.0)
    describe_attempts = pw.IntegerField(default=0)
    describe_error = pw.TextField(null=True)
    collected_at = pw.DoubleField()
    changed_at = pw.DoubleField()


class Contribution(Table):
    """What one node says of one artifact; the API and the page call it a bubble."""

    id = pw.TextField(primary_key=True)
    artifact = pw.ForeignKeyField(Artifact, column_name="artifact_id", on_delete="CASCADE", backref="+")
    node_id = pw.TextField()
    kind = pw.TextField()
    content = pw.TextField()
    content_hash = pw.TextField()
    input_hash = pw.TextField(null=True)
    model = pw.TextField(null=True)
    model_digest = pw.TextField(null=True)
    prompt_version = pw.IntegerField(null=True)
    collected_at = pw.DoubleField()

    class Meta:
        indexes = ((("artifact", "node_id", "kind"), True),)


class Refusal(Table):
    """Objects that were not stored, counted by source and reason."""

    source = pw.ForeignKeyField(Source, column_name="source_id", on_delete="CASCADE", backref="+")
    reason = pw.TextField()
    count = pw.IntegerField(default=0)
    last_url = pw.TextField(null=True)
    last_at = pw.DoubleField()

    class Meta:
        primary_key = pw.CompositeKey("source", "reason")


class Collector(Table):
    """One row: what the operator wants of the auto-miner, and what it does."""

    name = pw.TextField(primary_key=True)
    wanted = pw.BooleanField(default=False)
    only_source = pw.IntegerField(null=True)
    request = pw.IntegerField(default=0)
    status = pw.TextField(default="Idle")
    current_source = pw.TextField(null=True)
    model_state = pw.TextField(null=True)
    changed_at = pw.DoubleField(default=0.0)


TABLES: list[Any] = [
    Miner, Health, Status, Chips, Rollup5m, Rollup1h, Model, SettingsVersion, Event, Stranger, Sweep, Command, Daemon,
    Counter, Source, Frontier, Host, Artifact, Contribution, Refusal, Collector,
]  # fmt: skip
