"""Tables of what other programs are told."""

from __future__ import annotations

import peewee as pw

from hived.store.schema.base import Table


class Webhook(Table):
    """`records.webhooks.Webhook`. URL and secret are sealed."""

    name = pw.TextField(primary_key=True)
    url = pw.TextField()
    secret = pw.TextField()
    kinds = pw.TextField(default="[]")
    enabled = pw.BooleanField(default=True)
    created_at = pw.DoubleField()
    by = pw.TextField()
    after = pw.IntegerField()
    failures = pw.IntegerField(default=0)
    next_try = pw.DoubleField(null=True)
    sent_at = pw.DoubleField(null=True)
    said = pw.TextField(null=True)
    passed_over = pw.IntegerField(default=0)
