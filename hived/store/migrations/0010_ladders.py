"""Presets are kept for each firmware version and kind of boards of a model; `model` has all of them together."""

from __future__ import annotations

from typing import Any

import peewee as pw


class Ladder(pw.Model):
    short = pw.TextField(column_name="alias")
    firmware_version = pw.TextField()
    boards = pw.TextField()
    presets = pw.TextField()
    read_at = pw.DoubleField()

    class Meta:
        database = pw.DatabaseProxy()
        primary_key = pw.CompositeKey("short", "firmware_version", "boards")
        table_name = "ladder"


def up(_migrator: Any, db: Any) -> None:
    with db.bind_ctx([Ladder]):
        db.create_tables([Ladder])
