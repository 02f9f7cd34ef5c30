"""The temperature of the power supply is kept, and the highest ones of it and of the boards are summed up."""

from __future__ import annotations

from typing import Any

import peewee as pw


def up(migrator: Any, _db: Any) -> None:
    migrator.migrate(
        migrator.add_column("status", "psu_temp_max_c", pw.DoubleField(null=True)),
        *(
            migrator.add_column(table, column, pw.DoubleField(null=True))
            for table in ("rollup_5m", "rollup_1h")
            for column in ("pcb_temp_max_c", "psu_temp_max_c")
        ),
    )
