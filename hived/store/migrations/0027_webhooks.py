"""Webhooks, and how far each has come."""

from __future__ import annotations

from typing import Any

import peewee as pw


class Webhook(pw.Model):
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

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


def up(_migrator: Any, db: Any) -> None:
    with db.bind_ctx([Webhook]):
        db.create_tables([Webhook])
