"""What the master's operator wants of this node: commands with an origin, done once, told of until the master knows."""

from __future__ import annotations

import json
from typing import Any

from hived.records.daemon import CONTROLD
from hived.store import commands
from hived.store.engine.database import Database, tuples
from hived.store.schema import Command as Row


def take(
    db: Database, origin: str, daemon: str, verb: str, args: dict[str, Any], at: float, refusal: str | None = None
) -> bool:
    """Keep an order, done already when there is a `refusal`; False when it was taken before."""
    if Row.select().where(Row.origin == origin).bind(db).exists():
        # It knows the end of it no more (restored from a backup, perhaps): tell it again, do it once.
        Row.update(told_at=None).where(Row.origin == origin).execute(db)
        return False
    kept = {} if refusal is not None else commands.sealed(db, verb, args, origin)
    done = {} if refusal is None else {"done_at": at, "result": json.dumps({"error": refusal})}
    Row.insert(daemon=daemon, verb=verb, args=json.dumps(kept), created_at=at, origin=origin, **done).execute(db)
    return True


def late(db: Database, older_than: float) -> bool:
    """Tell whether an order waits too long."""
    return bool(_late(older_than).bind(db).exists())


def give_up(db: Database, older_than: float, at: float, reason: str) -> int:
    """End the orders that nobody carried out in time; return how many."""
    ids = [number for (number,) in tuples(_late(older_than), db)]
    for number in ids:
        commands.finish(db, number, {"error": reason}, at)
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


def _late(older_than: float) -> Any:
    # What is to be done to miners has a time of its own.
    return Row.select(Row.id).where(
        Row.done_at.is_null(), Row.origin.is_null(False), Row.created_at < older_than, Row.daemon != CONTROLD
    )
