"""Commands for daemons, as rows: left by whoever asks, taken by a daemon, kept until their outcome is known."""

from __future__ import annotations

import json
from typing import Any

from hived.records.commands import Command
from hived.store.engine.database import Database, dicts
from hived.store.schema import Command as CommandRow

KEEP_COMMANDS = 1000


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


def _command(row: dict[str, Any]) -> Command:
    return Command(
        id=row["id"], daemon=row["daemon"], verb=row["verb"], args=json.loads(row["args"]),
        created_at=row["created_at"], done_at=row["done_at"],
        result=json.loads(row["result"]) if row["result"] else None, node_id=row["node_id"],
    )  # fmt: skip


def _newest_id(db: Database, table: Any) -> int:
    newest = table.select(table.id).order_by(table.id.desc()).limit(1).bind(db).scalar()
    return int(newest or 0)
