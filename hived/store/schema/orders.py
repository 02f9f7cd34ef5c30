"""Tables of steering: what the operator laid down for single miners, orders, and what became of each miner of one."""

from __future__ import annotations

import peewee as pw

from hived.store.schema.base import Table
from hived.store.schema.miners import Miner


class MinerRules(Table):
    """What the operator laid down for one miner; one without a row has nothing of it."""

    num = pw.ForeignKeyField(Miner, primary_key=True, column_name="num", on_delete="CASCADE", backref="+")
    group = pw.TextField(null=True, column_name="group_name", index=True)
    tags = pw.TextField(default="[]")
    locked = pw.TextField(null=True)
    """`records.miner_rules.Hold` as JSON: no orders."""
    protected = pw.TextField(null=True)
    """The same: no automatic orders."""
    min_preset = pw.TextField(null=True)

    class Meta:
        table_name = "miner_rules"


class MinerOrder(Table):
    id = pw.AutoField()
    who = pw.TextField()
    key = pw.TextField(null=True)
    """What its giver calls it: the same key again is the same order."""
    body_hash = pw.TextField(null=True)
    verb = pw.TextField()
    args = pw.TextField(default="{}")
    """Without what is secret."""
    via = pw.TextField()
    created_at = pw.DoubleField()
    expires_at = pw.DoubleField()
    packet_size = pw.IntegerField()
    packet_interval_s = pw.DoubleField()
    stop_after = pw.IntegerField()
    """So many refusals in a row stop it."""
    force = pw.BooleanField(default=False)
    undo_of = pw.IntegerField(null=True)
    cancelled_at = pw.DoubleField(null=True)
    cancelled_by = pw.TextField(null=True)
    stopped_at = pw.DoubleField(null=True)
    finished_at = pw.DoubleField(null=True, index=True)
    """When its last miner had its end; null: it goes on."""
    counts = pw.TextField(null=True)
    """Of one that is over, JSON: [targets by state, effect in W, in H/s]."""

    class Meta:
        table_name = "miner_order"
        indexes = ((("who", "via", "key"), True),)


class OrderTarget(Table):
    order = pw.ForeignKeyField(MinerOrder, column_name="order_id", on_delete="CASCADE", backref="+")
    num = pw.IntegerField(index=True)
    mac = pw.TextField()
    state = pw.TextField(index=True)
    args = pw.TextField()
    """Of this miner; what is secret is sealed, and goes with the end."""
    step = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    said = pw.TextField(null=True)
    before = pw.TextField(null=True)
    kept = pw.TextField(null=True)
    """Sealed: the passwords of the pools that it had, for the way back."""
    after = pw.TextField(null=True)
    at = pw.DoubleField()
    sent_at = pw.DoubleField(null=True, index=True)
    ends_at = pw.DoubleField(null=True, index=True)
    effect_w = pw.DoubleField(null=True)
    effect_hs = pw.DoubleField(null=True)
    command = pw.IntegerField(null=True, index=True)
    """On a master, the command by which the miner's node was asked; its outcome comes with that one's."""

    class Meta:
        table_name = "order_target"
        primary_key = pw.CompositeKey("order", "num")


class Plan(Table):
    """An order that is given by the clock: `records.plans.Plan`."""

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
    """Null: nothing comes any more."""
    next_what = pw.TextField(default="do")
    last_order = pw.IntegerField(null=True)
    missed_at = pw.DoubleField(null=True)
