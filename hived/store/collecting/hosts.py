"""Hosts that are asked for objects: when again, and what their robots.txt says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hived.store.engine.database import Database, dicts
from hived.store.schema import Host


@dataclass(frozen=True, slots=True)
class HostRow:
    """`name` is host or host:port."""

    name: str
    next_ok_at: float = 0.0
    failures: int = 0
    robots_at: float | None = None
    robots_status: int | None = None
    """HTTP status of robots.txt; None: it could not be reached."""
    robots_type: str | None = None
    robots_body: bytes | None = None


def every(db: Database) -> dict[str, HostRow]:
    """Return all known hosts by name."""
    return {row["name"]: _row(row) for row in dicts(Host.select(), db)}


def save(db: Database, rows: list[HostRow]) -> None:
    """Store hosts as they are now."""
    for row in rows:
        fields: dict[str, Any] = {
            "next_ok_at": row.next_ok_at, "failures": row.failures, "robots_at": row.robots_at,
            "robots_status": row.robots_status, "robots_type": row.robots_type, "robots_body": row.robots_body,
        }  # fmt: skip
        Host.insert(name=row.name, **fields).on_conflict(conflict_target=[Host.name], update=fields).execute(db)


def _row(row: dict[str, Any]) -> HostRow:
    body = row["robots_body"]
    return HostRow(**(row | {"robots_body": None if body is None else bytes(body)}))
