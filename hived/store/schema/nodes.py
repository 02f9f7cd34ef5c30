"""Tables of a fleet: nodes and their keys, peers, and how far the master has what a node told."""

from __future__ import annotations

import peewee as pw

from hived.store.schema.base import Table


class Node(Table):
    """A node as the master knows it, the master's own included."""

    id = pw.TextField(primary_key=True)
    name = pw.TextField()
    site = pw.TextField(null=True)
    role = pw.TextField(default="node")
    status = pw.TextField()
    """pending, approved or revoked."""
    version = pw.TextField(null=True)
    address = pw.TextField(null=True)
    epoch = pw.TextField(null=True)
    asked_at = pw.DoubleField(null=True)
    decided_at = pw.DoubleField(null=True)
    decided_by = pw.TextField(null=True)
    contact_at = pw.DoubleField(null=True)
    skew_s = pw.DoubleField(null=True)
    secure = pw.BooleanField(default=False)
    """Whether it last came over TLS: only then it is told a password."""
    state = pw.TextField(default="dead")
    """alive, suspect, dead or left, by its contacts."""
    since = pw.DoubleField(null=True)
    health = pw.TextField(default="{}")
    lag = pw.TextField(default="{}")
    artifacts = pw.IntegerField(default=0)
    """How many it told of first."""
    artifact_bytes = pw.BigIntegerField(default=0)
    """Of what it told of artifacts."""
    full = pw.TextField(default="{}")
    """What is not taken of it any more, and since when: names of `records.bounds`."""


class NodeKey(Table):
    """A key of a node; only the hash of its secret is here. `phrase` is what the operator compares."""

    id = pw.TextField(primary_key=True)
    node = pw.ForeignKeyField(Node, column_name="node_id", on_delete="CASCADE", backref="+")
    secret_hash = pw.TextField()
    phrase = pw.TextField(null=True)
    status = pw.TextField()
    """pending, active or revoked."""
    scope = pw.TextField(default="node")
    """node: everything a node sends; ingest: contributions alone, for a collector that is not ours."""
    address = pw.TextField(null=True)
    created_at = pw.DoubleField()
    used_at = pw.DoubleField(null=True)
    ended_at = pw.DoubleField(null=True)


class SyncPoint(Table):
    """How far a stream has come: on a master by node and epoch; on a node for its master, as that last said."""

    peer = pw.TextField()
    epoch = pw.TextField()
    stream = pw.TextField()
    seq = pw.BigIntegerField(default=0)
    at = pw.DoubleField()

    class Meta:
        primary_key = pw.CompositeKey("peer", "epoch", "stream")


class Uplink(Table):
    """One row on a node: its master, the key for it, and how it goes."""

    name = pw.TextField(primary_key=True)
    url = pw.TextField(null=True)
    master_id = pw.TextField(null=True)
    master_name = pw.TextField(null=True)
    pin = pw.TextField(null=True)
    """SHA-256 of the master's public key as seen when joining; null: no TLS, or one that the system trusts."""
    fingerprint = pw.TextField(null=True)
    key_id = pw.TextField(null=True)
    secret = pw.TextField(null=True)
    next_key_id = pw.TextField(null=True)
    next_secret = pw.TextField(null=True)
    phrase = pw.TextField(null=True)
    consent = pw.TextField(null=True)
    """How this node's operator agreed to this master; null: nobody did, and nothing is sent."""
    state = pw.TextField(default="none")
    since = pw.DoubleField(null=True)
    asked_at = pw.DoubleField(null=True)
    ok_at = pw.DoubleField(null=True)
    keyed_at = pw.DoubleField(null=True)
    last_error = pw.TextField(null=True)
    last_error_code = pw.TextField(null=True)
    last_error_at = pw.DoubleField(null=True)
    skew_s = pw.DoubleField(null=True)
    proven_at = pw.DoubleField(null=True)
    """When the master, reached without TLS, last proved that it knows the key; null: never, as with 0.1.0."""


class DeadLetter(Table):
    """A row of ours that the master does not take: set aside with the reason, so that what follows it goes on."""

    stream = pw.TextField()
    seq = pw.BigIntegerField()
    what = pw.TextField()
    reason = pw.TextField()
    at = pw.DoubleField()
    dropped_at = pw.DoubleField(null=True)
    """When a person gave it up; it is kept until the numbers behind it are held."""

    class Meta:
        primary_key = pw.CompositeKey("stream", "seq")


class Peer(Table):
    """Who was seen by zeroconf, one row for each announced name and id."""

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
    """sighted (nothing proven yet), alive, suspect, dead or left."""
    since = pw.DoubleField()
    seen_at = pw.DoubleField()
    verified_at = pw.DoubleField(null=True)
    misses = pw.IntegerField(default=0)
    reason = pw.TextField(null=True)

    class Meta:
        primary_key = pw.CompositeKey("name", "id")
