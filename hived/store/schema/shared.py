"""Tables that all wings use: events, commands, what daemons say of themselves, numbers and small texts."""

from __future__ import annotations

import peewee as pw

from hived.store.schema.base import Table


class Event(Table):
    id = pw.AutoField()
    at = pw.DoubleField(index=True)
    num = pw.IntegerField(null=True, index=True)
    kind = pw.TextField()
    detail = pw.TextField(default="{}")
    node_id = pw.TextField(null=True)
    """The node it was told by; null: this one. Its epoch and number there tell a repeat."""
    node_epoch = pw.TextField(null=True)
    node_seq = pw.BigIntegerField(null=True)

    class Meta:
        indexes = ((("node_id", "node_epoch", "node_seq"), True),)


class Command(Table):
    id = pw.AutoField()
    daemon = pw.TextField(index=True)
    verb = pw.TextField()
    args = pw.TextField(default="{}")
    created_at = pw.DoubleField()
    done_at = pw.DoubleField(null=True)
    result = pw.TextField(null=True)
    node_id = pw.TextField(null=True, index=True)
    """The node that is to do it; null: this one."""
    origin = pw.TextField(null=True, unique=True)
    """On a node, the master's name for it, so that the same order is never taken twice."""
    told_at = pw.DoubleField(null=True)
    """When the master that ordered it knew what came of it."""


class Daemon(Table):
    name = pw.TextField(primary_key=True)
    pid = pw.IntegerField()
    version = pw.TextField()
    started_at = pw.DoubleField()
    beat_at = pw.DoubleField()
    status = pw.TextField(default="")
    numbers = pw.TextField(default="{}")
    """JSON: what it counts about itself, `runtime.tally.Numbers`."""


class Counter(Table):
    """Growing numbers. "rev" counts transactions that changed a miner: readers ask for what is newer."""

    name = pw.TextField(primary_key=True)
    value = pw.IntegerField(default=0)


class Setting(Table):
    """Small texts that must survive a restart, by name: the epoch of this database above all."""

    name = pw.TextField(primary_key=True)
    value = pw.TextField()

    class Meta:
        table_name = "keepsake"
