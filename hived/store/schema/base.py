"""What all tables share."""

from __future__ import annotations

import peewee as pw


class Table(pw.Model):
    class Meta:
        # Never bound: each Store binds its own connection per query, so that several can live in one process.
        database = pw.DatabaseProxy()
        legacy_table_names = False
