"""What the master's operator wants of this node: commands with an origin, done once, told of until the master knows."""

from __future__ import annotations

import json
from typing import Any

from hived.records.commands import Command
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Command as Row

SECRETS = ("password",)
"""Arguments that are sealed while an order waits and gone when it is done."""


def take(
    db: Database, origin: str, daemon: str, verb: str, args: dict[str, Any], at: float, refusal: str | None = None
) -> bool:
    """Keep an order, done already when there is a `refusal`; False when it was taken before."""
    if Row.select().where(Row.origin == origin).bind(db).exists():
        # It knows the end of it no more (restored from a backup, perhaps): tell it again, do it once.
        Row.update(told_at=None).where(Row.origin == origin).execute(db)
        return False
    kept = {} if refusal is not None else {name: _sealed(db, origin, name, value) for name, value in args.items()}
    done = {} if refusal is None else {"done_at": at, "result": json.dumps({"error": refusal})}
    Row.insert(daemon=daemon, verb=verb, args=json.dumps(kept), created_at=at, origin=origin, **done).execute(db)
    return True


def waiting(db: Database, daemon: str, *, older_than: float, limit: int = 16) -> tuple[list[tuple[Command, str]], bool]:
    """Return the orders (and origins) that a daemon is to carry out, secrets opened, and whether one waits too long."""
    given = Row.origin.is_null(False) & Row.done_at.is_null()
    query = Row.select().where(given, Row.daemon == daemon).order_by(Row.id).limit(limit)
    late = Row.select(Row.id).where(given, Row.created_at < older_than).bind(db).exists()
    return [(_command(db, row), row["origin"]) for row in dicts(query, db)], bool(late)


def finish(db: Database, command_id: int, result: dict[str, Any], at: float) -> None:
    """Say what came of an order; what was secret about it goes."""
    args = json.loads(Row.select(Row.args).where(Row.id == command_id).bind(db).scalar() or "{}")
    shown = {name: value for name, value in args.items() if name not in SECRETS}
    Row.update(done_at=at, result=json.dumps(result), args=json.dumps(shown)).where(Row.id == command_id).execute(db)


def give_up(db: Database, older_than: float, at: float, reason: str) -> int:
    """End the orders that nobody carried out in time; return how many."""
    late = Row.select(Row.id).where(Row.done_at.is_null(), Row.origin.is_null(False), Row.created_at < older_than)
    ids = [number for (number,) in tuples(late, db)]
    for number in ids:
        finish(db, number, {"error": reason}, at)
    return len(ids)


def untold(db: Database, master_id: str, *, limit: int = 64) -> list[tuple[int, dict[str, Any]]]:
    """Return (the master's number, what came of it) of the orders whose end the master does not know yet."""
    query = (
        Row.select(Row.origin, Row.result)
        .where(Row.origin.startswith(f"{master_id}:"), Row.done_at.is_null(False), Row.told_at.is_null())
        .order_by(Row.id)
        .limit(limit)
    )
    return [(int(origin.rpartition(":")[2]), json.loads(result or "{}")) for origin, result in tuples(query, db)]


def told(db: Database, master_id: str, numbers: list[int], at: float) -> None:
    """Note that the master knows what came of these."""
    Row.update(told_at=at).where(Row.origin.in_([origin_of(master_id, number) for number in numbers])).execute(db)


def origin_of(master_id: str, number: int) -> str:
    """Return how an order is known here."""
    return f"{master_id}:{number}"


def _command(db: Database, row: dict[str, Any]) -> Command:
    args = {name: _opened(db, row["origin"], name, value) for name, value in json.loads(row["args"]).items()}
    return Command(id=row["id"], daemon=row["daemon"], verb=row["verb"], args=args, created_at=row["created_at"])


def _sealed(db: Database, origin: str, name: str, value: Any) -> Any:
    return db.box.seal(value, f"order:{origin}:{name}") if name in SECRETS and isinstance(value, str) else value


def _opened(db: Database, origin: str, name: str, value: Any) -> Any:
    return db.box.open_or_none(value, f"order:{origin}:{name}") if name in SECRETS else value
