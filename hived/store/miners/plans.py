"""Plans as rows: what is to be ordered, and when it comes next."""

from __future__ import annotations

import json
from typing import Any

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.plans import MAX_PLANS, Plan, Schedule
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Plan as Row


def listing(db: Database) -> list[Plan]:
    """Return all plans by name."""
    return [_plan(row) for row in dicts(Row.select().order_by(Row.name), db)]


def one(db: Database, number: int) -> Plan:
    """Return a plan; NotFound."""
    found = dicts(Row.select().where(Row.id == number), db)
    if not found:
        raise NotFound(f"there is no plan {number}")
    return _plan(found[0])


def add(db: Database, plan: Plan) -> int:
    """Keep a plan and return its number. Conflict for a name that another one has, BadRequest for one too many.

    Those that are over make room: they hold no name, and go when there are too many.
    """
    is_over = Row.next_at.is_null()
    Row.delete().where(is_over, Row.name == plan.name).execute(db)
    if tuples(Row.select(Row.id).where(Row.name == plan.name), db):
        raise Conflict(f"there is a plan {plan.name!r} already")
    if Row.select().bind(db).count() >= MAX_PLANS and not Row.delete().where(is_over).execute(db):
        raise BadRequest(f"there are {MAX_PLANS} plans already")
    return int(
        Row.insert(
            name=plan.name, schedule=json.dumps(plan.schedule.to_json()), body=json.dumps(plan.body), by=plan.by,
            role=plan.role or "", enabled=plan.enabled, late=plan.late, created_at=plan.created_at,
            next_at=plan.next_at, next_what=plan.next_what, last_order=plan.order,
        ).execute(db)
    )  # fmt: skip


def change(db: Database, number: int, **fields: Any) -> None:
    """Change columns of a plan."""
    Row.update(**fields).where(Row.id == number).execute(db)


def remove(db: Database, number: int) -> Plan:
    """Take a plan away and return it; NotFound. What it ordered goes on."""
    found = one(db, number)
    Row.delete().where(Row.id == number).execute(db)
    return found


def due(db: Database, at: float) -> list[Plan]:
    """Return the plans whose time has come, the oldest first; of those that rest the ones that owe a way back."""
    owes = (Row.next_what == "back") & Row.last_order.is_null(False)
    query = Row.select().where(Row.enabled | owes, Row.next_at <= at).order_by(Row.next_at)
    return [_plan(row) for row in dicts(query, db)]


def coming_after(db: Database, at: float) -> list[Plan]:
    """Return the plans whose next time is later than a time."""
    return [_plan(row) for row in dicts(Row.select().where(Row.next_at > at), db)]


def _plan(row: dict[str, Any]) -> Plan:
    return Plan(
        id=row["id"], name=row["name"], schedule=Schedule.from_json(json.loads(row["schedule"])),
        body=json.loads(row["body"]), by=row["by"], role=row["role"] or None, enabled=bool(row["enabled"]),
        late=bool(row["late"]), created_at=row["created_at"], next_at=row["next_at"], next_what=row["next_what"],
        order=row["last_order"], missed_at=row["missed_at"],
    )  # fmt: skip
