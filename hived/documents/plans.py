"""Plans as JSON: for the API, the page and hivectl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from hived.documents.shared import rfc3339
from hived.records.plans import DAYS, Plan, Schedule


class PlanDocument(TypedDict):
    """A plan. `next`: "do" or "back" at `next_at`, null when nothing comes any more; `order` is what it orders."""

    id: int
    name: str
    when: Mapping[str, Any]
    order: Mapping[str, Any]
    by: str
    enabled: bool
    late: bool
    next_at: str | None
    next: str | None
    last_order: int | None
    missed_at: str | None


def plan(told: Plan) -> PlanDocument:
    """Return a plan."""
    comes = told.next_at is not None and (told.enabled or told.owes)
    return {
        "id": told.id, "name": told.name, "when": when(told.schedule), "order": told.body, "by": told.by,
        "enabled": told.enabled, "late": told.late, "next_at": rfc3339(told.next_at) if comes else None,
        "next": told.next_what if comes else None, "last_order": told.order,
        "missed_at": rfc3339(told.missed_at),
    }  # fmt: skip


def when(told: Schedule) -> dict[str, Any]:
    """Return a schedule as it is asked for: {at, until?} or {days, from, to?}."""
    if told.begins is None:
        return {"at": rfc3339(told.at), **({} if told.until is None else {"until": rfc3339(told.until)})}
    days = [DAYS[day] for day in told.days]
    return {"days": days, "from": told.begins, **({} if told.ends is None else {"to": told.ends})}
