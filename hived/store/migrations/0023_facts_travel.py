"""What was collected is told of before it is described, and objects that wait are lent to boxes with a model."""

from __future__ import annotations

from typing import Any

import peewee as pw


class Borrowed(pw.Model):
    url_key = pw.TextField(primary_key=True)
    master_id = pw.TextField()
    url = pw.TextField()
    document = pw.TextField()
    until = pw.DoubleField()
    told = pw.TextField(null=True)

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("artifact", "lent_to", pw.TextField(null=True, index=True)),
        migrator.add_column("artifact", "lent_at", pw.DoubleField(null=True)),
        migrator.add_column("artifact", "lent_until", pw.DoubleField(null=True)),
        migrator.add_column("collector", "describer", pw.TextField(null=True)),
        migrator.add_index("contribution", ("node_id", "kind", "seq")),
    )
    db.execute_sql("DROP INDEX contribution_3_node_id_seq")
    with db.bind_ctx([Borrowed]):
        db.create_tables([Borrowed])
    # The facts of what is here already are told of bit by bit, newest first: a large museum would hold up the update.
    db.execute_sql("INSERT INTO counter (name, value) SELECT 'facts_before', MAX(id) FROM artifact HAVING MAX(id) > 0")
