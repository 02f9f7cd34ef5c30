"""Which daemons run, by the rows they write every few seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hived.cli.context import CommandContext
from hived.documents import appliance as documents
from hived.records.condition import Moment
from hived.records.daemon import EVERY_NODE, DaemonRow, alive
from hived.services.miners import moments
from hived.store import Database, daemon_rows


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


def runs(db: Database, name: str, now: float) -> bool:
    """Tell whether a daemon of this box runs."""
    return any(row.name == name and alive(row.beat_at, now) for row in daemon_rows.daemons(db))


def all_daemons(rows: Iterable[DaemonRow], now: float) -> list[DaemonState]:
    """Return every daemon that should run, by name: those of every node, others once they have run."""
    known = {row.name: row for row in rows}
    return [
        DaemonState(name, (row := known.get(name)) is not None and alive(row.beat_at, now), row)
        for name in sorted({*EVERY_NODE, *known})
    ]


def moment(db: Database, context: CommandContext) -> Moment:
    """Return now, and who watches the miners."""
    return moments.moment(db, context.clock(), context.config.intervals.status_seconds)
