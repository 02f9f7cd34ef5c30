"""Sweeps, strangers, commands and what the daemons say of themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hived.records.site import Command, DaemonRow, Stranger, Sweep
from hived.store.engine.database import Database, dicts
from hived.store.schema import Command as CommandRow
from hived.store.schema import Daemon as DaemonTable
from hived.store.schema import Stranger as StrangerRow
from hived.store.schema import Sweep as SweepRow

KEEP_SWEEPS = 1000  # eight hours of a 30 s cycle
KEEP_COMMANDS = 1000
MAX_STRANGERS = 4096  # printers and routers of a /20; those silent longest leave first


def start_sweep(db: Database, at: float) -> int:
    """Open a sweep's row and return its id; sweeps that a crash left open stay open and say so by it."""
    SweepRow.delete().where(SweepRow.id <= _newest_id(db, SweepRow) - KEEP_SWEEPS).execute(db)
    return int(SweepRow.insert(started_at=at).execute(db))


def save_sweep(db: Database, sweep_id: int, sweep: Sweep) -> None:
    """Store how far a sweep has come, or how it ended."""
    SweepRow.update(
        finished_at=sweep.finished_at, addresses=sweep.addresses, responders=sweep.responders, miners=sweep.miners,
        strangers=sweep.strangers, unreadable=sweep.unreadable, note=sweep.note,
    ).where(SweepRow.id == sweep_id).execute(db)  # fmt: skip


def sweeps(db: Database, *, limit: int = 1) -> list[Sweep]:
    """Return the newest sweeps first."""
    query = SweepRow.select().order_by(SweepRow.id.desc()).limit(limit)
    return [Sweep(**{k: v for k, v in row.items() if k != "id"}) for row in dicts(query, db)]


def save_stranger(db: Database, stranger: Stranger) -> None:
    """Note an address that answers but is no miner we can read."""
    fields: dict[str, Any] = {
        "kind": stranger.kind, "reason": stranger.reason, "last_seen_at": stranger.last_seen_at,
        "failures": stranger.failures, "next_probe_at": stranger.next_probe_at,
    }  # fmt: skip
    StrangerRow.insert(ip=stranger.ip, first_seen_at=stranger.first_seen_at, **fields).on_conflict(
        conflict_target=[StrangerRow.ip], update=fields
    ).execute(db)
    surplus = StrangerRow.select().bind(db).count() - MAX_STRANGERS
    if surplus > 0:
        oldest = StrangerRow.select(StrangerRow.ip).order_by(StrangerRow.last_seen_at).limit(surplus)
        StrangerRow.delete().where(StrangerRow.ip.in_(oldest)).execute(db)


def forget_strangers(db: Database, ips: Iterable[str]) -> None:
    """Drop addresses that turned out to be miners or that answer no more."""
    StrangerRow.delete().where(StrangerRow.ip.in_(list(ips))).execute(db)


def strangers(db: Database) -> list[Stranger]:
    """Return all strangers by address."""
    return [Stranger(**row) for row in dicts(StrangerRow.select().order_by(StrangerRow.ip), db)]


def ask(db: Database, daemon: str, verb: str, args: dict[str, Any], at: float) -> int:
    """Leave a command for a daemon; return its id."""
    # An order whose end the master does not know is kept: it would be taken for a new one when it comes again.
    known = CommandRow.origin.is_null() | CommandRow.told_at.is_null(False)
    CommandRow.delete().where(CommandRow.id <= _newest_id(db, CommandRow) - KEEP_COMMANDS, known).execute(db)
    return int(CommandRow.insert(daemon=daemon, verb=verb, args=json.dumps(args), created_at=at).execute(db))


def open_commands(db: Database, daemon: str, *, newer_than: float, limit: int = 16) -> list[Command]:
    """Return what is still to be done, oldest first. What waits since before `newer_than` is not wished any more."""
    query = (
        CommandRow.select()
        .where(
            CommandRow.daemon == daemon,
            CommandRow.node_id.is_null(),
            CommandRow.done_at.is_null(),
            CommandRow.created_at > newer_than,
        )
        .order_by(CommandRow.id)
        .limit(limit)
    )
    return [_command(row) for row in dicts(query, db)]


def command(db: Database, command_id: int) -> Command | None:
    """Return one command."""
    rows = dicts(CommandRow.select().where(CommandRow.id == command_id), db)
    return _command(rows[0]) if rows else None


def finish(db: Database, command_id: int, result: dict[str, Any], at: float) -> None:
    """Mark a command as done and say what came of it."""
    CommandRow.update(done_at=at, result=json.dumps(result)).where(CommandRow.id == command_id).execute(db)


def save_daemon(db: Database, row: DaemonRow) -> None:
    """Store what a daemon says of itself."""
    fields = {
        "pid": row.pid, "version": row.version, "started_at": row.started_at, "beat_at": row.beat_at,
        "status": row.status,
    }  # fmt: skip
    DaemonTable.insert(name=row.name, **fields).on_conflict(conflict_target=[DaemonTable.name], update=fields).execute(
        db
    )


def daemons(db: Database) -> list[DaemonRow]:
    """Return every daemon that ever used this database, by name."""
    return [DaemonRow(**row) for row in dicts(DaemonTable.select().order_by(DaemonTable.name), db)]


def _command(row: dict[str, Any]) -> Command:
    return Command(
        id=row["id"], daemon=row["daemon"], verb=row["verb"], args=json.loads(row["args"]),
        created_at=row["created_at"], done_at=row["done_at"],
        result=json.loads(row["result"]) if row["result"] else None, node_id=row["node_id"],
    )  # fmt: skip


def _newest_id(db: Database, table: Any) -> int:
    newest = table.select(table.id).order_by(table.id.desc()).limit(1).bind(db).scalar()
    return int(newest or 0)
