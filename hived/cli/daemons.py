"""Which daemons run, by the rows they write every few seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hived.cli.context import CommandContext
from hived.documents import appliance as documents
from hived.records.condition import Moment
from hived.records.daemon import EVERY_NODE, POLLD, DaemonRow, alive
from hived.store import Database, daemon_rows, node_rows


@dataclass(frozen=True, slots=True)
class DaemonState:
    """A daemon that should run; `row` None: it never did."""

    name: str
    alive: bool
    row: DaemonRow | None

    def document(self) -> documents.DaemonDocument:
        if self.row is not None:
            return documents.daemon(self.row, alive=self.alive)
        return documents.daemon_without_row(self.name)


def read_daemons(db: Database) -> list[DaemonRow]:
    """Return what the daemons last said."""
    return daemon_rows.daemons(db)


def all_daemons(rows: Iterable[DaemonRow], now: float) -> list[DaemonState]:
    """Return every daemon that should run, by name: those of every node, others once they have run."""
    told = {row.name: row for row in rows}
    return [
        DaemonState(name, (row := told.get(name)) is not None and alive(row.beat_at, now), row)
        for name in sorted({*EVERY_NODE, *told})
    ]


def moment(db: Database, context: CommandContext) -> Moment:
    """Return now, and who watches the miners."""
    now = context.clock()
    beat_at = next((row.beat_at for row in read_daemons(db) if row.name == POLLD), None)
    return Moment(now, context.config.intervals.status_seconds, alive(beat_at, now), node_rows.away(db))
