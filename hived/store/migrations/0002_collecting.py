"""Tables of the auto-miner: sources, what they list, artifacts and what models say of them."""

from __future__ import annotations

from typing import Any

import peewee as pw


class Table(pw.Model):
    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


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
    source = pw.ForeignKeyField(Source, column_name="source_id", on_delete="CASCADE", backref="+")
    reason = pw.TextField()
    count = pw.IntegerField(default=0)
    last_url = pw.TextField(null=True)
    last_at = pw.DoubleField()

    class Meta:
        primary_key = pw.CompositeKey("source", "reason")


class Collector(Table):
    name = pw.TextField(primary_key=True)
    wanted = pw.BooleanField(default=False)
    only_source = pw.IntegerField(null=True)
    request = pw.IntegerField(default=0)
    status = pw.TextField(default="Idle")
    current_source = pw.TextField(null=True)
    model_state = pw.TextField(null=True)
    changed_at = pw.DoubleField(default=0.0)


def up(_migrator: Any, db: Any) -> None:
    tables: list[type[pw.Model]] = [Source, Frontier, Host, Artifact, Contribution, Refusal, Collector]
    with db.bind_ctx(tables):
        db.create_tables(tables)
