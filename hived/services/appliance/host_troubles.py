"""What is wrong with this box itself, in words: told by health, status and doctor alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hived.errors import next_step
from hived.records.artifact import CollectorState
from hived.records.daemon import MINERD, DaemonRow, alive
from hived.records.host import HostTrouble
from hived.runtime.disk import room, unwritable
from hived.store import Database, budget, push_state
from hived.store.engine.damage import kept

FULL_BYTES = 16 * 1024 * 1024
"""With less room than this a disk counts as full: a transaction and its log may not fit any more."""
_MIB = 1024 * 1024


def host_troubles(database: Path | None) -> list[HostTrouble]:
    """Return what is wrong now, the worst first. `database`: its file; None for a server's, which sees to itself."""
    if database is None:
        return []
    found = []
    if (why := unwritable(database)) is not None:
        text = f"{why.text}: nothing new can be stored"
        found.append(HostTrouble("disk_readonly" if why.code == "disk_readonly" else "not_writable", text, why.step))
    free = room(database.parent)
    if free is not None and free < FULL_BYTES:
        found.append(
            HostTrouble(
                "disk_full",
                f"the disk is full ({free // _MIB} MiB left): new data can no longer be stored, or soon cannot",
                next_step("disk_full", folder=str(database.parent)),
            )
        )
    found += [
        HostTrouble(
            "database_replaced",
            f"the database was damaged: it is kept as {one.path.name} and a new one was started",
            next_step("database_replaced", file=str(one.path)),
            one.at,
        )
        for one in kept(database)
    ]
    return found


def stored_troubles(db: Database) -> list[HostTrouble]:
    """Return what is wrong with this box that only its database knows."""
    return [trouble for trouble in (_full(db), _unsent(db)) if trouble is not None]


def _full(db: Database) -> HostTrouble | None:
    full = budget.full(db)
    if full is None:
        return None
    text = f"the database uses {full.used // _MIB} MiB of {full.budget // _MIB}, but not for history: none is deleted"
    return HostTrouble("database_full", text, next_step("database_full"), full.at)


def _unsent(db: Database) -> HostTrouble | None:
    unsent = push_state.unsent(db)
    if unsent is None:
        return None
    text = (
        f"metrics cannot be sent to {unsent.place}: {unsent.why}; {unsent.waiting} readings wait "
        f"({unsent.waiting_bytes // 1024:,} KiB), {unsent.lost} were let go"
    )
    return HostTrouble("push_waits", text, next_step("push_waits", place=unsent.place), unsent.since)


def model_state(state: CollectorState, daemons: Sequence[DaemonRow], now: float) -> str | None:
    """Return what the model server lacks, where somebody wants it to describe; None: nothing."""
    runs = any(row.name == MINERD and alive(row.beat_at, now) for row in daemons)
    return state.model_state if state.wanted and runs else None
