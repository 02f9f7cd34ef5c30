"""Tables of a fleet: nodes and their keys, sync points, peers, users and their access, and who changed what."""

from __future__ import annotations

import secrets
from typing import Any

import peewee as pw


class Table(pw.Model):
    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


class Artifact(Table):
    id = pw.AutoField()


class Contribution(Table):
    artifact = pw.ForeignKeyField(Artifact, column_name="artifact_id", on_delete="CASCADE", backref="+")
    node_id = pw.TextField()
    kind = pw.TextField()
    id = pw.TextField(index=True)
    content = pw.TextField()
    content_hash = pw.TextField()
    input_hash = pw.TextField(null=True)
    model = pw.TextField(null=True)
    model_digest = pw.TextField(null=True)
    prompt_version = pw.IntegerField(null=True)
    collected_at = pw.DoubleField()
    received_at = pw.DoubleField()
    epoch = pw.TextField(null=True)
    seq = pw.BigIntegerField(default=0)
    search = pw.TextField(null=True)

    class Meta:
        table_name = "contribution_3"
        primary_key = pw.CompositeKey("artifact", "node_id", "kind")
        indexes = ((("node_id", "seq"), False),)


class Keepsake(Table):
    name = pw.TextField(primary_key=True)
    value = pw.TextField()


class Node(Table):
    id = pw.TextField(primary_key=True)
    name = pw.TextField()
    site = pw.TextField(null=True)
    role = pw.TextField(default="node")
    status = pw.TextField()
    version = pw.TextField(null=True)
    address = pw.TextField(null=True)
    epoch = pw.TextField(null=True)
    asked_at = pw.DoubleField(null=True)
    decided_at = pw.DoubleField(null=True)
    decided_by = pw.TextField(null=True)
    contact_at = pw.DoubleField(null=True)
    skew_s = pw.DoubleField(null=True)
    secure = pw.BooleanField(default=False)
    state = pw.TextField(default="dead")
    since = pw.DoubleField(null=True)
    health = pw.TextField(default="{}")
    lag = pw.TextField(default="{}")


class NodeKey(Table):
    id = pw.TextField(primary_key=True)
    node = pw.ForeignKeyField(Node, column_name="node_id", on_delete="CASCADE", backref="+")
    secret_hash = pw.TextField()
    phrase = pw.TextField(null=True)
    status = pw.TextField()
    scope = pw.TextField(default="node")
    address = pw.TextField(null=True)
    created_at = pw.DoubleField()
    used_at = pw.DoubleField(null=True)
    ended_at = pw.DoubleField(null=True)


class OneTimeCode(Table):
    code_hash = pw.TextField(primary_key=True)
    kind = pw.TextField()
    created_at = pw.DoubleField()
    created_by = pw.TextField(null=True)
    expires_at = pw.DoubleField()
    used_at = pw.DoubleField(null=True)
    used_by = pw.TextField(null=True)


class SyncPoint(Table):
    peer = pw.TextField()
    epoch = pw.TextField()
    stream = pw.TextField()
    seq = pw.BigIntegerField(default=0)
    at = pw.DoubleField()

    class Meta:
        primary_key = pw.CompositeKey("peer", "epoch", "stream")


class Uplink(Table):
    name = pw.TextField(primary_key=True)
    url = pw.TextField(null=True)
    master_id = pw.TextField(null=True)
    master_name = pw.TextField(null=True)
    pin = pw.TextField(null=True)
    fingerprint = pw.TextField(null=True)
    key_id = pw.TextField(null=True)
    secret = pw.TextField(null=True)
    next_key_id = pw.TextField(null=True)
    next_secret = pw.TextField(null=True)
    phrase = pw.TextField(null=True)
    state = pw.TextField(default="none")
    since = pw.DoubleField(null=True)
    asked_at = pw.DoubleField(null=True)
    ok_at = pw.DoubleField(null=True)
    keyed_at = pw.DoubleField(null=True)
    last_error = pw.TextField(null=True)
    last_error_at = pw.DoubleField(null=True)
    skew_s = pw.DoubleField(null=True)


class DeadLetter(Table):
    stream = pw.TextField()
    seq = pw.BigIntegerField()
    what = pw.TextField()
    reason = pw.TextField()
    at = pw.DoubleField()
    dropped_at = pw.DoubleField(null=True)

    class Meta:
        primary_key = pw.CompositeKey("stream", "seq")


class Peer(Table):
    name = pw.TextField()
    id = pw.TextField()
    role = pw.TextField()
    version = pw.TextField(null=True)
    addresses = pw.TextField(default="[]")
    port = pw.IntegerField(default=0)
    path = pw.TextField(null=True)
    tls = pw.BooleanField(default=False)
    fingerprint = pw.TextField(null=True)
    state = pw.TextField()
    since = pw.DoubleField()
    seen_at = pw.DoubleField()
    verified_at = pw.DoubleField(null=True)
    misses = pw.IntegerField(default=0)
    reason = pw.TextField(null=True)

    class Meta:
        primary_key = pw.CompositeKey("name", "id")


class User(Table):
    name = pw.TextField(primary_key=True)
    password_hash = pw.TextField()
    role = pw.TextField()
    created_at = pw.DoubleField()
    changed_at = pw.DoubleField()
    login_at = pw.DoubleField(null=True)


class Session(Table):
    token_hash = pw.TextField(primary_key=True)
    user = pw.TextField(index=True)
    role = pw.TextField(null=True)
    created_at = pw.DoubleField()
    seen_at = pw.DoubleField()
    expires_at = pw.DoubleField()
    address = pw.TextField(null=True)
    agent = pw.TextField(null=True)


class ApiToken(Table):
    id = pw.TextField(primary_key=True)
    name = pw.TextField(unique=True)
    secret_hash = pw.TextField()
    role = pw.TextField()
    scopes = pw.TextField(default="[]")
    created_by = pw.TextField(null=True)
    created_at = pw.DoubleField()
    expires_at = pw.DoubleField(null=True)
    used_at = pw.DoubleField(null=True)
    revoked_at = pw.DoubleField(null=True)


class Audit(Table):
    id = pw.AutoField()
    at = pw.DoubleField(index=True)
    who = pw.TextField()
    via = pw.TextField()
    address = pw.TextField(null=True)
    action = pw.TextField()
    target = pw.TextField(null=True)
    before = pw.TextField(null=True)
    after = pw.TextField(null=True)


class Attempt(Table):
    name = pw.TextField(primary_key=True)
    failures = pw.IntegerField(default=0)
    last_at = pw.DoubleField()
    not_before = pw.DoubleField(default=0.0)


def up(migrator: Any, db: Any) -> None:
    tables: list[type[pw.Model]] = [
        Keepsake,
        Node,
        NodeKey,
        OneTimeCode,
        SyncPoint,
        Uplink,
        DeadLetter,
        Peer,
        User,
        Session,
        ApiToken,
        Audit,
        Attempt,
    ]
    migrator.migrate(
        migrator.add_column("miner", "remote", pw.BooleanField(default=False)),
        migrator.add_column("miner", "node_has_key", pw.BooleanField(null=True)),
        migrator.add_column("miner", "seq", pw.IntegerField(default=0, index=True)),
        migrator.add_column("event", "node_id", pw.TextField(null=True)),
        migrator.add_column("event", "node_epoch", pw.TextField(null=True)),
        migrator.add_column("event", "node_seq", pw.BigIntegerField(null=True)),
        migrator.add_index("event", ("node_id", "node_epoch", "node_seq"), unique=True),
        migrator.add_column("command", "node_id", pw.TextField(null=True, index=True)),
        migrator.add_column("command", "origin", pw.TextField(null=True, unique=True)),
        migrator.add_column("command", "told_at", pw.DoubleField(null=True)),
    )
    with db.bind_ctx([*tables, Artifact, Contribution]):
        db.create_tables([*tables, Contribution])
        Keepsake.insert(name="epoch", value=secrets.token_hex(8)).execute()
    _renumber(db)


def _renumber(db: Any) -> None:
    """Number what is there already, so that it is carried to a master like what comes from now on."""
    db.execute_sql("UPDATE miner SET seq = num")
    db.execute_sql(
        "INSERT INTO contribution_3 (artifact_id, node_id, kind, id, content, content_hash, input_hash, model,"
        " model_digest, prompt_version, collected_at, received_at, seq)"
        " SELECT artifact_id, node_id, kind, id, content, content_hash, input_hash, model, model_digest,"
        " prompt_version, collected_at, collected_at, ROW_NUMBER() OVER (ORDER BY collected_at, id) FROM contribution"
    )
    for counter, table in (("miners", "miner"), ("contributions", "contribution_3")):
        db.execute_sql(
            f"INSERT INTO counter (name, value) SELECT '{counter}', COALESCE(MAX(seq), 0) FROM {table}"  # noqa: S608
        )
    db.execute_sql("DROP TABLE contribution")
    db.execute_sql("ALTER TABLE contribution_3 RENAME TO contribution")
