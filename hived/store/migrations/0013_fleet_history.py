"""What the miners of each model at each node give and lose together is kept, with a reason for each loss."""

from __future__ import annotations

from typing import Any

import peewee as pw

COLUMNS = (
    "miners", "online", "hashing", "unseen", "hashrate_hs", "expected_hs", "unseen_hs", "power_w", "lost_offline_hs",
    "lost_failure_hs", "lost_dead_board_hs", "lost_stopped_hs", "lost_limited_hs", "lost_weak_hs", "lost_tuning_hs",
    "lost_unreadable_hs",
)  # fmt: skip


class FleetSums(pw.Model):
    at = pw.DoubleField()
    node_id = pw.TextField()
    model = pw.TextField()
    n = pw.IntegerField()
    locals().update({name: pw.DoubleField(null=True) for name in COLUMNS})

    class Meta:
        database = pw.DatabaseProxy()
        legacy_table_names = False
        primary_key = pw.CompositeKey("at", "node_id", "model")
        without_rowid = True


class Fleet5m(FleetSums):
    seq = pw.IntegerField(null=True, index=True)

    class Meta:
        table_name = "fleet_5m"


class Fleet1h(FleetSums):
    class Meta:
        table_name = "fleet_1h"


def up(_migrator: Any, db: Any) -> None:
    tables: list[type[pw.Model]] = [Fleet5m, Fleet1h]
    with db.bind_ctx(tables):
        db.create_tables(tables)
